// SPDX-License-Identifier: MIT
#include "protocol/conformance/test_chain.hpp"

#include "base/rng.hpp"
#include "crypto/secp256k1.hpp"

namespace sennit::protocol::conformance {
namespace {

template <class H>
H noise(std::string_view name, std::uint64_t seed) {
    H hash;
    Rng{seed}.fork(name).fill(hash.bytes);
    return hash;
}

BlockPtr make_test_block(std::size_t height, const BlockId& parent) {
    Header header;
    header.height = Height{height};
    header.timestamp = kTestGenesisTime + height * kTestSlotSeconds;
    header.previous_hash = parent;
    header.state_root = noise<Digest>("state", height);
    header.receipts_root = noise<Digest>("receipts", height);
    header.gas_limit = 10'000'000;
    std::vector<TransactionPtr> transactions;
    if (height > 0) {
        header.validator = noise<ValidatorKey>("validator", height % 4);
        header.signature = noise<Signature>("signature", height);
        header.extra_data = encode(StakeExtra{1, Bytes{0x0f}});
        for (std::size_t i = 0; i < height % 3; ++i) {
            transactions.push_back(test_transaction(height * 16 + i));
        }
        header.gas_used = 21'000 * transactions.size();
    }
    header.txs_root = transactions_root(transactions);
    return make_block(std::move(header), std::move(transactions));
}

}  // namespace

TestChain::TestChain(std::size_t length) {
    BlockId parent;
    for (std::size_t height = 0; height <= length; ++height) {
        blocks_.push_back(make_test_block(height, parent));
        parent = blocks_.back()->id;
    }
}

const BlockPtr* TestChain::find(const BlockId& id) const {
    for (const auto& block : blocks_) {
        if (block->id == id) return &block;
    }
    return nullptr;
}

CertificatePtr TestChain::certificate(std::size_t height) const {
    if (height < 2) return nullptr;
    Certificate certificate;
    certificate.link.source = {Slot{height - 2}, block(height - 2)->id};
    certificate.link.target = {Slot{height - 1}, block(height - 1)->id};
    certificate.link.source_digest = noise<Digest>("records", height);
    certificate.target_height = Height{height - 1};
    certificate.bitmap = {0x0f};
    for (std::uint64_t i = 0; i < 4; ++i) {
        certificate.signatures.push_back(noise<Signature>("voter", height * 4 + i));
    }
    return std::make_shared<const Certificate>(std::move(certificate));
}

BlockRef TestChain::ref(std::size_t height) const {
    const auto& header = block(height)->header;
    return {block(height)->id, header.height, header.previous_hash, header.timestamp};
}

Status TestChain::status() const {
    Status status;
    status.chain_id = kTestChainId;
    status.genesis = block(0)->id;
    status.head = tip()->id;
    status.head_height = tip()->header.height;
    status.finalised = {Slot{length()}, tip()->id};
    status.finalised_height = tip()->header.height;
    status.certified = status.finalised;
    status.certified_height = status.finalised_height;
    return status;
}

TransactionPtr test_transaction(std::uint64_t seed, std::size_t data_size) {
    const auto key = crypto::Secp256k1Key::from_bytes(noise<Word>("account", seed).view());
    SENNIT_ASSERT(key.has_value());
    Transaction tx;
    tx.nonce = seed;
    tx.gas_price = 1'000'000'000;
    tx.gas_limit = 21'000 + 16 * data_size;
    tx.to = noise<Address>("to", seed);
    tx.value = Amount{seed} * 1'000'000'007u + 1;
    tx.data.assign(data_size, static_cast<std::uint8_t>(seed | 1u));
    const auto signature = key->sign(signing_digest(tx, kTestChainId));
    tx.v = 35 + 2 * kTestChainId + signature.recovery;
    tx.r = signature.r;
    tx.s = signature.s;
    auto opened = open_transaction(encode(tx), kTestChainId);
    SENNIT_ASSERT(opened.has_value());
    return *opened;
}

Vote test_vote(std::uint64_t seed, const TestChain& chain) {
    Vote vote;
    vote.key = noise<ValidatorKey>("key", seed);
    vote.link.target = {Slot{chain.length()}, chain.tip()->id};
    vote.link.source = {Slot{chain.length() - 1}, chain.block(chain.length() - 1)->id};
    vote.link.source_digest = noise<Digest>("digest", seed);
    vote.signature = noise<Signature>("vote", seed);
    return vote;
}

}  // namespace sennit::protocol::conformance
