// SPDX-License-Identifier: MIT
/// Pushes of what changed, and where peers see us.
#include <gmock/gmock.h>

#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using testing::address;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Network;
using ::testing::Not;
using namespace std::chrono_literals;

const char* const kHome = "/ip4/10.0.0.1/tcp/4001";

class SwarmIdentify : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(net.node(0).swarm.listen(address(kHome)));
        net.run();
        id = *node.swarm.dial(address(kHome), net.now);
        net.run();
        ASSERT_EQ(node.times_identified[id], 1);
        // Its listener came up before anybody was there to be told.
        wait(11s);
        ASSERT_EQ(node.times_identified[id], 1);
    }
    void wait(Duration time) {
        net.now.at += time;
        net.tick();
    }
    void push(const identify::Identify& says) {
        Writer frame;
        write_prefixed(frame, identify::encode(says));
        const auto stream = *node.swarm.open(id, {std::string{identify::kPushProtocol}}, net.now);
        node.swarm.write(stream, std::move(frame).take());
        node.swarm.close_write(stream);
        net.run();
    }
    Network net{2, {.protocols = {"/echo"}}};
    testing::Node& node{net.node(1)};
    ConnectionId id{};
};

TEST_F(SwarmIdentify, tells_peers_of_protocols_that_it_takes_from_now_on) {
    net.node(0).swarm.set_protocols({"/other"}, net.now);
    net.node(0).swarm.set_protocols({"/other", "/third"}, net.now);
    wait(1s);
    EXPECT_EQ(node.times_identified[id], 2) << "both at once";
    EXPECT_THAT(node.says.at(id).protocols, Contains("/third"));
    EXPECT_THAT(node.says.at(id).protocols, Not(Contains("/echo")));
    EXPECT_EQ(node.says.at(id).agent, "sennit");
    const auto taken = *node.swarm.open(id, {"/third"}, net.now);
    const auto refused = *node.swarm.open(id, {"/echo"}, net.now);
    net.run();
    EXPECT_THAT(node.agreed, Contains(taken));
    EXPECT_THAT(node.failed, Contains(refused));
    net.node(0).swarm.set_protocols({"/other", "/third"}, net.now);
    wait(20s);
    EXPECT_EQ(node.times_identified[id], 2) << "nothing has changed";
}

TEST_F(SwarmIdentify, tells_peers_where_it_listens_now) {
    ASSERT_TRUE(net.node(0).swarm.listen(address("/ip4/10.0.0.1/tcp/4002")));
    net.run();
    wait(10s);
    EXPECT_EQ(node.says.at(id).listens.size(), 2u);
}

TEST_F(SwarmIdentify, takes_from_a_push_what_it_has_and_keeps_the_rest) {
    auto& listener = net.node(0);
    const auto other_side = *listener.up.begin();
    push({.protocols = {"/new"}});
    EXPECT_EQ(listener.times_identified[other_side], 2);
    EXPECT_THAT(listener.says.at(other_side).protocols, ElementsAre("/new"));
    EXPECT_EQ(listener.says.at(other_side).agent, "sennit");
    EXPECT_TRUE(listener.says.at(other_side).key);
    push({.agent = "later"});
    EXPECT_EQ(listener.says.at(other_side).agent, "later");
    EXPECT_THAT(listener.says.at(other_side).protocols, ElementsAre("/new"));
}

TEST_F(SwarmIdentify, takes_four_pushes_at_once_and_one_each_ten_seconds) {
    auto& times = net.node(0).times_identified[*net.node(0).up.begin()];
    for (int i = 0; i < 10; ++i) push({.agent = "agent " + std::to_string(i)});
    EXPECT_EQ(times, 1 + 4);
    EXPECT_EQ(node.failed.size(), 6u);
    wait(10s);
    for (int i = 0; i < 10; ++i) push({.agent = "agent " + std::to_string(i)});
    EXPECT_EQ(times, 1 + 5);
}

TEST_F(SwarmIdentify, believes_nothing_of_a_message_with_another_key) {
    auto& listener = net.node(0);
    const auto other_side = *listener.up.begin();
    push({.key = testing::identity(9).public_key(), .agent = "liar"});
    EXPECT_EQ(listener.times_identified[other_side], 1);
    EXPECT_EQ(listener.says.at(other_side).agent, "sennit");
    EXPECT_EQ(node.failed.size(), 1u);
}

TEST(SwarmObserved, counts_an_address_that_three_networks_see_and_forgets_with_them) {
    Network net{6, {.protocols = {"/echo"}}};
    const char* const hosts[]{"203.0.113.1", "11.1.0.1", "11.1.9.9",
                              "11.2.0.1",    "11.3.0.1", "11.4.0.1"};
    for (std::size_t i = 0; i < 6; ++i) net.move(i, hosts[i]);
    auto& us = net.node(0);
    ASSERT_TRUE(us.swarm.listen(address("/ip4/203.0.113.1/tcp/4001")));
    ASSERT_TRUE(net.node(3).swarm.listen(address("/ip4/11.2.0.1/tcp/4001")));
    net.run();
    const auto dial = [&](std::size_t from, const char* to) {
        const auto id = *net.node(from).swarm.dial(address(to), net.now);
        net.run();
        return id;
    };
    const char* const home = "/ip4/203.0.113.1/tcp/4001";
    dial(1, home);
    dial(2, home);                      // of the same network
    dial(0, "/ip4/11.2.0.1/tcp/4001");  // one that we dialled: our host, and the port we listen on
    EXPECT_TRUE(us.swarm.observed_addresses().empty());
    const auto last = dial(4, home);
    EXPECT_THAT(us.swarm.observed_addresses(), ElementsAre(address(home)));
    net.node(4).swarm.disconnect(last);
    net.run();
    EXPECT_TRUE(us.swarm.observed_addresses().empty());
}

}  // namespace
}  // namespace sennit::libp2p
