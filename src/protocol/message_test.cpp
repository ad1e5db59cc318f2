// SPDX-License-Identifier: MIT
#include "protocol/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace sennit::protocol {
namespace {

TEST(Message, each_kind_is_named_and_numbered_as_its_struct) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kKinds; ++i) names.insert(to_string(static_cast<Kind>(i)));
    EXPECT_EQ(names.size(), kKinds);
    EXPECT_EQ(to_string(kind_of(Message{Status{}})), "Status");
    EXPECT_EQ(to_string(kind_of(Message{GetHeaders{}})), "GetHeaders");
    EXPECT_EQ(to_string(kind_of(Message{Evidences{}})), "Evidences");
    EXPECT_EQ(to_string(kind_of(Message{PhaseState{}})), "PhaseState");
    EXPECT_EQ(to_string(kind_of(Message{RoundVote{}})), "RoundVote");
    EXPECT_EQ(kind_of(Message{Application{}}), Kind::application);
}

TEST(Message, a_request_names_the_forms_that_it_needs) {
    EXPECT_EQ(forms_of(Message{GetHeaders{Height{1}, 5, false}}),
              (FormSet{Form::headers_by_height}));
    EXPECT_EQ(forms_of(Message{GetHeaders{BlockId{}, 5, true}}),
              (FormSet{Form::headers_by_id, Form::headers_newest_first}));
    EXPECT_EQ(forms_of(Message{GetBlocks{std::vector<BlockId>{}}}), (FormSet{Form::blocks_by_id}));
    EXPECT_EQ(forms_of(Message{GetCertificates{LatestCertificate{}}}),
              (FormSet{Form::certificates_latest}));
    EXPECT_TRUE(forms_of(Message{Blocks{}}).empty());
}

TEST(Message, every_request_has_an_answer_and_nothing_else_has) {
    EXPECT_EQ(answer_kind(Kind::get_headers), Kind::headers);
    EXPECT_EQ(answer_kind(Kind::get_phase), Kind::phase_state);
    EXPECT_EQ(answer_kind(Kind::blocks), std::nullopt);
    EXPECT_EQ(answer_kind(Kind::interest), std::nullopt);
}

TEST(WireBlock, one_that_came_in_and_one_that_goes_out_say_the_same) {
    auto tx = std::make_shared<SignedTransaction>();
    tx->rlp = {1, 2, 3};
    tx->sender.bytes.fill(9);
    tx->id = transaction_id(tx->rlp);
    Header header;
    header.height = Height{5};
    const auto block = make_block(header, {tx});

    const WireBlock out{block};
    const WireBlock in{WireHeader{header}, {WireTransaction{SharedSlice{tx->rlp}, std::nullopt}}};
    EXPECT_EQ(out.id(), in.id());
    EXPECT_EQ(out.header(), in.header());
    ASSERT_EQ(in.size(), 1u);
    EXPECT_TRUE(std::ranges::equal(out.transaction(0), in.transaction(0)));
    EXPECT_EQ(out.wire_transaction(0).id(), in.wire_transaction(0).id());
    ASSERT_NE(out.sender(0), nullptr);
    EXPECT_EQ(*out.sender(0), tx->sender);
    EXPECT_EQ(in.sender(0), nullptr);
    EXPECT_EQ(out.transaction(0).data(), tx->rlp.data()) << "nothing was copied";
}

}  // namespace
}  // namespace sennit::protocol
