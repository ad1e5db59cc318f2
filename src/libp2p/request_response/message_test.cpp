// SPDX-License-Identifier: MIT
#include "libp2p/request_response/message.hpp"

#include <gmock/gmock.h>

namespace sennit::libp2p::request_response {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kMax = 300;

TEST(Message, arrives_whole_however_it_was_cut) {
    for (const auto framing : {Framing::prefixed, Framing::to_end}) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128}, kMax}) {
            const Bytes message(size, 'm');
            const auto wire = frame(framing, message);
            for (std::size_t cut = 1; cut <= wire.size() + 1; ++cut) {
                MessageReader reader{framing, kMax};
                for (std::size_t at = 0; at < wire.size(); at += cut) {
                    EXPECT_FALSE(reader.whole());
                    const auto piece = BytesView{wire}.subspan(at);
                    ASSERT_TRUE(reader.on_bytes(piece.first(std::min(cut, piece.size()))));
                }
                EXPECT_EQ(reader.whole(), framing == Framing::prefixed);
                ASSERT_TRUE(reader.on_end());
                EXPECT_EQ(reader.take(), message);
            }
        }
    }
}

TEST(Message, is_framed_as_others_frame_it) {
    EXPECT_EQ(frame(Framing::prefixed, Bytes{7, 8}), (Bytes{2, 7, 8}));
    EXPECT_EQ(frame(Framing::prefixed, Bytes{}), (Bytes{0}));
    EXPECT_EQ(frame(Framing::prefixed, Bytes(300, 1)).front(), 0xac);
    EXPECT_EQ(frame(Framing::to_end, Bytes{7, 8}), (Bytes{7, 8}));
}

TEST(Message, is_refused_at_the_first_byte_over_its_size) {
    MessageReader prefixed{Framing::prefixed, kMax};
    EXPECT_EQ(prefixed.on_bytes(Bytes{0xad, 0x02}).error().code, Errc::oversized)
        << "at its prefix";

    MessageReader to_end{Framing::to_end, kMax};
    ASSERT_TRUE(to_end.on_bytes(Bytes(kMax, 0)));
    const auto over = to_end.on_bytes(Bytes{0});
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::oversized);
    EXPECT_EQ(over.error().at, kMax);
    EXPECT_THAT(over.error().text(), HasSubstr("at most 300 bytes"));
}

TEST(Message, is_refused_with_a_prefix_that_is_none) {
    MessageReader reader{Framing::prefixed, kMax};
    EXPECT_EQ(reader.on_bytes(Bytes{0x81, 0x00}).error().code, Errc::malformed);
}

TEST(Message, is_refused_with_bytes_behind_it) {
    MessageReader at_once{Framing::prefixed, kMax};
    const auto behind = at_once.on_bytes(Bytes{1, 7, 9});
    ASSERT_FALSE(behind);
    EXPECT_EQ(behind.error().code, Errc::trailing);
    EXPECT_EQ(behind.error().at, 2u);

    MessageReader later{Framing::prefixed, kMax};
    ASSERT_TRUE(later.on_bytes(Bytes{1, 7}));
    EXPECT_EQ(later.on_bytes(Bytes{9}).error().code, Errc::trailing);
}

TEST(Message, that_ends_too_early_says_after_how_many_bytes) {
    for (const Bytes& part : {Bytes{}, Bytes{0x80}, Bytes{3, 1, 2}}) {
        MessageReader reader{Framing::prefixed, kMax};
        ASSERT_TRUE(reader.on_bytes(part));
        const auto end = reader.on_end();
        ASSERT_FALSE(end);
        EXPECT_EQ(end.error().code, Errc::truncated);
        EXPECT_EQ(end.error().at, part.size());
    }
}

TEST(Message, holds_what_came_and_not_what_was_promised) {
    MessageReader reader{Framing::prefixed, std::size_t{1} << 30};
    ASSERT_TRUE(reader.on_bytes(Bytes{0xff, 0xff, 0xff, 0xff, 0x01, 1, 2, 3}));
    EXPECT_GT(reader.held(), 0u);
    EXPECT_LT(reader.held(), 100u);
}

}  // namespace
}  // namespace sennit::libp2p::request_response
