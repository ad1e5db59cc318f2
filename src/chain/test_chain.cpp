// SPDX-License-Identifier: MIT
#include "chain/test_chain.hpp"

namespace sennit::chain::fixture {

namespace {

/// Validators that a test may add later have keys here too.
constexpr std::uint32_t kKnownValidators = 128;

}  // namespace

TestChain::TestChain(Genesis genesis) : genesis_{std::move(genesis)} {
    for (std::uint32_t i = 0; i < kKnownValidators; ++i) {
        const auto key = validator_key(i);
        keys_.emplace(key.public_key<ValidatorKey>(), key);
    }
    const auto store = make_memory_store();
    genesis_id_ = open(*store)->genesis_id();
}

std::unique_ptr<State> TestChain::open(Store& store, State::Limits limits) const {
    auto state = State::open(store, genesis_, limits);
    SENNIT_ASSERT(state.has_value());
    return std::move(*state);
}

TransactionPtr TestChain::sign(std::uint32_t from, Transaction tx) const {
    auto key = accounts_.find(from);
    if (key == accounts_.end()) key = accounts_.emplace(from, account_key(from)).first;
    const auto signature = key->second.sign(signing_digest(tx, genesis_.chain_id));
    tx.v = 35 + 2 * genesis_.chain_id + signature.recovery;
    tx.r = signature.r;
    tx.s = signature.s;
    auto rlp = encode(tx);
    const auto id = transaction_id(rlp);
    return std::make_shared<const SignedTransaction>(
        SignedTransaction{std::move(tx), std::move(rlp), id, key->second.address()});
}

TransactionPtr TestChain::transfer(std::uint32_t from, const Address& to, Amount value,
                                   std::uint64_t nonce, std::uint64_t gas_price) const {
    Transaction tx;
    tx.nonce = nonce;
    tx.gas_price = gas_price;
    tx.gas_limit = intrinsic_gas({});
    tx.to = to;
    tx.value = value;
    return sign(from, std::move(tx));
}

BuildOrder TestChain::order(const State& state, const Proposal& proposal) const {
    const auto parent = state.facts(proposal.parent);
    SENNIT_ASSERT(parent != nullptr);
    StakeExtra extra;
    if (proposal.justified != nullptr && proposal.justified->slot > parent->justified.slot) {
        extra.distance = proposal.slot - proposal.justified->slot;
        extra.bitmap = full_bitmap(*proposal.justified->quorum);
    } else {
        extra.distance = proposal.slot - parent->justified.slot;
    }
    return {.parent = proposal.parent,
            .slot = proposal.slot,
            .validator = leader_of(*parent->sets.at(proposal.slot).current, proposal.slot).key,
            .extra_data = encode(extra),
            .candidates = proposal.transactions};
}

BlockPtr TestChain::propose(State& state, const Proposal& proposal) const {
    auto built = state.build(order(state, proposal));
    SENNIT_ASSERT(built.has_value());
    return seal(std::move(built->header), std::move(built->transactions));
}

BlockPtr TestChain::extend(State& state, const BlockId& parent,
                           std::vector<TransactionPtr> transactions) const {
    const auto facts = state.facts(parent);
    SENNIT_ASSERT(facts != nullptr);
    return propose(state, {.parent = parent,
                           .slot = facts->slot + 1,
                           .justified = facts,
                           .transactions = std::move(transactions)});
}

BlockPtr TestChain::seal(Header header, std::vector<TransactionPtr> transactions) const {
    header.signature = keys_.at(header.validator).sign(header_signing_bytes(header, genesis_id_));
    return make_block(std::move(header), std::move(transactions));
}

CertificatePtr TestChain::certify(const State& state, const Facts& target) const {
    const Quorum& quorum = *target.quorum;
    Certificate certificate;
    certificate.set_version = quorum.current().version;
    certificate.joint = quorum.joint();
    certificate.link = link_for(target, [&](const BlockId& id) { return state.facts(id); });
    certificate.target_height = target.height;
    certificate.bitmap = full_bitmap(quorum);
    const auto message = vote_signing_bytes(certificate.link, quorum.set_hash(), genesis_id_);
    for (std::size_t bit = 0; bit < quorum.size(); ++bit) {
        certificate.signatures.push_back(keys_.at(quorum.key(bit)).sign(message));
    }
    return std::make_shared<const Certificate>(std::move(certificate));
}

Bytes full_bitmap(const Quorum& quorum) {
    Bytes bitmap(quorum.bitmap_size());
    for (std::size_t bit = 0; bit < quorum.size(); ++bit) set_bit(bitmap, bit);
    return bitmap;
}

}  // namespace sennit::chain::fixture
