// SPDX-License-Identifier: MIT
#include "primitives/vote.hpp"

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"

namespace sennit {
namespace {

template <class H>
H filled(std::uint8_t byte) {
    return H::from(Bytes(H::kSize, byte));
}

Member member(std::uint8_t name, std::uint64_t weight) {
    return {filled<Address>(name), filled<Address>(name),
            filled<ValidatorKey>(static_cast<std::uint8_t>(0xff - name)), weight};
}

ValidatorSetPtr set_of(std::uint32_t version, std::vector<Member> members) {
    return std::make_shared<const ValidatorSet>(
        ValidatorSet{version, Slot{version * 64u}, std::move(members)});
}

VoteLink link(std::uint64_t source = 4, std::uint64_t target = 5) {
    return {{Slot{source}, filled<BlockId>(0x51)},
            {Slot{target}, filled<BlockId>(0x71)},
            filled<Digest>(0xd1)};
}

Certificate certificate_of(Bytes bitmap, std::uint32_t version = 1) {
    Certificate certificate{
        .set_version = version, .link = link(), .target_height = Height{3}, .bitmap = bitmap};
    for (std::size_t i = 0; i < count_bits(bitmap); ++i) {
        certificate.signatures.push_back(filled<Signature>(static_cast<std::uint8_t>(i + 1)));
    }
    return certificate;
}

TEST(ValidatorSet, finds_members_by_key) {
    const auto set = set_of(1, {member(1, 5), member(2, 6)});
    EXPECT_EQ(set->total_weight(), 11u);
    EXPECT_EQ(set->index_of(filled<ValidatorKey>(0xfd)), 1u);
    EXPECT_EQ(set->index_of(filled<ValidatorKey>(0x02)), std::nullopt);
}

// More than two thirds: of a weight of 9, 6 are not enough and 7 are.
TEST(Quorum, needs_more_than_two_thirds_of_the_weight) {
    const Quorum quorum{set_of(1, {member(1, 3), member(2, 3), member(3, 2), member(4, 1)}),
                        nullptr};
    EXPECT_FALSE(quorum.joint());
    EXPECT_EQ(quorum.size(), 4u);
    EXPECT_EQ(quorum.bitmap_size(), 1u);
    EXPECT_FALSE(quorum.reached(Bytes{0b0000}));
    EXPECT_FALSE(quorum.reached(Bytes{0b0011}));
    EXPECT_TRUE(quorum.reached(Bytes{0b1011}));
    EXPECT_FALSE(quorum.reached(Bytes{0b1101}));
    EXPECT_TRUE(quorum.reached(Bytes{0b0111}));
    EXPECT_EQ(quorum.weight(Bytes{0b1011}), 7u);
    EXPECT_FALSE(quorum.reached({}));
}

TEST(Quorum, does_not_overflow_near_the_greatest_weight) {
    const std::uint64_t third = (std::uint64_t{1} << 63) / 3;
    const Quorum quorum{set_of(1, {member(1, third), member(2, third), member(3, third)}), nullptr};
    EXPECT_TRUE(quorum.reached(Bytes{0b111}));
    EXPECT_FALSE(quorum.reached(Bytes{0b011}));
}

TEST(Quorum, a_set_without_weight_never_reaches_it) {
    EXPECT_FALSE((Quorum{set_of(1, {member(1, 0)}), nullptr}.reached(Bytes{1})));
    EXPECT_FALSE((Quorum{set_of(1, {}), nullptr}.reached({})));
}

TEST(Quorum, joint_bits_are_the_current_members_and_then_those_only_in_the_previous_set) {
    const auto previous = set_of(1, {member(1, 5), member(2, 5), member(4, 5)});
    const auto current = set_of(2, {member(2, 7), member(3, 5)});
    const Quorum quorum{current, previous};
    ASSERT_EQ(quorum.size(), 4u);
    const std::uint8_t order[] = {2, 3, 1, 4};
    for (std::size_t bit = 0; bit < 4; ++bit) {
        const auto key = filled<ValidatorKey>(static_cast<std::uint8_t>(0xff - order[bit]));
        EXPECT_EQ(quorum.key(bit), key);
        EXPECT_EQ(quorum.bit_of(key), bit);
    }
    EXPECT_EQ(quorum.bit_of(filled<ValidatorKey>(9)), std::nullopt);
    EXPECT_EQ(quorum.weight(Bytes{0b1111}), 12u);
    EXPECT_EQ(quorum.weight(Bytes{0b1101}), 7u);
}

TEST(Quorum, joint_ones_need_both_sets) {
    const auto previous = set_of(1, {member(1, 5), member(2, 5), member(4, 5)});
    const auto current = set_of(2, {member(2, 7), member(3, 5)});
    const Quorum quorum{current, previous};
    EXPECT_FALSE(quorum.reached(Bytes{0b0011}));  // all of the current set, a third of the previous
    EXPECT_FALSE(quorum.reached(Bytes{0b1101}));  // all of the previous set, 7 of 12 of the current
    EXPECT_FALSE(quorum.reached(Bytes{0b0111}));  // two thirds of the previous set: not more
    EXPECT_TRUE(quorum.reached(Bytes{0b1111}));
    EXPECT_TRUE((Quorum{current, nullptr}.reached(Bytes{0b0011})));
}

TEST(Quorum, a_bitmap_has_one_size_and_no_spare_bit) {
    std::vector<Member> members;
    for (std::uint8_t i = 1; i <= 8; ++i) members.push_back(member(i, 1));
    const Quorum eight{set_of(1, members), nullptr};
    EXPECT_TRUE(eight.well_formed(Bytes{0xff}));
    EXPECT_FALSE(eight.well_formed(Bytes{0xff, 0}));
    EXPECT_FALSE(eight.well_formed({}));
    members.push_back(member(9, 1));
    const Quorum nine{set_of(1, members), nullptr};
    EXPECT_TRUE(nine.well_formed(Bytes{0xff, 0x01}));
    EXPECT_FALSE(nine.well_formed(Bytes{0xff, 0x02}));
    EXPECT_FALSE(nine.well_formed(Bytes{0xff}));
}

TEST(Quorum, the_set_hash_is_that_of_rule_18) {
    const auto previous = set_of(0x0a, {member(1, 5)});
    const auto current = set_of(0x0b, {member(2, 258), member(3, 4)});
    const auto key = [](const char* byte) {
        std::string out;
        for (int i = 0; i < 32; ++i) out += byte;
        return out;
    };
    const std::string domain = to_hex(as_bytes("sennit/set/1"));
    const std::string of_current =
        "0b000000"
        "0200" +
        key("fd") + "0201000000000000" + key("fc") + "0400000000000000";
    const std::string of_previous =
        "0a000000"
        "0100" +
        key("fe") + "0500000000000000";
    EXPECT_EQ((Quorum{current, nullptr}.set_hash()),
              crypto::keccak256(*from_hex(domain + of_current)));
    EXPECT_EQ((Quorum{current, previous}.set_hash()),
              crypto::keccak256(*from_hex(domain + of_current + of_previous)));
}

TEST(Bitmap, counts_and_sets_bits) {
    Bytes bitmap(2);
    for (const std::size_t bit : {0u, 7u, 8u}) set_bit(bitmap, bit);
    EXPECT_EQ(to_hex(bitmap), "8101");
    EXPECT_EQ(count_bits(bitmap), 3u);
    EXPECT_TRUE(bit_set(bitmap, 7));
    EXPECT_FALSE(bit_set(bitmap, 6));
    EXPECT_FALSE(bit_set(bitmap, 16));
}

// Expected numbers: rule 4 computed with Python's integers.
TEST(Leader, is_that_of_rule_4) {
    const auto leaders = [](const std::vector<std::uint64_t>& weights) {
        ValidatorSet set;
        for (const auto weight : weights) {
            set.members.push_back(member(static_cast<std::uint8_t>(set.members.size()), weight));
        }
        std::string out;
        for (std::uint64_t slot = 0; slot < 16; ++slot) {
            out += static_cast<char>('0' + leader_of(set, Slot{slot}).account.bytes[0]);
        }
        return out;
    };
    EXPECT_EQ(leaders({10, 20, 70}), "0212202222122021");
    EXPECT_EQ(
        leaders({std::uint64_t{1} << 62, std::uint64_t{1} << 61, (std::uint64_t{1} << 61) - 10, 5}),
        "0102001021020010");
    EXPECT_EQ(leaders({0, 0}), "1111111111111111");
}

TEST(Leader, leads_in_proportion_to_weight) {
    const auto set = set_of(1, {member(1, 1), member(2, 2), member(3, 7)});
    std::array<int, 4> led{};
    for (std::uint64_t slot = 1; slot <= 1000; ++slot) {
        ++led[leader_of(*set, Slot{slot}).account.bytes[0]];
    }
    EXPECT_NEAR(led[1], 100, 3);
    EXPECT_NEAR(led[2], 200, 3);
    EXPECT_NEAR(led[3], 700, 3);
}

TEST(Vote, signs_the_bytes_of_rule_7) {
    Bytes ids(32, 0x51);
    ids.resize(64, 0x71);
    const std::string expected = to_hex(as_bytes("sennit/vote/1")) + to_hex(filled<BlockId>(0x61)) +
                                 to_hex(filled<Digest>(0x5e)) +
                                 "0400000000000000"
                                 "0500000000000000" +
                                 to_hex(filled<Digest>(0xd1)) + to_hex(crypto::keccak256(ids));
    EXPECT_EQ(to_hex(vote_signing_bytes(link(), filled<Digest>(0x5e), filled<BlockId>(0x61))),
              expected);
}

TEST(Vote, has_its_layout_and_comes_back) {
    const Vote vote{0x01020304, filled<ValidatorKey>(0xaa), link(), filled<Signature>(0xbb)};
    Writer out;
    encode(vote, out);
    EXPECT_EQ(to_hex(out.bytes()), "04030201" + to_hex(vote.key) + "0400000000000000" +
                                       to_hex(filled<BlockId>(0x51)) + "0500000000000000" +
                                       to_hex(filled<BlockId>(0x71)) +
                                       to_hex(filled<Digest>(0xd1)) + to_hex(vote.signature));
    EXPECT_EQ(out.size(), kVoteSize);
    Reader in{out.bytes()};
    EXPECT_EQ(*decode_vote(in), vote);
    EXPECT_EQ(vote_id(vote), crypto::keccak256(out.bytes()));
    for (std::size_t size = 0; size < kVoteSize; ++size) {
        Reader cut{BytesView{out.bytes()}.first(size)};
        EXPECT_EQ(decode_vote(cut).error().code, Errc::truncated);
    }
}

TEST(Certificate, has_its_layout_and_comes_back) {
    Certificate certificate = certificate_of(Bytes{0b101}, 9);
    certificate.joint = true;
    const Bytes bytes = encode(certificate);
    EXPECT_EQ(to_hex(bytes),
              "09000000"
              "01"
              "0400000000000000" +
                  to_hex(filled<BlockId>(0x51)) + "0500000000000000" +
                  to_hex(filled<BlockId>(0x71)) + "0300000000000000" +
                  to_hex(filled<Digest>(0xd1)) + "0105" + to_hex(filled<Signature>(1)) +
                  to_hex(filled<Signature>(2)));
    EXPECT_EQ(bytes.size(), kCertificateSizeMin + 1 + 2 * 64);
    const auto decoded = decode_certificate(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, certificate);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_certificate(BytesView{bytes}.first(size)).error().code, Errc::truncated);
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(decode_certificate(longer).error().code, Errc::trailing);
}

TEST(Certificate, of_200_signers_fits_and_a_longer_bitmap_does_not) {
    const Certificate full = certificate_of(Bytes(25, 0xff));
    EXPECT_EQ(full.signatures.size(), kSignersMax);
    Bytes bytes = encode(full);
    EXPECT_EQ(*decode_certificate(bytes), full);
    bytes[kCertificateSizeMin - 1] = 26;
    EXPECT_EQ(decode_certificate(bytes).error().code, Errc::oversized);
}

TEST(Certificate, the_joint_flag_is_a_truth_value) {
    Bytes bytes = encode(certificate_of(Bytes{1}));
    bytes[4] = 2;
    EXPECT_EQ(decode_certificate(bytes).error().code, Errc::malformed);
}

TEST(Certificate, finalises_only_with_neighbouring_slots) {
    Certificate certificate = certificate_of({});
    EXPECT_TRUE(certificate.finalises());
    certificate.link.target.slot = Slot{6};
    EXPECT_FALSE(certificate.finalises());
}

TEST(Certificate, the_form_must_agree_with_the_quorum) {
    const auto current = set_of(1, {member(1, 1), member(2, 1), member(3, 1), member(4, 1)});
    const Quorum quorum{current, nullptr};
    EXPECT_TRUE(check_certificate_form(certificate_of(Bytes{0b0111}), quorum));

    const auto code = [&](const Certificate& certificate) {
        return check_certificate_form(certificate, quorum).error().code;
    };
    EXPECT_EQ(code(certificate_of(Bytes{0b0111}, 2)), Errc::mismatch);
    EXPECT_EQ(code(certificate_of(Bytes{0b0011})), Errc::invalid);
    EXPECT_EQ(code(certificate_of(Bytes{0b10111})), Errc::malformed);
    EXPECT_EQ(code(certificate_of(Bytes{0b0111, 0})), Errc::malformed);

    Certificate changed = certificate_of(Bytes{0b0111});
    changed.joint = true;
    EXPECT_EQ(code(changed), Errc::mismatch);
    changed = certificate_of(Bytes{0b0111});
    changed.signatures.pop_back();
    EXPECT_EQ(code(changed), Errc::malformed);
    changed = certificate_of(Bytes{0b0111});
    changed.link = link(5, 5);
    EXPECT_EQ(code(changed), Errc::invalid);
}

TEST(Evidence, of_a_vote_is_what_was_signed_then_key_and_signature) {
    const Vote vote{1, filled<ValidatorKey>(0xaa), link(), filled<Signature>(0xbb)};
    const auto hash = filled<Digest>(0x5e);
    const auto genesis = filled<BlockId>(0x61);
    EXPECT_EQ(to_hex(evidence_item(vote, hash, genesis)),
              to_hex(vote_signing_bytes(vote.link, hash, genesis)) + to_hex(vote.key) +
                  to_hex(vote.signature));
}

}  // namespace
}  // namespace sennit
