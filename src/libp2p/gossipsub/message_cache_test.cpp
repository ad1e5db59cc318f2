// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/message_cache.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"
#include "libp2p/gossipsub/fixture.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using fixture::at;
using fixture::peer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

CachedMessage message(std::uint8_t n, std::string topic = "blocks", std::size_t size = 10) {
    return {MessageId{n}, std::move(topic), std::make_shared<const Bytes>(size)};
}

TEST(MessageCache, tells_of_the_newest_heartbeats_and_answers_for_all) {
    MessageCache cache{{.history = 3, .gossip = 2}};
    for (std::uint8_t n = 0; n < 4; ++n) {
        EXPECT_TRUE(cache.put(message(n)));
        EXPECT_FALSE(cache.put(message(n)));
        cache.put(message(static_cast<std::uint8_t>(100 + n), "weather"));
        cache.check_invariants();
        if (n < 3) cache.shift();
    }
    EXPECT_THAT(cache.gossip_ids("blocks"), ElementsAre(MessageId{2}, MessageId{3}));
    EXPECT_EQ(cache.find({0}), nullptr);
    EXPECT_NE(cache.find({1}), nullptr);
    EXPECT_EQ(cache.size(), 6u);
    EXPECT_THAT(cache.gossip_ids("nothing"), IsEmpty());
}

TEST(MessageCache, answers_one_peer_three_times) {
    MessageCache cache{{}};
    cache.put(message(1));
    for (int i = 0; i < 3; ++i) EXPECT_NE(cache.answer({1}, peer(1)), nullptr);
    EXPECT_EQ(cache.answer({1}, peer(1)), nullptr);
    EXPECT_NE(cache.answer({1}, peer(2)), nullptr);
    EXPECT_EQ(cache.answer({2}, peer(2)), nullptr);
}

TEST(MessageCache, drops_the_oldest_when_a_burst_takes_its_bytes) {
    MessageCache cache{{.bytes_max = 3000}};
    for (std::uint8_t n = 0; n < 20; ++n) {
        cache.put(message(n, "blocks", 700));
        cache.check_invariants();
        cache.shift();
        cache.put(message(static_cast<std::uint8_t>(100 + n), "blocks", 700));
        EXPECT_LE(cache.bytes(), 3000u);
    }
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_FALSE(cache.put(message(50, "blocks", 5000))) << "nothing was dropped for it";
    EXPECT_EQ(cache.size(), 3u);
}

TEST(SeenCache, forgets_after_its_time_which_copies_do_not_prolong) {
    SeenCache seen{{}};
    EXPECT_TRUE(seen.add({1}, true, at(0)));
    EXPECT_FALSE(seen.add({1}, true, at(100)));
    seen.on_time(at(119));
    EXPECT_TRUE(seen.contains({1}));
    seen.on_time(at(120));
    EXPECT_FALSE(seen.contains({1}));
    EXPECT_TRUE(seen.add({1}, true, at(121)));
}

TEST(SeenCache, holds_a_bounded_number) {
    SeenCache seen{{.count_max = 3}};
    for (std::uint8_t n = 0; n < 10; ++n) seen.add({n}, true, at(n));
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_FALSE(seen.contains({6}));
    EXPECT_TRUE(seen.contains({7}));
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
