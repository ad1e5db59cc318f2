// SPDX-License-Identifier: MIT
#include "libp2p/ping/ping.hpp"

#include <gtest/gtest.h>

namespace sennit::libp2p::ping {
namespace {

using std::chrono::milliseconds;

Now at(int ms) {
    return {Instant{milliseconds{1000 + ms}}, {}};
}

Payload payload() {
    Payload out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * 7);
    return out;
}

TEST(Pinger, measures_the_time_to_the_last_byte_of_the_answer) {
    Pinger pinger;
    for (int round = 0; round < 2; ++round) {
        pinger.start(payload(), at(0));
        EXPECT_TRUE(pinger.waiting());
        const auto answer = payload();
        EXPECT_FALSE(*pinger.on_bytes(BytesView{answer}.first(31), at(5)));
        EXPECT_EQ(*pinger.on_bytes(BytesView{answer}.last(1), at(9)), milliseconds{9});
        EXPECT_FALSE(pinger.waiting());
    }
}

TEST(Pinger, takes_no_other_answer_and_none_unasked) {
    Pinger pinger;
    const auto answer = payload();
    EXPECT_EQ(pinger.on_bytes(answer, at(0)).error().code, Errc::trailing);
    pinger.start(payload(), at(0));
    auto wrong = answer;
    wrong[20] ^= 1u;
    EXPECT_FALSE(*pinger.on_bytes(BytesView{wrong}.first(10), at(1)));
    const auto result = pinger.on_bytes(BytesView{wrong}.subspan(10), at(1));
    EXPECT_EQ(result.error().code, Errc::mismatch);
    EXPECT_EQ(result.error().at, 20u);

    Pinger other;
    other.start(payload(), at(0));
    EXPECT_EQ(other.on_bytes(Bytes(33), at(1)).error().code, Errc::trailing);
}

}  // namespace
}  // namespace sennit::libp2p::ping
