// SPDX-License-Identifier: MIT
#include "libp2p/yamux/frame.hpp"

#include <gtest/gtest.h>

#include "libp2p/vectors.hpp"

namespace sennit::libp2p::yamux {
namespace {

TEST(YamuxFrame, reads_and_writes_the_golden_headers) {
    const auto file = vectors::load("yamux_frames");
    std::size_t seen = 0;
    for (const auto& item : *file.get_array("vectors")) {
        const auto bytes = vectors::hex(item, "bytes");
        const auto number = [&](std::string_view key) {
            return static_cast<std::uint32_t>(*item.get_u64(key));
        };
        const Header expected{static_cast<FrameType>(number("type")),
                              static_cast<std::uint16_t>(number("flags")),
                              StreamId{number("stream_id")}, number("length")};
        const auto header = Header::decode(bytes);
        ASSERT_TRUE(header) << *item.get_text("name");
        EXPECT_EQ(*header, expected) << *item.get_text("name");
        Bytes written;
        expected.append_to(written);
        EXPECT_EQ(written, to_bytes(BytesView{bytes}.first(Header::kSize)));
        ++seen;
    }
    EXPECT_GE(seen, 16u);
}

TEST(YamuxFrame, refuses_the_golden_errors_at_their_bytes) {
    const auto file = vectors::load("yamux_frames");
    const std::vector<std::uint64_t> at{0, Header::kTypeAt, Header::kStreamAt, Header::kStreamAt};
    std::size_t seen = 0;
    for (const auto& item : *file.get_array("protocol_errors")) {
        const auto header = Header::decode(vectors::hex(item, "bytes"));
        ASSERT_FALSE(header) << *item.get_text("why");
        EXPECT_EQ(header.error().at, at.at(seen)) << *item.get_text("why");
        ++seen;
    }
    EXPECT_EQ(seen, at.size());
}

TEST(YamuxFrame, writes_every_byte_of_its_numbers_in_big_endian_order) {
    Bytes bytes;
    const Header header{FrameType::window_update, 0x0102, StreamId{0x03040506}, 0x0708090a};
    header.append_to(bytes);
    EXPECT_EQ(to_hex(bytes),
              "0001"
              "0102"
              "03040506"
              "0708090a");
    EXPECT_EQ(*Header::decode(bytes), header);
}

TEST(YamuxFrame, needs_twelve_bytes) {
    const Bytes whole(Header::kSize, 0);
    for (std::size_t size = 0; size < Header::kSize; ++size) {
        const auto header = Header::decode(BytesView{whole}.first(size));
        ASSERT_FALSE(header);
        EXPECT_EQ(header.error().code, Errc::truncated);
    }
}

TEST(YamuxFrame, keeps_flags_that_nobody_defined_and_leaves_their_meaning_to_nobody) {
    Bytes bytes;
    Header{FrameType::data, 0xfff0, StreamId{7}, 1}.append_to(bytes);
    EXPECT_EQ(Header::decode(bytes)->flags, 0xfff0);
}

}  // namespace
}  // namespace sennit::libp2p::yamux
