// SPDX-License-Identifier: MIT
#include "chain/registry_evidence.hpp"

#include <gmock/gmock.h>

#include "chain/genesis_fixture.hpp"

namespace sennit::chain {
namespace {

class EvidenceTest : public testing::Test {
  protected:
    Bytes vote(std::uint32_t who, std::uint64_t source, std::uint64_t target, std::uint8_t fork = 0,
               std::optional<BlockId> chain = std::nullopt) const {
        Vote out;
        out.key = fixture::validator_key(who).public_key<ValidatorKey>();
        out.link.source.slot = Slot{source};
        out.link.target = {Slot{target}, BlockId{{fork}}};
        const auto message = vote_signing_bytes(out.link, set_hash_, chain.value_or(genesis_id_));
        out.signature = fixture::validator_key(who).sign(message);
        return evidence_item(out, set_hash_, chain.value_or(genesis_id_));
    }
    Bytes header(std::uint32_t who, std::uint64_t slot, std::uint8_t fork,
                 std::uint64_t off_slot = 0) const {
        Header out;
        out.timestamp = Schedule{genesis_}.timestamp(Slot{slot}) + off_slot;
        out.state_root = Digest{{fork}};
        out.validator = fixture::validator_key(who).public_key<ValidatorKey>();
        out.signature = fixture::validator_key(who).sign(header_signing_bytes(out, genesis_id_));
        return encode(out);
    }
    std::string verdict(const Bytes& first, const Bytes& second) const {
        const auto offence = judge(first, second, genesis_, genesis_id_);
        if (!offence) return std::string{offence.error().what};
        EXPECT_EQ(fixture::number_of(offence->key), 0u);
        switch (offence->kind) {
            case Offence::Kind::double_proposal: return "double proposal";
            case Offence::Kind::double_vote: return "double vote";
            case Offence::Kind::surround_vote: return "surround vote";
        }
        return "unknown";
    }

    Genesis genesis_ = fixture::genesis({4});
    BlockId genesis_id_{{9}};
    Digest set_hash_{{8}};
};

TEST_F(EvidenceTest, convicts_of_two_votes_for_one_target_slot) {
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), vote(0, 1, 5, 2)), "double vote");
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), vote(0, 2, 5, 1)), "double vote") << "two sources";
    EXPECT_EQ(verdict(vote(0, 1, 5), vote(0, 1, 5)), "one vote, twice");
}

TEST_F(EvidenceTest, convicts_of_surrounding_in_either_order_and_only_strictly) {
    EXPECT_EQ(verdict(vote(0, 1, 9), vote(0, 2, 8)), "surround vote");
    EXPECT_EQ(verdict(vote(0, 2, 8), vote(0, 1, 9)), "surround vote");
    const std::string innocent = "votes that do not contradict each other";
    EXPECT_EQ(verdict(vote(0, 2, 9), vote(0, 2, 8)), innocent) << "one source";
    EXPECT_EQ(verdict(vote(0, 1, 2), vote(0, 2, 3)), innocent) << "the ordinary chain of links";
    EXPECT_EQ(verdict(vote(0, 1, 5), vote(0, 3, 8)), innocent) << "overlapping";
    EXPECT_EQ(verdict(vote(0, 1, 9), vote(0, 8, 7)), innocent) << "a link that goes back";
}

TEST_F(EvidenceTest, convicts_of_two_headers_of_one_slot) {
    EXPECT_EQ(verdict(header(0, 3, 1), header(0, 3, 2)), "double proposal");
    EXPECT_EQ(verdict(header(0, 3, 1), header(0, 3, 1)), "one header, twice");
    EXPECT_EQ(verdict(header(0, 3, 1), header(0, 4, 2)), "headers that are not of one slot");
    EXPECT_EQ(verdict(header(0, 3, 1, 1), header(0, 3, 2, 1)), "headers that are not of one slot");
}

TEST_F(EvidenceTest, acquits_when_keys_chains_kinds_or_signatures_differ) {
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), vote(1, 1, 5, 2)), "votes of two keys");
    EXPECT_EQ(verdict(header(0, 3, 1), header(1, 3, 2)), "headers of two keys");
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), vote(0, 1, 5, 2, BlockId{{1}})), "vote of another chain");
    EXPECT_FALSE(judge(vote(0, 1, 5, 1), header(0, 5, 1), genesis_, genesis_id_));
    EXPECT_FALSE(judge(header(0, 5, 1), vote(0, 1, 5, 1), genesis_, genesis_id_));

    auto forged = vote(0, 1, 5, 2);
    forged.back() ^= 1;
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), forged), "vote's signature is wrong");
    forged = vote(0, 1, 5, 2);
    forged[80] ^= 1;  // a slot
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), forged), "vote's signature is wrong");
    forged = vote(0, 1, 5, 2);
    forged[0] = 'S';
    EXPECT_EQ(verdict(vote(0, 1, 5, 1), forged), "evidence is no vote");
    auto other = header(0, 3, 2);
    other[20] ^= 1;
    EXPECT_EQ(verdict(header(0, 3, 1), other), "header's signature is wrong");
    EXPECT_EQ(verdict({}, {}), "ends too early");
}

}  // namespace
}  // namespace sennit::chain
