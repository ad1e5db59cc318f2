// SPDX-License-Identifier: MIT
#include "chain/facts.hpp"

#include <gmock/gmock.h>

#include "chain/genesis_fixture.hpp"
#include "crypto/keccak.hpp"

namespace sennit::chain {
namespace {

using testing::HasSubstr;

/// Headers and facts of a tree of blocks, without signatures or execution.
class FactsTest : public testing::Test {
  protected:
    FactsTest() : genesis_{fixture::genesis({4, 4, 4, 4})} {
        root_ = keep(genesis_facts(genesis_, genesis_header(genesis_, Digest{})));
    }

    FactsPtr keep(FactsPtr facts) {
        facts_[facts->id] = facts;
        return facts;
    }
    FactsLookup lookup() const {
        return [this](const BlockId& id) {
            const auto found = facts_.find(id);
            return found == facts_.end() ? FactsPtr{} : found->second;
        };
    }
    /// A well-formed child in `slot` that names the block in `justified`; all sign if `bitmap` is
    /// not given and that block is newer than the parent's.
    Header child(const Facts& parent, std::uint64_t slot, std::uint64_t justified,
                 std::optional<Bytes> bitmap = std::nullopt) const {
        Header header;
        header.height = parent.height + 1;
        header.timestamp = Schedule{genesis_}.timestamp(Slot{slot});
        header.previous_hash = parent.id;
        header.txs_root = transactions_root({});
        header.receipts_root = receipts_root({}, {});
        header.gas_limit = genesis_.gas_limit;
        header.validator = leader_of(*parent.sets.at(Slot{slot}).current, Slot{slot}).key;
        const bool newer = justified > parent.justified.slot.value;
        header.extra_data =
            encode(StakeExtra{.distance = slot - justified,
                              .bitmap = bitmap.value_or(newer ? Bytes{0b1111} : Bytes{})});
        return header;
    }
    Result<FactsPtr> derive(const Facts& parent, const Header& header) const {
        return derive_facts(parent, header, header_id(header), genesis_, lookup());
    }
    /// Derived, kept, and as if executed.
    FactsPtr grow(const Facts& parent, std::uint64_t slot, std::uint64_t justified) {
        const auto derived = derive(parent, child(parent, slot, justified));
        SENNIT_ASSERT(derived.has_value());
        Facts executed = **derived;
        executed.executed = true;
        return keep(std::make_shared<const Facts>(executed));
    }
    std::string refusal(const Facts& parent, const Header& header) const {
        const auto derived = derive(parent, header);
        return derived ? "accepted" : derived.error().text();
    }

    Genesis genesis_;
    std::map<BlockId, FactsPtr> facts_;
    FactsPtr root_;
};

TEST_F(FactsTest, genesis_is_certified_and_final) {
    EXPECT_EQ(root_->slot, Slot{0});
    EXPECT_EQ(root_->justified, root_->checkpoint());
    EXPECT_EQ(root_->finalised, root_->checkpoint());
    EXPECT_EQ(root_->digest.view()[0], root_->id.view()[0]);
    EXPECT_EQ(Digest::from(root_->id.view()), root_->digest);
    EXPECT_FALSE(root_->quorum->joint());
    EXPECT_TRUE(root_->executed);
}

TEST_F(FactsTest, refuses_each_field_that_breaks_a_rule) {
    const auto good = child(*root_, 2, 0);
    EXPECT_EQ(refusal(*root_, good), "accepted");
    const auto with = [&](auto change) {
        auto header = good;
        change(header);
        return refusal(*root_, header);
    };
    EXPECT_THAT(with([](Header& h) { h.version = 2; }), HasSubstr("version"));
    EXPECT_THAT(with([](Header& h) { h.height = Height{2}; }), HasSubstr("height"));
    EXPECT_THAT(with([](Header& h) { h.previous_hash = BlockId{}; }), HasSubstr("previous_hash"));
    EXPECT_THAT(with([](Header& h) { h.timestamp += 1; }), HasSubstr("not a slot's start"));
    EXPECT_THAT(with([&](Header& h) { h.timestamp = genesis_.genesis_time; }), HasSubstr("after"));
    EXPECT_THAT(with([](Header& h) { h.timestamp = 0; }), HasSubstr("not a slot's start"));
    EXPECT_THAT(with([](Header& h) { h.gas_limit += 1; }), HasSubstr("gas limit"));
    EXPECT_THAT(with([](Header& h) { h.gas_used = h.gas_limit + 1; }), HasSubstr("gas used"));
    EXPECT_THAT(with([](Header& h) { h.validator.bytes[0] ^= 1; }), HasSubstr("does not lead"));
    EXPECT_THAT(with([](Header& h) { h.extra_data[0] = 2; }), HasSubstr("unknown version"));
    EXPECT_THAT(with([](Header& h) { h.extra_data.clear(); }), HasSubstr("too early"));
    EXPECT_THAT(with([](Header& h) { h.extra_data = {1, 0}; }), HasSubstr("no slot before"));
    EXPECT_THAT(with([](Header& h) { h.extra_data = {1, 3}; }), HasSubstr("no slot before"));
    EXPECT_THAT(with([](Header& h) { h.extra_data = {1, 1}; }), HasSubstr("no ancestor stands"));
    EXPECT_THAT(with([](Header& h) { h.extra_data.push_back(15); }), HasSubstr("bitmap although"));
}

TEST_F(FactsTest, justifies_and_finalises_from_headers_alone) {
    const auto b1 = grow(*root_, 1, 0);
    EXPECT_EQ(b1->justified, root_->checkpoint());
    const auto b2 = grow(*b1, 2, 1);  // certifies 1, whose J is 0: 0 -> 1 has a distance of one
    EXPECT_EQ(b2->justified, b1->checkpoint());
    EXPECT_EQ(b2->finalised, root_->checkpoint());
    const auto b4 = grow(*b2, 4, 2);  // certifies 2, J(2) = 1: final
    EXPECT_EQ(b4->finalised, b1->checkpoint());
    const auto b5 = grow(*b4, 5, 4);  // certifies 4, J(4) = 2: a gap, nothing new is final
    EXPECT_EQ(b5->justified, b4->checkpoint());
    EXPECT_EQ(b5->finalised, b1->checkpoint());
    const auto b6 = grow(*b5, 6, 5);  // certifies 5, J(5) = 4
    EXPECT_EQ(b6->finalised, b4->checkpoint());
    EXPECT_EQ(b6->height, Height{5});
}

TEST_F(FactsTest, finds_j_by_walking_and_only_on_the_own_branch) {
    const auto b1 = grow(*root_, 1, 0);
    const auto b2 = grow(*b1, 2, 0);
    const auto b3 = grow(*b2, 3, 0);
    const auto side = grow(*b1, 4, 0);
    EXPECT_EQ((*derive(*b3, child(*b3, 5, 1)))->justified, b1->checkpoint());
    EXPECT_EQ(refusal(*side, child(*side, 6, 3)).substr(0, 18), "no ancestor stands");
    const auto named = grow(*b3, 5, 2);
    EXPECT_THAT(refusal(*named, child(*named, 6, 1)), HasSubstr("before the parent's justified"));

    facts_.erase(b2->id);
    const auto lost = derive(*b3, child(*b3, 6, 1));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Errc::not_found);
    EXPECT_TRUE(derive(*b3, child(*b3, 6, 0))) << "no walk is needed for the parent's J";
}

TEST_F(FactsTest, wants_a_bitmap_exactly_when_j_is_newer_and_a_quorum_in_it) {
    const auto b1 = grow(*root_, 1, 0);
    EXPECT_THAT(refusal(*b1, child(*b1, 2, 1, Bytes{})), HasSubstr("no bitmap although"));
    EXPECT_THAT(refusal(*b1, child(*b1, 2, 0, Bytes{0b1111})), HasSubstr("bitmap although no"));
    EXPECT_THAT(refusal(*b1, child(*b1, 2, 1, Bytes{0b11})), HasSubstr("without a quorum"));
    EXPECT_THAT(refusal(*b1, child(*b1, 2, 1, Bytes{0b11111})), HasSubstr("does not fit"));
    EXPECT_THAT(refusal(*b1, child(*b1, 2, 1, Bytes{0b1111, 0})), HasSubstr("does not fit"));
    EXPECT_EQ(refusal(*b1, child(*b1, 2, 1, Bytes{0b111})), "accepted") << "3 of 4";
}

TEST_F(FactsTest, digest_moves_only_with_transactions) {
    const auto empty = derive(*root_, child(*root_, 1, 0));
    EXPECT_EQ((*empty)->digest, root_->digest);
    auto header = child(*root_, 1, 0);
    header.txs_root = Digest{{1}};
    header.receipts_root = Digest{{2}};
    const auto full = derive(*root_, header);
    Writer expected;
    expected.hash(root_->digest).le(std::uint64_t{1}).hash(header.receipts_root);
    EXPECT_EQ((*full)->digest, crypto::keccak256(expected.bytes()));
}

TEST_F(FactsTest, marks_the_first_block_of_an_epoch_wherever_it_stands) {
    const auto b63 = grow(*root_, 63, 0);
    EXPECT_FALSE(b63->epoch_start);
    EXPECT_TRUE(grow(*b63, 64, 0)->epoch_start);
    const auto late = grow(*b63, 200, 0);
    EXPECT_TRUE(late->epoch_start) << "epochs without a block are skipped";
    EXPECT_FALSE(grow(*late, 201, 0)->epoch_start);
}

/// A block in slot 63 that decided on a version 1 of validators 0 and 1, in force from 64.
class NextVersion : public FactsTest {
  protected:
    NextVersion() {
        auto next = *root_->sets.current;
        next.version = 1;
        next.first_slot = Slot{64};
        next.members.resize(2);
        auto decided = *grow(*root_, 63, 0);
        decided.sets.next = std::make_shared<const ValidatorSet>(next);
        before_ = keep(std::make_shared<const Facts>(decided));
    }
    FactsPtr before_;
};

TEST_F(NextVersion, comes_into_force_with_the_epoch_and_is_joint_until_final) {
    EXPECT_FALSE(before_->quorum->joint());
    const auto first = grow(*before_, 64, 0);
    EXPECT_EQ(first->sets.current, before_->sets.next);
    EXPECT_EQ(first->sets.previous, before_->sets.current);
    EXPECT_EQ(first->sets.next, nullptr);
    ASSERT_TRUE(first->quorum->joint());
    EXPECT_EQ(first->quorum->size(), 4u) << "two of both, then the two who left";
    const auto& members = first->sets.current->members;
    EXPECT_TRUE(leader_of(*first->sets.current, Slot{64}).key == members[0].key ||
                leader_of(*first->sets.current, Slot{64}).key == members[1].key);

    // Both members of version 1 and one who left: 2 of 2, and 3 of 4.
    EXPECT_THAT(refusal(*first, child(*first, 65, 64, Bytes{0b0011})),
                HasSubstr("without a quorum"));
    EXPECT_THAT(refusal(*first, child(*first, 65, 64, Bytes{0b1101})),
                HasSubstr("without a quorum"));
    EXPECT_EQ(refusal(*first, child(*first, 65, 64, Bytes{0b0111})), "accepted");

    // 65 certifies 64; 66 certifies 65, whose J is 64: final, and version 1 stands alone.
    const auto second = grow(*first, 65, 64);
    EXPECT_TRUE(second->quorum->joint());
    EXPECT_EQ(second->quorum, first->quorum) << "neighbours share one quorum";
    const auto third = grow(*second, 66, 65);
    EXPECT_EQ(third->finalised, first->checkpoint());
    EXPECT_FALSE(third->quorum->joint());
    EXPECT_EQ(third->quorum->size(), 2u);
    EXPECT_EQ(third->sets.previous, before_->sets.current) << "the predecessor stays known";
}

TEST_F(NextVersion, waits_for_the_first_block_of_a_later_epoch) {
    const auto late = grow(*before_, 300, 0);
    EXPECT_EQ(late->sets.current->version, 1u);
    EXPECT_TRUE(late->quorum->joint());
}

TEST_F(NextVersion, survives_the_disk_with_its_sets_by_digest) {
    const auto first = grow(*before_, 64, 0);
    std::map<Digest, ValidatorSetPtr> sets;
    for (const auto& set : {first->sets.previous, first->sets.current}) {
        const auto decoded = decode_validator_set(encode(*set));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(*decoded, *set);
        sets[set_digest(*set)] = std::make_shared<const ValidatorSet>(*decoded);
    }
    const SetLookup find = [&](const Digest& digest) { return sets[digest]; };
    const auto bytes = encode(*first);
    const auto decoded = decode_facts(bytes, find, nullptr);
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(encode(**decoded), bytes);
    EXPECT_EQ((*decoded)->quorum->set_hash(), first->quorum->set_hash());
    EXPECT_TRUE((*decoded)->quorum->joint());
    EXPECT_EQ((*decode_facts(bytes, find, (*decoded)->quorum))->quorum, (*decoded)->quorum);
    EXPECT_NE((*decode_facts(bytes, find, root_->quorum))->quorum, root_->quorum);

    EXPECT_EQ(decode_facts(BytesView{bytes}.first(bytes.size() - 1), find, nullptr).error().code,
              Errc::truncated);
    sets.clear();
    EXPECT_EQ(decode_facts(bytes, find, nullptr).error().code, Errc::not_found);
}

TEST_F(FactsTest, link_of_a_target_names_its_own_j) {
    const auto b1 = grow(*root_, 1, 0);
    const auto header = child(*b1, 2, 1);
    const auto b2 = keep(*derive(*b1, header));
    EXPECT_EQ(link_for(*b2, lookup()).source, b1->checkpoint());
    EXPECT_EQ(link_for(*b2, lookup()).source_digest, b1->digest);

    const auto link = required_link(*b2, header, lookup());
    ASSERT_TRUE(link);
    EXPECT_EQ(link->target, b1->checkpoint());
    EXPECT_EQ(link->source, root_->checkpoint());
    const auto header1 = child(*root_, 1, 0);
    EXPECT_EQ(required_link(*b1, header1, lookup()), std::nullopt);
}

TEST_F(FactsTest, companion_may_have_other_signers_but_no_other_link) {
    const auto b1 = grow(*root_, 1, 0);
    const auto header = child(*b1, 2, 1);
    const auto b2 = keep(*derive(*b1, header));
    Certificate good;
    good.link = *required_link(*b2, header, lookup());
    good.target_height = Height{1};
    good.bitmap = {0b1110};
    good.signatures.resize(3);
    EXPECT_TRUE(check_companion(*b2, header, good, lookup()));

    const auto with = [&](auto change) {
        auto certificate = good;
        change(certificate);
        const auto checked = check_companion(*b2, header, certificate, lookup());
        return checked ? std::string{"accepted"} : checked.error().text();
    };
    EXPECT_THAT(with([](auto& c) { c.target_height = Height{2}; }), HasSubstr("height"));
    EXPECT_THAT(with([](auto& c) { c.link.source.slot = Slot{1}; }), HasSubstr("another link"));
    EXPECT_THAT(with([](auto& c) { c.link.source_digest = Digest{}; }), HasSubstr("another link"));
    EXPECT_NE(with([](auto& c) { c.set_version = 1; }), "accepted");
    EXPECT_NE(with([](auto& c) { c.joint = true; }), "accepted");
    EXPECT_NE(with([](auto& c) {
                  c.bitmap = {0b11};
                  c.signatures.resize(2);
              }),
              "accepted");
    EXPECT_FALSE(claims_only(header, good)) << "the header names all four";
    good.bitmap = {0b1111};
    good.signatures.resize(4);
    EXPECT_TRUE(check_companion(*b2, header, good, lookup()));
    EXPECT_TRUE(claims_only(header, good));
    const auto header1 = child(*root_, 1, 0);
    EXPECT_FALSE(check_companion(*b1, header1, good, lookup())) << "b1 justifies nothing new";
}

TEST(ValidatorSetBytes, refuses_what_no_set_looks_like) {
    ValidatorSet set = genesis_set(fixture::genesis({4, 4}));
    EXPECT_TRUE(decode_validator_set(encode(set)));
    auto bytes = encode(set);
    bytes.push_back(0);
    EXPECT_EQ(decode_validator_set(bytes).error().code, Errc::trailing);
    std::swap(set.members[0], set.members[1]);
    EXPECT_FALSE(decode_validator_set(encode(set))) << "order of accounts";
    std::swap(set.members[0], set.members[1]);
    set.members[0].weight = kTotalWeightLimit;
    EXPECT_FALSE(decode_validator_set(encode(set)));
    set.members.clear();
    EXPECT_FALSE(decode_validator_set(encode(set)));
}

}  // namespace
}  // namespace sennit::chain
