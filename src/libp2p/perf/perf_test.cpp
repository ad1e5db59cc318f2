// SPDX-License-Identifier: MIT
/// Node 0 serves, the others measure it; some of them by hand, with streams that break the rules.
#include "libp2p/perf/perf.hpp"

#include <gmock/gmock.h>

#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p::perf {
namespace {

using testing::Network;
using testing::Node;
using namespace std::chrono_literals;

constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;

Bytes header(std::uint64_t wanted) {
    Writer out;
    out.be(wanted);
    return std::move(out).take();
}

class PerfTest : public ::testing::Test {
  protected:
    void serve(const Server::Limits& limits) {
        server.emplace(net.node(0).swarm, limits);
        net.node(0).first = [this](const Swarm::Event& event, Now now) {
            const bool its = server->on_event(event, now);
            server->check_invariants();
            while (auto one = server->poll_served()) served.push_back(*std::move(one));
            return its;
        };
        ASSERT_TRUE(net.node(0).swarm.listen(*Multiaddr::parse("/ip4/10.0.0.1/tcp/4001")));
        net.run();
    }
    ConnectionId dial(std::size_t from) {
        const auto id =
            *net.node(from).swarm.dial(*Multiaddr::parse("/ip4/10.0.0.1/tcp/4001"), net.now);
        net.run();
        return id;
    }
    void measure(ConnectionId id, const Client::Job& job) {
        auto& node = net.node(1);
        if (!client) client.emplace(node.swarm);
        EXPECT_EQ(client->next_wake(), Instant::max());
        ASSERT_TRUE(client->start(id, job, net.now));
        node.first = [this](const Swarm::Event& event, Now now) {
            return client->on_event(event, now);
        };
    }
    /// A client's stream, by hand.
    StreamRef open(std::size_t from, ConnectionId id) {
        return *net.node(from).swarm.open(id, {std::string{kProtocol}}, net.now);
    }
    void tick(Duration by) {
        net.now.at += by;
        server->on_time(net.now);
        if (client) client->on_time(net.now);
        while (auto one = server->poll_served()) served.push_back(*std::move(one));
        net.tick();
    }
    /// A server that `answer`s by hand what is asked of node 0.
    void lie(std::function<void(Swarm&, StreamRef)> answer) {
        net.node(0).first = [this, answer](const Swarm::Event& event, Now) {
            if (const auto* opened = std::get_if<Swarm::Opened>(&event))
                answer(net.node(0).swarm, opened->stream);
            return true;
        };
        ASSERT_TRUE(net.node(0).swarm.listen(*Multiaddr::parse("/ip4/10.0.0.1/tcp/4001")));
        net.run();
    }
    Errc failure() const {
        EXPECT_TRUE(client->outcome() && !*client->outcome());
        return client->outcome() && !*client->outcome() ? client->outcome()->error().code
                                                        : Errc::invalid;
    }

    Network net{3, {.protocols = {std::string{kProtocol}}}};
    std::optional<Server> server;
    std::vector<Server::Served> served;
    std::optional<Client> client;
};

TEST_F(PerfTest, sends_up_and_down_as_much_as_was_asked_for) {
    serve({});
    const auto id = dial(1);
    for (const Client::Job job : {Client::Job{}, Client::Job{0, 1}, Client::Job{3 * kMebi + 7, 0},
                                  Client::Job{0, 5 * kMebi + 1}, Client::Job{kMebi, kMebi}}) {
        measure(id, job);
        net.run();
        ASSERT_TRUE(client->outcome() && *client->outcome());
        EXPECT_EQ(client->uploaded(), job.upload);
        EXPECT_EQ(client->downloaded(), job.download);
        ASSERT_FALSE(served.empty());
        EXPECT_EQ(served.back().received, job.upload);
        EXPECT_EQ(served.back().sent, job.download);
        EXPECT_FALSE(served.back().why);
        EXPECT_EQ(served.back().peer, net.node(1).swarm.self());
    }
    EXPECT_EQ(server->streams(), 0u);
    EXPECT_EQ(client->next_wake(), Instant::max());
}

TEST_F(PerfTest, times_the_upload_until_the_first_byte_back) {
    lie([](Swarm&, StreamRef) {});
    const auto id = dial(1);
    measure(id, {.upload = 100, .download = 2});
    StreamRef stream{};
    net.node(0).first = [&](const Swarm::Event& event, Now now) {
        auto& swarm = net.node(0).swarm;
        if (const auto* opened = std::get_if<Swarm::Opened>(&event)) stream = opened->stream;
        if (const auto* came = std::get_if<Swarm::Readable>(&event))
            swarm.consume(came->stream, swarm.readable(came->stream).size(), now);
        return true;
    };
    net.run();
    net.now.at += 3s;
    net.node(0).swarm.write(stream, Bytes{0});
    net.run();
    net.now.at += 2s;
    net.node(0).swarm.write(stream, Bytes{0});
    net.node(0).swarm.close_write(stream);
    net.run();
    ASSERT_TRUE(client->outcome() && *client->outcome());
    EXPECT_EQ((**client->outcome()).upload_took, 3s);
    EXPECT_EQ((**client->outcome()).download_took, 2s);
    EXPECT_EQ((**client->outcome()).latency, 3s);
}

TEST_F(PerfTest, sends_nothing_before_the_client_has_closed) {
    serve({});
    const auto id = dial(1);
    const auto stream = open(1, id);
    net.node(1).swarm.write(stream, header(100));
    net.run();
    EXPECT_EQ(net.node(1).received[stream], "");
    net.node(1).swarm.close_write(stream);
    net.run();
    EXPECT_EQ(net.node(1).received[stream], std::string(100, '\0'));
    EXPECT_TRUE(net.node(1).remote_closed.contains(stream));
}

TEST_F(PerfTest, resets_a_stream_that_closes_before_it_said_what_it_wants) {
    serve({});
    const auto id = dial(1);
    const auto stream = open(1, id);
    net.node(1).swarm.write(stream, Bytes(7, 0));
    net.node(1).swarm.close_write(stream);
    net.run();
    EXPECT_TRUE(net.node(1).failed.contains(stream));
    ASSERT_EQ(served.size(), 1u);
    EXPECT_EQ(served[0].why->code, Errc::truncated);
    EXPECT_EQ(served[0].why->at, 7u);
}

TEST_F(PerfTest, sends_no_more_than_its_limit_and_says_so_by_a_reset) {
    serve({.download_max = kMebi});
    const auto id = dial(1);
    measure(id, {.download = ~std::uint64_t{0}});
    net.run();
    EXPECT_EQ(failure(), Errc::io);
    EXPECT_GT(client->downloaded(), kMebi / 2);
    EXPECT_LE(client->downloaded(), kMebi);
    ASSERT_EQ(served.size(), 1u);
    EXPECT_EQ(served[0].sent, kMebi);
    EXPECT_EQ(served[0].why->code, Errc::oversized);
}

TEST_F(PerfTest, reads_no_more_than_its_limit) {
    serve({.upload_max = kMebi});
    const auto id = dial(1);
    measure(id, {.upload = 2 * kMebi});
    net.run();
    EXPECT_EQ(failure(), Errc::io);
    ASSERT_EQ(served.size(), 1u);
    EXPECT_EQ(served[0].why->code, Errc::oversized);
    EXPECT_EQ(served[0].why->at, kMebi);
}

TEST_F(PerfTest, a_peer_has_its_places_and_others_have_theirs) {
    serve({.streams_per_peer_max = 2, .streams_max = 3});
    const auto first = dial(1);
    const auto a = open(1, first);
    const auto b = open(1, first);
    const auto c = open(1, first);
    net.run();
    EXPECT_FALSE(net.node(1).failed.contains(a));
    EXPECT_FALSE(net.node(1).failed.contains(b));
    EXPECT_TRUE(net.node(1).failed.contains(c));
    const auto other = dial(2);
    const auto d = open(2, other);
    const auto e = open(2, other);
    net.run();
    EXPECT_FALSE(net.node(2).failed.contains(d));
    EXPECT_TRUE(net.node(2).failed.contains(e)) << "all places are taken";
    net.node(1).swarm.disconnect(first);
    net.run();
    const auto f = open(2, other);
    net.run();
    EXPECT_FALSE(net.node(2).failed.contains(f)) << "a place is free again";
}

TEST_F(PerfTest, resets_a_client_that_says_nothing) {
    serve({.idle_max = 5s});
    const auto id = dial(1);
    const auto stream = open(1, id);
    net.run();
    EXPECT_EQ(server->next_wake(), net.now.at + 5s);
    tick(4s);
    EXPECT_FALSE(net.node(1).failed.contains(stream));
    tick(1s);
    EXPECT_TRUE(net.node(1).failed.contains(stream));
    EXPECT_EQ(served.at(0).why->code, Errc::timeout);
    EXPECT_EQ(server->next_wake(), Instant::max());
}

TEST_F(PerfTest, resets_a_client_that_sends_a_byte_now_and_then) {
    serve({.idle_max = 5s, .lasts_max = 20s});
    const auto id = dial(1);
    const auto stream = open(1, id);
    for (int i = 0; i < 6; ++i) {
        EXPECT_FALSE(net.node(1).failed.contains(stream)) << i;
        net.node(1).swarm.write(stream, Bytes{0});
        net.run();
        tick(4s);
        if (net.node(1).failed.contains(stream)) return;
    }
    FAIL() << "it lasts for ever";
}

TEST_F(PerfTest, a_client_that_does_not_read_costs_one_queue_and_others_are_served) {
    serve({.idle_max = 5s});
    const auto id = dial(1);
    StreamRef deaf{};
    net.node(1).first = [&](const Swarm::Event& event, Now now) {
        if (const auto* came = std::get_if<Swarm::Readable>(&event); came && came->stream == deaf)
            return true;
        return client && client->on_event(event, now);
    };
    deaf = open(1, id);
    net.node(1).swarm.write(deaf, header(100 * kMebi));
    net.node(1).swarm.close_write(deaf);
    net.run();
    client.emplace(net.node(1).swarm);
    ASSERT_TRUE(client->start(id, {.download = 3 * kMebi}, net.now));
    net.run();
    ASSERT_TRUE(client->outcome() && *client->outcome()) << "the same peer's other stream";
    tick(5s);
    ASSERT_EQ(served.size(), 2u);
    EXPECT_LT(served[1].sent, 2 * kMebi) << "a window and a queue";
    EXPECT_EQ(served[1].why->code, Errc::timeout);
}

TEST_F(PerfTest, fails_for_a_server_that_lies) {
    std::optional<ConnectionId> id;
    const auto with = [&](std::function<void(Swarm&, StreamRef)> answer, Client::Job job) {
        net.node(0).first = nullptr;
        lie(std::move(answer));
        if (!id) id = dial(1);
        measure(*id, job);
        net.run();
        return failure();
    };
    EXPECT_EQ(with([](Swarm& s, StreamRef r) { s.write(r, Bytes(11, 0)); }, {.download = 10}),
              Errc::trailing);
    EXPECT_EQ(with([](Swarm& s, StreamRef r) { s.write(r, Bytes(9, 0)), s.close_write(r); },
                   {.download = 10}),
              Errc::truncated);
    EXPECT_EQ(with([](Swarm& s, StreamRef r) { s.write(r, Bytes(9, 0)); },
                   {.upload = 100 * kMebi, .download = 10}),
              Errc::mismatch);
    EXPECT_EQ(with([](Swarm& s, StreamRef r) { s.close_write(r); }, {.upload = 100 * kMebi}),
              Errc::truncated);
    EXPECT_EQ(with([](Swarm& s, StreamRef r) { s.reset(r); }, {.download = 10}), Errc::io);
}

TEST_F(PerfTest, fails_when_nothing_moves_when_the_link_ends_and_when_nobody_serves_it) {
    lie([](Swarm&, StreamRef) {});
    const auto id = dial(1);
    measure(id, {.download = 10, .idle_max = 5s});
    net.run();
    net.now.at = client->next_wake();
    client->on_time(net.now);
    EXPECT_EQ(failure(), Errc::timeout);

    measure(id, {.download = 10});
    net.run();
    net.cut();
    net.run();
    EXPECT_EQ(failure(), Errc::io);

    Network deaf{2, {.protocols = {}}};
    ASSERT_TRUE(deaf.node(0).swarm.listen(*Multiaddr::parse("/ip4/10.0.0.1/tcp/4001")));
    deaf.run();
    const auto to = *deaf.node(1).swarm.dial(*Multiaddr::parse("/ip4/10.0.0.1/tcp/4001"), deaf.now);
    deaf.run();
    client.emplace(deaf.node(1).swarm);
    ASSERT_TRUE(client->start(to, {}, deaf.now));
    deaf.node(1).first = [this](const Swarm::Event& event, Now now) {
        return client->on_event(event, now);
    };
    deaf.run();
    EXPECT_EQ(failure(), Errc::unsupported);
}

}  // namespace
}  // namespace sennit::libp2p::perf
