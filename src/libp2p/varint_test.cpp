// SPDX-License-Identifier: MIT
#include "libp2p/varint.hpp"

#include <gtest/gtest.h>

#include "libp2p/vectors.hpp"

namespace sennit::libp2p {
namespace {

TEST(Varint, reads_and_writes_the_golden_values) {
    const auto file = vectors::load("varint");
    for (const auto& item : *file.get_array("vectors")) {
        const auto bytes = vectors::hex(item, "bytes");
        const auto value = static_cast<std::uint64_t>(*from_decimal(*item.get_text("value")));
        Reader in{bytes};
        EXPECT_EQ(*read_varint(in), value);
        EXPECT_TRUE(in.empty());
        Writer out;
        write_varint(out, value);
        EXPECT_EQ(out.bytes(), bytes);
        EXPECT_EQ(varint_size(value), bytes.size());
    }
}

TEST(Varint, refuses_what_is_not_minimal_too_long_or_cut) {
    const auto file = vectors::load("varint");
    for (const auto& item : *file.get_array("invalid")) {
        const auto bytes = vectors::hex(item, "bytes");
        Reader in{bytes};
        EXPECT_FALSE(read_varint(in)) << to_hex(bytes);
    }
}

class FrameCutterTest : public testing::Test {
  protected:
    /// The stream in pieces of `step` bytes.
    std::vector<Bytes> cut(BytesView stream, std::size_t step) {
        std::vector<Bytes> out;
        FrameCutter cutter{100};
        for (std::size_t at = 0; at < stream.size(); at += step) {
            auto in = stream.subspan(at, std::min(step, stream.size() - at));
            while (!in.empty()) {
                const auto frame = cutter.next(in);
                EXPECT_TRUE(frame);
                if (!*frame) break;
                out.push_back(to_bytes(**frame));
            }
        }
        EXPECT_TRUE(cutter.at_boundary());
        return out;
    }
    BytesView empty_{};
};

TEST_F(FrameCutterTest, finds_the_same_frames_wherever_the_stream_was_cut) {
    const std::vector<Bytes> frames{{1, 2, 3}, {}, Bytes(100, 7), {9}};
    Writer stream;
    for (const auto& frame : frames) write_prefixed(stream, frame);
    for (std::size_t step = 1; step <= stream.size(); ++step)
        EXPECT_EQ(cut(stream.bytes(), step), frames) << step;
}

TEST_F(FrameCutterTest, refuses_a_length_over_its_limit_before_keeping_anything_for_it) {
    Writer stream;
    write_varint(stream, 101);
    FrameCutter cutter{100};
    auto in = BytesView{stream.bytes()};
    const auto frame = cutter.next(in);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code, Errc::oversized);
    EXPECT_LE(cutter.kept(), 16u);
}

TEST_F(FrameCutterTest, does_not_keep_the_room_of_a_large_frame) {
    FrameCutter cutter{1 << 20};
    Writer stream;
    write_prefixed(stream, Bytes(1 << 20, 1));
    auto first = BytesView{stream.bytes()}.first(10);
    auto rest = BytesView{stream.bytes()}.subspan(10);
    EXPECT_FALSE(*cutter.next(first));
    EXPECT_TRUE(*cutter.next(rest));
    EXPECT_FALSE(*cutter.next(empty_));
    EXPECT_LE(cutter.kept(), 16u);
}

}  // namespace
}  // namespace sennit::libp2p
