// SPDX-License-Identifier: MIT
#include "libp2p/request_response/request_response.hpp"

#include <gmock/gmock.h>

#include "libp2p/request_response/fixture.hpp"

namespace sennit::libp2p::request_response {
namespace {

using ::testing::HasSubstr;
using testing::World;
using namespace std::chrono_literals;

class RequestResponseTest : public ::testing::Test {
  protected:
    RequestId ask(ConnectionId id, const char* protocol, Bytes bytes) {
        const auto asked = world.client->machine.request(id, protocol, std::move(bytes), now());
        EXPECT_TRUE(asked);
        return *asked;
    }
    Now now() const { return world.net.now; }
    Errc failure(RequestId id) const {
        const auto found = world.client->failures.find(id);
        return found == world.client->failures.end() ? Errc::invalid : found->second.code;
    }

    World world;
};

TEST_F(RequestResponseTest, carries_a_question_and_its_answer_in_both_framings) {
    const auto id = world.dial(1);
    for (const auto* protocol : {"/p/1", "/e/1"}) {
        for (const std::size_t size : {0u, 1u, 1000u}) {
            const Bytes question(size, 'q');
            const auto asked = ask(id, protocol, question);
            world.net.run();
            ASSERT_TRUE(world.client->responses.contains(asked)) << protocol << size;
            EXPECT_EQ(world.client->responses.at(asked), question);
            const auto& heard = world.server->requests.back();
            EXPECT_EQ(heard.protocol, protocol);
            EXPECT_EQ(heard.peer, world.net.node(1).swarm.self());
            EXPECT_EQ(heard.bytes, question);
        }
    }
    EXPECT_EQ(world.client->machine.outbound(), 0u);
    EXPECT_EQ(world.server->machine.inbound(), 0u);
    EXPECT_EQ(world.server->machine.inbound_bytes(), 0u);
    EXPECT_EQ(world.server->machine.next_wake(), Instant::max());
}

TEST_F(RequestResponseTest, answers_in_any_order) {
    world.server->answer = nullptr;
    const auto id = world.dial(1);
    const auto a = ask(id, "/p/1", Bytes{'a'});
    const auto b = ask(id, "/e/1", Bytes{'b'});
    world.net.run();
    ASSERT_EQ(world.server->requests.size(), 2u);
    auto& server = world.server->machine;
    ASSERT_TRUE(server.respond(world.server->requests[1].key, Bytes{'2'}, now()));
    world.net.run();
    EXPECT_EQ(world.client->responses.size(), 1u);
    ASSERT_TRUE(server.respond(world.server->requests[0].key, Bytes(100'000, '1'), now()));
    world.net.run();
    EXPECT_EQ(world.client->responses.at(a).size(), 100'000u);
    EXPECT_EQ(world.client->responses.at(b), Bytes{'2'});
}

TEST_F(RequestResponseTest, both_sides_ask_over_one_connection) {
    world.client->answer = World::echo;
    const auto id = world.dial(1);
    const auto asked = ask(id, "/p/1", Bytes{1});
    const auto back = world.server->swarm.connection_ids().at(0);
    const auto other = world.server->machine.request(back, "/p/1", Bytes{2}, now());
    ASSERT_TRUE(other);
    world.net.run();
    EXPECT_EQ(world.client->responses.at(asked), Bytes{1});
    EXPECT_EQ(world.server->responses.at(*other), Bytes{2});
}

TEST_F(RequestResponseTest, tells_when_a_request_is_refused) {
    world.server->answer = [](RequestResponse& machine, const auto& request, Now) {
        machine.refuse(request.key);
        machine.refuse(request.key);
        EXPECT_EQ(machine.respond(request.key, {}, Now{}).error().code, Errc::not_found);
    };
    const auto asked = ask(world.dial(1), "/p/1", Bytes{1});
    world.net.run();
    EXPECT_EQ(failure(asked), Errc::io);
    EXPECT_EQ(world.server->machine.inbound(), 0u);
}

TEST_F(RequestResponseTest, tells_when_the_peer_does_not_speak_the_protocol) {
    libp2p::testing::Network deaf{2, {.protocols = {}}};
    const auto address = *Multiaddr::parse("/ip4/10.0.0.1/tcp/4001");
    ASSERT_TRUE(deaf.node(0).swarm.listen(address));
    deaf.run();
    testing::Side side{deaf.node(1), {}};
    const auto id = *deaf.node(1).swarm.dial(address, deaf.now);
    deaf.run();
    const auto asked = *side.machine.request(id, "/p/1", Bytes{1}, deaf.now);
    deaf.run();
    ASSERT_TRUE(side.failures.contains(asked));
    EXPECT_EQ(side.failures.at(asked).code, Errc::unsupported);
    EXPECT_EQ(side.machine.outbound(), 0u);
}

TEST_F(RequestResponseTest, refuses_to_ask_what_cannot_be_asked) {
    auto& machine = world.client->machine;
    const auto id = world.dial(1);
    EXPECT_EQ(machine.request(id, "/no", {}, now()).error().code, Errc::unsupported);
    const auto over = machine.request(id, "/p/1", Bytes(1001, 0), now());
    EXPECT_EQ(over.error().code, Errc::oversized);
    EXPECT_THAT(over.error().text(), HasSubstr("at most 1000 bytes"));
    EXPECT_EQ(machine.request(ConnectionId{99}, "/p/1", {}, now()).error().code, Errc::not_found);
    world.server->answer = nullptr;
    for (int i = 0; i < 16; ++i) ask(id, "/p/1", {});
    EXPECT_EQ(machine.request(id, "/p/1", {}, now()).error().code, Errc::busy);
    EXPECT_EQ(machine.outbound(), 16u);
}

TEST_F(RequestResponseTest, refuses_an_answer_that_is_too_long_and_the_peer_learns_it) {
    world.server->answer = [](RequestResponse& machine, const auto& request, Now now) {
        EXPECT_EQ(machine.respond(request.key, Bytes(100'001, 0), now).error().code,
                  Errc::oversized);
    };
    const auto asked = ask(world.dial(1), "/p/1", {});
    world.net.run();
    EXPECT_EQ(failure(asked), Errc::io);
}

TEST_F(RequestResponseTest, waits_for_an_answer_for_its_time_and_drops_a_request_nobody_answers) {
    world.server->answer = nullptr;
    const auto asked = ask(world.dial(1), "/p/1", {});
    world.net.run();
    EXPECT_EQ(world.client->machine.next_wake(), now().at + 10s);
    world.wait(9s);
    EXPECT_TRUE(world.client->failures.empty());
    world.wait(1s);
    EXPECT_EQ(failure(asked), Errc::timeout);
    ASSERT_EQ(world.server->dropped.size(), 1u);
    EXPECT_EQ(world.server->dropped.begin()->second.code, Errc::timeout);
    const auto key = world.server->requests[0].key;
    EXPECT_EQ(world.server->machine.respond(key, {}, now()).error().code, Errc::not_found);
}

TEST_F(RequestResponseTest, tells_both_sides_when_the_connection_ends) {
    world.server->answer = nullptr;
    const auto asked = ask(world.dial(1), "/p/1", Bytes{1});
    world.net.run();
    world.net.cut();
    world.net.run();
    EXPECT_EQ(failure(asked), Errc::io);
    ASSERT_EQ(world.server->dropped.size(), 1u);
    EXPECT_THAT(world.server->dropped.begin()->second.text(), HasSubstr("connection ended"));
    EXPECT_EQ(world.server->machine.inbound(), 0u);
    EXPECT_EQ(world.client->machine.outbound(), 0u);
}

TEST_F(RequestResponseTest, leaves_streams_of_others_alone) {
    const auto id = world.dial(1);
    const auto echo = world.open(1, id, "/ipfs/ping/1.0.0");
    world.write(1, echo, as_bytes("hello"));
    world.net.run();
    EXPECT_EQ(world.net.node(1).received[echo], "hello");
    EXPECT_FALSE(world.client->machine.on_event(Swarm::Readable{echo}, now()));
    EXPECT_FALSE(world.client->machine.on_event(Swarm::Opened{echo, "/other"}, now()));
}

}  // namespace
}  // namespace sennit::libp2p::request_response
