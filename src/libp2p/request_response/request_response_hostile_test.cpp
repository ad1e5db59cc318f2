// SPDX-License-Identifier: MIT
/// What peers may do to us. Nodes 2 and 3 have raw streams and keep no rules; node 0 is who they
/// do it to, and node 1 an honest one that must not notice.
#include <gmock/gmock.h>

#include "libp2p/request_response/fixture.hpp"

namespace sennit::libp2p::request_response {
namespace {

using testing::World;
using namespace std::chrono_literals;

constexpr std::size_t kHostile = 2;

/// Bytes that a peer leaves unread.
void be_deaf(World& world, std::size_t node) {
    world.net.node(node).first = [](const Swarm::Event& event, Now) {
        return std::holds_alternative<Swarm::Readable>(event) ||
               std::holds_alternative<Swarm::RemoteClosed>(event);
    };
}

/// An honest question is answered.
void expect_served(World& world, ConnectionId honest) {
    const auto asked = *world.client->machine.request(honest, "/p/1", Bytes{1}, world.net.now);
    world.net.run();
    EXPECT_TRUE(world.client->responses.contains(asked));
}

TEST(HostileRequest, that_comes_a_byte_at_a_time_has_the_time_of_every_other) {
    World world;
    const auto id = world.dial(kHostile);
    const auto slow = world.open(kHostile, id, "/p/1");
    world.write(kHostile, slow, Bytes{100});
    world.net.run();
    for (int i = 0; i < 9; ++i) {
        world.write(kHostile, slow, Bytes{0});
        world.wait(1s);
        EXPECT_FALSE(world.failed(kHostile, slow));
    }
    world.wait(1s);
    EXPECT_TRUE(world.failed(kHostile, slow));
    EXPECT_EQ(world.server->machine.inbound(), 0u);
    EXPECT_EQ(world.server->machine.inbound_bytes(), 0u);
}

TEST(HostileRequest, that_is_not_what_its_framing_says_is_reset) {
    World world;
    const auto id = world.dial(kHostile);
    const auto refused = [&](const char* protocol, const Bytes& bytes, bool close) {
        const auto stream = world.open(kHostile, id, protocol);
        world.write(kHostile, stream, bytes);
        if (close) world.net.node(kHostile).swarm.close_write(stream);
        world.net.run();
        return world.failed(kHostile, stream);
    };
    EXPECT_TRUE(refused("/p/1", Bytes{0xe9, 0x07}, false)) << "1001 bytes";
    EXPECT_TRUE(refused("/p/1", Bytes{0x81, 0x00}, false)) << "prefix not minimal";
    EXPECT_TRUE(refused("/p/1", Bytes{1, 2, 3}, false)) << "bytes behind it";
    EXPECT_TRUE(refused("/p/1", Bytes{5, 1}, true)) << "cut";
    EXPECT_TRUE(refused("/p/1", Bytes{}, true)) << "nothing at all";
    EXPECT_TRUE(refused("/e/1", Bytes(1001, 0), false)) << "too long";
    EXPECT_TRUE(world.server->requests.empty());
    EXPECT_EQ(world.server->machine.inbound(), 0u);
}

TEST(HostileRequest, that_goes_on_behind_its_end_is_taken_from_the_application) {
    World world;
    world.server->answer = nullptr;
    const auto id = world.dial(kHostile);
    const auto stream = world.open(kHostile, id, "/p/1");
    world.write(kHostile, stream, Bytes{1, 7});
    world.net.run();
    ASSERT_EQ(world.server->requests.size(), 1u);
    world.write(kHostile, stream, Bytes{8});
    world.net.run();
    EXPECT_TRUE(world.failed(kHostile, stream));
    ASSERT_EQ(world.server->dropped.size(), 1u);
    EXPECT_EQ(world.server->dropped.begin()->second.code, Errc::trailing);
}

TEST(HostileRequest, from_one_peer_takes_its_own_places_only) {
    World world{{.inbound_per_peer_max = 3, .inbound_max = 5}};
    world.server->answer = nullptr;
    const auto a = world.dial(kHostile);
    std::vector<StreamRef> streams;
    for (int i = 0; i < 4; ++i) {
        streams.push_back(world.open(kHostile, a, "/p/1"));
        world.net.run();
    }
    EXPECT_FALSE(world.failed(kHostile, streams[2]));
    EXPECT_TRUE(world.failed(kHostile, streams[3]));
    const auto other = world.dial(3);
    for (int i = 0; i < 3; ++i) {
        streams.push_back(world.open(3, other, "/p/1"));
        world.net.run();
    }
    EXPECT_FALSE(world.failed(3, streams[5]));
    EXPECT_TRUE(world.failed(3, streams[6])) << "five in all";
    world.net.node(kHostile).swarm.disconnect(a);
    world.net.run();
    EXPECT_EQ(world.server->machine.inbound(), 2u);
}

TEST(HostileRequest, comes_no_faster_than_the_rate_and_not_by_connecting_anew_either) {
    World world{{.requests_per_peer = {3, 1s}}};
    const auto honest = world.dial(1);
    const auto ask = [&](ConnectionId id) {
        const auto stream = world.open(kHostile, id, "/p/1");
        world.write(kHostile, stream, Bytes{1, 7});
        world.net.node(kHostile).swarm.close_write(stream);
        world.net.run();
        return !world.failed(kHostile, stream);
    };
    auto id = world.dial(kHostile);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(id));
    EXPECT_FALSE(ask(id));
    world.net.node(kHostile).swarm.disconnect(id);
    world.net.run();
    id = world.dial(kHostile);
    EXPECT_FALSE(ask(id)) << "the rate is the peer's";
    expect_served(world, honest);
    world.wait(1s);
    EXPECT_TRUE(ask(id));
    EXPECT_FALSE(ask(id));
    world.net.node(kHostile).swarm.disconnect(id);
    world.net.run();
    world.wait(10s);
    id = world.dial(kHostile);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(id)) << "all tokens are back";
}

TEST(HostileRequest, whose_answer_nobody_reads_is_reset_in_its_time_and_stalls_nobody) {
    World world;
    // Above what the muxer queues, else the stream takes all of it.
    const auto honest = world.dial(1);
    const auto id = world.dial(kHostile);
    be_deaf(world, kHostile);
    world.server->answer = [](RequestResponse& machine, const auto& request, Now now) {
        const auto size = request.bytes.size() == 2 ? std::size_t{100'000} : std::size_t{1};
        EXPECT_TRUE(machine.respond(request.key, Bytes(size, 0), now));
    };
    std::vector<StreamRef> streams;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(world.open(kHostile, id, "/p/1"));
        world.write(kHostile, streams.back(), Bytes{2, 7, 7});
    }
    world.net.run();
    EXPECT_EQ(world.server->requests.size(), 10u);
    expect_served(world, honest);
    EXPECT_EQ(world.server->machine.inbound(), 10u) << "their side is open";
    world.wait(10s);
    EXPECT_EQ(world.server->machine.inbound(), 0u);
    EXPECT_EQ(world.server->machine.inbound_bytes(), 0u);
}

/// Protocols whose answers are larger than a stream's window and queue.
class HostileReader : public ::testing::Test {
  protected:
    static constexpr std::size_t kAnswer = std::size_t{2} << 20;

    /// One server in each test, in place of the fixture's.
    void serve(const Limits& limits) {
        machine.emplace(world.net.node(0).swarm,
                        std::vector<Protocol>{{.name = "/p/1", .response_size_max = kAnswer}},
                        limits);
        world.net.node(0).first = [this](const Swarm::Event& event, Now now) {
            const bool its = machine->on_event(event, now);
            machine->check_invariants();
            while (auto told = machine->poll_event()) {
                const auto* request = std::get_if<RequestResponse::Request>(&*told);
                if (request == nullptr) continue;
                const auto size = request->bytes.empty() ? kAnswer : request->bytes.size();
                const auto done = machine->respond(request->key, Bytes(size, 0), now);
                if (!done) refused.push_back(done.error().code);
                machine->check_invariants();
            }
            return its;
        };
    }
    StreamRef ask_much(std::size_t from, ConnectionId id) {
        const auto stream = world.open(from, id, "/p/1");
        world.write(from, stream, Bytes{0});
        world.net.node(from).swarm.close_write(stream);
        world.net.run();
        return stream;
    }

    World world;
    std::optional<RequestResponse> machine;
    std::vector<Errc> refused;
};

TEST_F(HostileReader, has_its_answers_refused_above_its_bytes_and_the_rest_reset_in_time) {
    serve({.inbound_bytes_per_peer_max = 5 << 20});
    const auto honest = world.dial(1);
    const auto id = world.dial(kHostile);
    be_deaf(world, kHostile);
    const auto a = ask_much(kHostile, id);
    const auto b = ask_much(kHostile, id);
    EXPECT_GT(machine->inbound_bytes(), 2 * kAnswer - 1);
    const auto c = ask_much(kHostile, id);
    EXPECT_TRUE(world.failed(kHostile, c));
    EXPECT_EQ(refused, std::vector{Errc::busy});
    expect_served(world, honest);
    EXPECT_FALSE(world.failed(kHostile, a));
    world.net.now.at += 10s;
    machine->on_time(world.net.now);
    world.net.run();
    EXPECT_TRUE(world.failed(kHostile, a));
    EXPECT_TRUE(world.failed(kHostile, b));
    EXPECT_EQ(machine->inbound_bytes(), 0u);
}

TEST_F(HostileReader, gives_way_when_all_hold_too_much_because_it_holds_the_most) {
    serve({.inbound_bytes_max = 9 << 20});
    const auto other = world.dial(3);
    const auto id = world.dial(kHostile);
    be_deaf(world, kHostile);
    be_deaf(world, 3);
    const auto its = ask_much(3, other);
    std::set<StreamRef> streams;
    for (int i = 0; i < 3; ++i) streams.insert(ask_much(kHostile, id));
    const auto failed = [&] {
        return std::ranges::count_if(streams,
                                     [&](auto one) { return world.failed(kHostile, one); });
    };
    EXPECT_EQ(failed(), 0);
    streams.insert(ask_much(kHostile, id));
    EXPECT_EQ(failed(), 1);
    EXPECT_FALSE(world.failed(3, its));
    const auto more = ask_much(3, other);
    EXPECT_FALSE(world.failed(3, its) || world.failed(3, more));
    EXPECT_EQ(failed(), 2) << "who holds less takes the place of who holds more";
}

TEST(HostileRequest, whose_stream_stays_open_behind_the_answer_is_reset_after_a_while) {
    World world;
    const auto id = world.dial(kHostile);
    world.net.node(kHostile).first = [](const Swarm::Event& event, Now) {
        return std::holds_alternative<Swarm::RemoteClosed>(event);
    };
    const auto stream = world.open(kHostile, id, "/p/1");
    world.write(kHostile, stream, Bytes{1, 7});
    world.net.run();
    EXPECT_EQ(world.net.node(kHostile).received[stream], "\x01\x07");
    EXPECT_EQ(world.server->machine.inbound(), 1u);
    world.wait(2s);
    EXPECT_EQ(world.server->machine.inbound(), 0u);
    EXPECT_TRUE(world.failed(kHostile, stream));
}

/// Answers by hand to an honest asker.
class HostileAnswer : public ::testing::Test {
  protected:
    Errc failure(const char* protocol, std::function<void(Swarm&, StreamRef)> answer) {
        World world;
        auto& swarm = world.net.node(0).swarm;
        world.net.node(0).first = [&](const Swarm::Event& event, Now) {
            if (const auto* opened = std::get_if<Swarm::Opened>(&event))
                answer(swarm, opened->stream);
            return true;
        };
        const auto id = world.dial(1);
        const auto asked = *world.client->machine.request(id, protocol, Bytes{1}, world.net.now);
        world.net.run();
        world.wait(10s);
        EXPECT_EQ(world.client->machine.outbound(), 0u);
        const auto found = world.client->failures.find(asked);
        return found == world.client->failures.end() ? Errc::invalid : found->second.code;
    }
};

TEST_F(HostileAnswer, fails_by_what_is_wrong_with_it) {
    EXPECT_EQ(failure("/p/1", [](Swarm& s, StreamRef r) { s.close_write(r); }), Errc::truncated);
    EXPECT_EQ(failure("/p/1",
                      [](Swarm& s, StreamRef r) {
                          s.write(r, Bytes{5, 1}), s.close_write(r);
                      }),
              Errc::truncated);
    EXPECT_EQ(failure("/p/1",
                      [](Swarm& s, StreamRef r) {
                          s.write(r, Bytes{0xa1, 0x8d, 0x06});
                      }),
              Errc::oversized);
    EXPECT_EQ(failure("/p/1",
                      [](Swarm& s, StreamRef r) {
                          s.write(r, Bytes{0x80, 0x00});
                      }),
              Errc::malformed);
    EXPECT_EQ(failure("/p/1",
                      [](Swarm& s, StreamRef r) {
                          s.write(r, Bytes{1, 2, 3});
                      }),
              Errc::trailing);
    EXPECT_EQ(failure("/e/1", [](Swarm& s, StreamRef r) { s.write(r, Bytes(100'001, 0)); }),
              Errc::oversized);
    EXPECT_EQ(failure("/e/1", [](Swarm& s, StreamRef r) { s.write(r, Bytes{1}); }), Errc::timeout)
        << "it never closes, so it never ends";
    EXPECT_EQ(failure("/p/1", [](Swarm& s, StreamRef r) { s.reset(r); }), Errc::io);
    EXPECT_EQ(failure("/p/1",
                      [](Swarm& s, StreamRef r) {
                          s.write(r, Bytes{1, 2});
                      }),
              Errc::invalid)
        << "whole, though never closed: an answer";
}

TEST_F(HostileAnswer, bytes_of_all_together_are_limited) {
    World world{{.outbound_bytes_max = 150'000}};
    world.net.node(0).first = [&](const Swarm::Event& event, Now) {
        if (const auto* opened = std::get_if<Swarm::Opened>(&event))
            world.net.node(0).swarm.write(opened->stream, Bytes(60'000, 0));
        return true;
    };
    const auto id = world.dial(1);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(world.client->machine.request(id, "/e/1", Bytes{1}, world.net.now));
    world.net.run();
    EXPECT_FALSE(world.client->failures.empty());
    for (const auto& [asked, why] : world.client->failures) EXPECT_EQ(why.code, Errc::busy);
    EXPECT_GE(world.client->machine.outbound(), 1u);
}

}  // namespace
}  // namespace sennit::libp2p::request_response
