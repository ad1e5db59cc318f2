// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "chain/facts.hpp"
#include "chain/genesis_fixture.hpp"

/// Signed headers, votes and certificates of a `stake` chain without transactions, for tests.
namespace sennit::chain::fixture {

struct Proposal {
    Header header;
    FactsPtr facts;  ///< as derived; `executed` gives them back as execution would
};

/// The facts after an execution that changed nothing.
inline FactsPtr executed(const FactsPtr& facts) {
    auto out = *facts;
    out.executed = true;
    return std::make_shared<const Facts>(std::move(out));
}

/// Validators 0 to n-1 of equal or given stake, and `strangers` more keys that are known here and
/// in no set.
class BlockMaker {
  public:
    explicit BlockMaker(const std::vector<std::uint64_t>& stakes, std::uint32_t strangers = 0)
        : genesis_{fixture::genesis(stakes)} {
        for (std::uint32_t i = 0; i < stakes.size() + strangers; ++i) {
            auto key = validator_key(i);
            keys_.emplace(key.public_key<ValidatorKey>(), key);
        }
        header_ = genesis_header(genesis_, Digest{});
        root_ = genesis_facts(genesis_, header_);
    }

    Genesis& genesis() { return genesis_; }
    const Genesis& genesis() const { return genesis_; }
    Schedule schedule() const { return Schedule{genesis_}; }
    const FactsPtr& root() const { return root_; }
    const crypto::Ed25519Key& key(const ValidatorKey& id) const { return keys_.at(id); }

    /// The leader's header. `bitmap` is empty exactly when J is the parent's. `salt` tells two
    /// proposals for one place apart.
    Header header(const Facts& parent, Slot slot, const Facts& justified, Bytes bitmap,
                  std::uint64_t salt = 0) const {
        Header out;
        out.height = parent.height + 1;
        out.timestamp = schedule().timestamp(slot);
        out.previous_hash = parent.id;
        for (std::size_t i = 0; i < 8; ++i) {
            out.state_root.bytes[i] = static_cast<std::uint8_t>(salt >> (8 * i));
        }
        out.txs_root = transactions_root({});
        out.receipts_root = receipts_root({}, {});
        out.validator = leader_of(*parent.sets.at(slot).current, slot).key;
        out.gas_limit = genesis_.gas_limit;
        out.extra_data = encode(StakeExtra{slot - justified.slot, std::move(bitmap)});
        out.signature = key(out.validator).sign(header_signing_bytes(out, root_->id));
        return out;
    }

    /// A block on `parent` that names `justified`, or the parent's J.
    Proposal block(const FactsPtr& parent, std::uint64_t slot, const FactsLookup& lookup,
                   const FactsPtr& justified = nullptr, std::uint64_t salt = 0) const {
        const auto old = lookup(parent->justified.id);
        const bool newer = justified && justified->slot > old->slot;
        const auto header_of = header(*parent, Slot{slot}, newer ? *justified : *old,
                                      newer ? everybody(*justified) : Bytes{}, salt);
        auto facts = derive_facts(*parent, header_of, header_id(header_of), genesis_, lookup);
        SENNIT_ASSERT(facts.has_value());
        return {header_of, *facts};
    }

    static Bytes everybody(const Facts& target) {
        Bytes bitmap(target.quorum->bitmap_size());
        for (std::size_t bit = 0; bit < target.quorum->size(); ++bit) set_bit(bitmap, bit);
        return bitmap;
    }

    Vote vote(const Facts& target, const ValidatorKey& voter, const FactsLookup& lookup) const {
        Vote out{target.quorum->current().version, voter, link_for(target, lookup), {}};
        out.signature =
            key(voter).sign(vote_signing_bytes(out.link, target.quorum->set_hash(), root_->id));
        return out;
    }

    /// Signed by the voters in `bitmap`.
    CertificatePtr certificate(const Facts& target, const FactsLookup& lookup, Bytes bitmap) const {
        auto out = std::make_shared<Certificate>();
        out->set_version = target.quorum->current().version;
        out->joint = target.quorum->joint();
        out->link = link_for(target, lookup);
        out->target_height = target.height;
        for (std::size_t bit = 0; bit < target.quorum->size(); ++bit) {
            if (!bit_set(bitmap, bit)) continue;
            out->signatures.push_back(vote(target, target.quorum->key(bit), lookup).signature);
        }
        out->bitmap = std::move(bitmap);
        return out;
    }
    CertificatePtr certificate(const Facts& target, const FactsLookup& lookup) const {
        return certificate(target, lookup, everybody(target));
    }

  private:
    Genesis genesis_;
    std::map<ValidatorKey, crypto::Ed25519Key> keys_;
    Header header_;
    FactsPtr root_;
};

}  // namespace sennit::chain::fixture
