// SPDX-License-Identifier: MIT
#include "sync/body_window.hpp"

#include <gmock/gmock.h>

namespace sennit::sync {
namespace {

using testing::ElementsAre;

PeerRef peer(std::uint64_t number) {
    return {InstanceId{1}, PeerId{number}};
}

/// Of a body of ten bytes.
constexpr std::size_t kHeld = 10 + sizeof(protocol::WireTransaction);

std::vector<protocol::WireTransaction> body(std::size_t bytes) {
    return {protocol::WireTransaction{protocol::SharedSlice{Bytes(bytes)}, std::nullopt}};
}

std::vector<Height> heights(std::initializer_list<std::uint64_t> values) {
    std::vector<Height> out;
    for (const auto value : values) out.emplace_back(value);
    return out;
}

/// Heights 5 to 12; 7 and 8 are empty.
class BodyWindowTest : public testing::Test {
  protected:
    BodyWindowTest() {
        window_.start(Height{5});
        for (std::uint64_t h = 5; h <= 12; ++h) {
            Header header;
            header.height = Height{h};
            if (h == 7 || h == 8) header.txs_root = merkle_root({});
            window_.push(protocol::WireHeader{header});
        }
    }

    void hold(std::initializer_list<std::uint64_t> which, std::uint64_t sender = 1) {
        for (const auto height : which)
            EXPECT_TRUE(window_.hold(Height{height}, body(10), peer(sender)));
        window_.check_invariants();
    }

    BodyWindow window_;
};

TEST_F(BodyWindowTest, asks_for_no_body_of_an_empty_block) {
    EXPECT_EQ(window_.missing(4, peer(1)), heights({5, 6, 9, 10}));
    window_.ask(heights({5, 6, 9}));
    EXPECT_EQ(window_.missing(4, peer(1)), heights({10, 11, 12}));
    window_.give_back(heights({6, 9}));
    EXPECT_EQ(window_.missing(4, peer(1)), heights({6, 9, 10, 11}));
}

TEST_F(BodyWindowTest, submits_in_order_and_only_what_is_whole) {
    hold({6, 9});
    EXPECT_EQ(window_.ready(), 0U);
    hold({5});
    EXPECT_EQ(window_.ready(), 5U);
    const auto batch = window_.submit(4, 1000);
    ASSERT_EQ(batch.blocks.size(), 4U);
    EXPECT_THAT(batch.senders, ElementsAre(peer(1), peer(1), PeerRef{}, PeerRef{}));
    EXPECT_EQ(window_.ready(), 1U);
    EXPECT_EQ(window_.bytes(), 3 * kHeld);
    window_.applied(4);
    EXPECT_EQ(window_.first(), Height{9});
    EXPECT_EQ(window_.bytes(), kHeld);
    window_.check_invariants();
}

TEST_F(BodyWindowTest, submits_no_more_bytes_than_allowed_but_always_one) {
    hold({5, 6, 9, 10});
    EXPECT_EQ(window_.submit(8, 2 * kHeld + 5).blocks.size(), 4U);
    EXPECT_EQ(window_.submit(8, 1).blocks.size(), 1U);
}

TEST_F(BodyWindowTest, fetches_again_what_a_liar_sent) {
    hold({5, 9, 10}, 1);
    hold({6}, 2);
    (void)window_.submit(8, 1000);
    window_.withdraw();
    EXPECT_EQ(window_.reject_front(), peer(1));
    window_.check_invariants();
    EXPECT_EQ(window_.missing(9, peer(2)), heights({5, 9, 10, 11, 12}));
    EXPECT_EQ(window_.missing(9, peer(1)), heights({9, 10, 11, 12}))
        << "not the one that it got wrong";
    EXPECT_EQ(window_.bytes(), kHeld);
}

TEST_F(BodyWindowTest, blames_nobody_for_a_block_without_body) {
    hold({5, 6});
    (void)window_.submit(2, 1000);
    window_.applied(2);
    EXPECT_EQ(window_.reject_front(), std::nullopt);
}

TEST_F(BodyWindowTest, takes_a_body_once) {
    hold({5});
    EXPECT_FALSE(window_.hold(Height{5}, body(99), peer(2)));
    EXPECT_EQ(window_.bytes(), kHeld);
    EXPECT_EQ(window_.lacking(heights({4, 5, 6, 7})), heights({6}));
    EXPECT_EQ(window_.front(), Height{6});
}

}  // namespace
}  // namespace sennit::sync
