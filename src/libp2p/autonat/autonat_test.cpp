// SPDX-License-Identifier: MIT
#include "libp2p/autonat/autonat.hpp"

#include <gmock/gmock.h>

#include "libp2p/autonat/testing.hpp"
#include "libp2p/connection/pair.hpp"

namespace sennit::libp2p {
namespace {

using namespace std::chrono_literals;
using autonat::Reachability;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Nodes with AutoNAT, each with two swarms, and a carrier without sockets between all of them.
/// Node n has the host 20.n.0.1, and listens on port 4001. What is `closed` refuses every dial.
class AutonatTest : public ::testing::Test {
  protected:
    /// A carrier's user: a node's swarm, or its dialler.
    struct End {
        std::size_t node;
        bool dialler;
        auto operator<=>(const End&) const = default;
    };
    struct Node {
        std::string host;
        std::unique_ptr<Swarm> swarm;
        std::unique_ptr<Autonat> autonat;
        std::vector<std::string> changes{};
        std::vector<Swarm::Event> others{};  ///< of the application's streams
    };

    void start(std::size_t count, Autonat::Config config = {}) {
        for (std::size_t i = 0; i < count; ++i) {
            Node node;
            node.host = "20." + std::to_string(i + 1) + ".0.1";
            Swarm::Config like{.identity = testing::identity(static_cast<std::uint8_t>(i + 1))};
            like.protocols = Autonat::protocols();
            like.protocols.emplace_back("/other");
            node.swarm = std::make_unique<Swarm>(std::move(like), Rng{i});
            node.autonat = std::make_unique<Autonat>(*node.swarm, config, Rng{100 + i});
            nodes.push_back(std::move(node));
            EXPECT_TRUE(nodes[i].swarm->listen(address(i)));
        }
        run();
    }
    void TearDown() override {
        for (const auto& one : nodes) one.autonat->check_invariants();
    }
    Multiaddr address(std::size_t i) const {
        return autonat::testing::address("/ip4/" + nodes[i].host + "/tcp/4001");
    }
    ConnectionId connect(std::size_t from, std::size_t to) {
        const auto id = nodes[from].swarm->dial(address(to), now);
        run();
        return *id;
    }
    void run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < nodes.size(); ++i) moved = step(i) || moved;
        }
        for (const auto& one : nodes) one.autonat->check_invariants();
    }
    bool step(std::size_t i) {
        auto& node = nodes[i];
        bool moved = false;
        while (const auto event = node.swarm->poll_event(now)) {
            moved = true;
            if (!node.autonat->on_event(*event, now)) node.others.push_back(*event);
        }
        moved = node.autonat->pump(now) || moved;
        while (const auto event = node.autonat->poll_event()) {
            node.changes.push_back(event->address.text() + " " + std::string{to_string(event->to)});
        }
        while (auto output = node.swarm->poll_output(now)) {
            moved = true;
            std::visit([&](const auto& one) { carry({i, false}, one); }, *output);
        }
        while (auto output = node.autonat->poll_output(now)) {
            moved = true;
            std::visit([&](const auto& one) { carry({i, true}, one); }, *output);
        }
        return moved;
    }
    void pass(Duration time) {
        const auto until = now.at + time;
        while (now.at < until) {
            now.at += 1s;
            for (auto& one : nodes) {
                one.swarm->on_time(now);
                one.autonat->on_time(now);
            }
            run();
        }
    }

    void input(End to, const CarrierInput& what) {
        if (to.dialler) {
            nodes[to.node].autonat->on_input(what, now);
        } else {
            nodes[to.node].swarm->on_input(what, now);
        }
    }
    void carry(End from, const Listen& listen) {
        ASSERT_FALSE(from.dialler);
        listeners[listen.address] = from.node;
        input(from, Listening{listen.address});
    }
    void carry(End from, const Dial& dial) {
        if (from.dialler) back_dials.push_back(dial.to.text());
        const auto found = listeners.find(dial.to);
        if (found == listeners.end() || (from.dialler && closed.contains(found->second)))
            return input(from, sennit::DialFailed{dial.id, "nobody listens"});
        const LinkId ours{++last_link};
        const LinkId theirs{++last_link};
        const End to{found->second, false};
        links[ours] = {from, theirs};
        links[theirs] = {to, ours};
        LinkOpen open;
        open.room = 1 << 20;
        open.id = ours;
        open.dial = dial.id;
        open.remote = dial.to;
        input(from, open);
        open.id = theirs;
        open.dial.reset();
        open.inbound = true;
        open.remote = {"tcp", nodes[from.node].host, 50'000};
        input(to, open);
    }
    void carry(End from, const Transmit& transmit) {
        const auto found = links.find(transmit.link);
        if (found == links.end()) return;
        if (from.dialler) back_bytes += transmit.bytes->size();
        const auto other = links.find(found->second.second);
        if (other != links.end())
            input(other->second.first, LinkBytes{other->first, *transmit.bytes, {}, 0});
        input(from, Room{transmit.link, transmit.bytes->size()});
    }
    void carry(End, const Hold&) {}
    void carry(End, const HangUp& hang_up) {
        const auto found = links.find(hang_up.link);
        if (found == links.end()) return;
        const auto other = links.find(found->second.second);
        const auto one = *found;
        links.erase(found);
        input(one.second.first, LinkClosed{one.first, hang_up.why});
        if (other == links.end()) return;
        const auto two = *other;
        links.erase(two.first);
        input(two.second.first, LinkClosed{two.first, hang_up.why});
    }

    Now now{Instant{1h}, {}};
    std::vector<Node> nodes;
    std::map<NetAddress, std::size_t> listeners;
    std::set<std::size_t> closed;
    std::map<LinkId, std::pair<End, LinkId>> links;
    std::vector<std::string> back_dials;
    std::size_t back_bytes{0};
    std::uint64_t last_link{0};
};

TEST_F(AutonatTest, finds_that_it_can_be_reached) {
    start(4);
    nodes[0].autonat->set_candidates({address(0)}, now);
    for (std::size_t i = 1; i < 4; ++i) connect(0, i);
    EXPECT_THAT(nodes[0].changes, ElementsAre("/ip4/20.1.0.1/tcp/4001 reachable"));
    EXPECT_EQ(back_dials.size(), 3u);
}

TEST_F(AutonatTest, keeps_the_connections_and_leaves_no_others_behind) {
    start(4);
    nodes[0].autonat->set_candidates({address(0)}, now);
    for (std::size_t i = 1; i < 4; ++i) connect(0, i);
    pass(20s);
    EXPECT_EQ(nodes[0].swarm->connections(), 3u);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(nodes[i].autonat->streams(), 0u);
        EXPECT_EQ(nodes[i].autonat->dials(), 0u);
    }
    EXPECT_EQ(links.size(), 6u);
}

TEST_F(AutonatTest, finds_that_it_cannot_be_reached) {
    start(4);
    closed.insert(0);
    nodes[0].autonat->set_candidates({address(0)}, now);
    for (std::size_t i = 1; i < 4; ++i) connect(0, i);
    EXPECT_THAT(nodes[0].changes, ElementsAre("/ip4/20.1.0.1/tcp/4001 unreachable"));
}

TEST_F(AutonatTest, pays_to_be_dialled_at_another_host) {
    start(4);
    // It leaves by one host, and listens at another.
    nodes[0].host = "30.1.1.1";
    nodes[0].autonat->set_candidates({autonat::testing::address("/ip4/20.1.0.1/tcp/4001")}, now);
    for (std::size_t i = 1; i < 4; ++i) connect(0, i);
    EXPECT_THAT(nodes[0].changes, ElementsAre("/ip4/20.1.0.1/tcp/4001 reachable"));
}

TEST_F(AutonatTest, is_not_told_that_somebody_else_is_it) {
    start(5);
    nodes[0].autonat->set_candidates({address(4)}, now);
    for (std::size_t i = 1; i < 4; ++i) connect(0, i);
    EXPECT_THAT(nodes[0].changes, ElementsAre("/ip4/20.5.0.1/tcp/4001 unreachable"));
}

TEST_F(AutonatTest, two_servers_are_not_enough) {
    start(3);
    nodes[0].autonat->set_candidates({address(0)}, now);
    connect(0, 1);
    connect(0, 2);
    pass(10s);
    EXPECT_THAT(nodes[0].changes, IsEmpty());
}

TEST_F(AutonatTest, does_not_ask_who_does_not_serve) {
    start(4, {.serve = false});
    nodes[0].autonat->set_candidates({address(0)}, now);
    for (std::size_t i = 1; i < 4; ++i) connect(0, i);
    EXPECT_THAT(back_dials, IsEmpty());
    EXPECT_THAT(nodes[0].changes, IsEmpty());
}

TEST_F(AutonatTest, resets_dial_backs_that_it_does_not_wait_for) {
    start(2);
    const auto id = connect(0, 1);
    const auto stream = *nodes[0].swarm->open(id, {std::string{autonat::kBackProtocol}}, now);
    nodes[0].swarm->write(stream, autonat::framed(autonat::encode_dial_back(7)));
    run();
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
    const auto failed = std::ranges::count_if(nodes[0].others, [&](const auto& event) {
        const auto* one = std::get_if<Swarm::Failed>(&event);
        return one != nullptr && one->stream == stream;
    });
    EXPECT_EQ(failed, 1);
}

TEST_F(AutonatTest, resets_a_request_that_is_garbage_too_long_or_slow) {
    start(2);
    const auto id = connect(0, 1);
    const auto open = [&] {
        return *nodes[0].swarm->open(id, {std::string{autonat::kRequestProtocol}}, now);
    };
    nodes[0].swarm->write(open(), Bytes{2, 0xff, 0xff});
    run();
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
    nodes[0].swarm->write(open(), Bytes{0xff, 0xff, 0x7f});
    run();
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
    nodes[0].swarm->write(open(), Bytes{20, 0x0a});
    run();
    EXPECT_EQ(nodes[1].autonat->streams(), 1u);
    pass(31s);
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
}

TEST_F(AutonatTest, does_not_grow_by_requests_that_are_refused) {
    start(2);
    const auto id = connect(0, 1);
    const auto request = autonat::framed(autonat::encode(
        autonat::DialRequest{{autonat::testing::address("/ip4/10.0.0.1/tcp/1")}, 7}));
    for (int i = 0; i < 50; ++i) {
        const auto stream =
            *nodes[0].swarm->open(id, {std::string{autonat::kRequestProtocol}}, now);
        nodes[0].swarm->write(stream, request);
        nodes[0].swarm->close_write(stream);
        run();
    }
    EXPECT_LE(nodes[1].autonat->streams(), 1u);
    EXPECT_THAT(back_dials, IsEmpty());
}

TEST_F(AutonatTest, stops_when_the_requester_leaves) {
    start(2);
    nodes[0].autonat->set_candidates({address(0)}, now);
    const auto id = nodes[0].swarm->dial(address(1), now);
    while (back_dials.empty()) {
        for (std::size_t i = 0; i < 2; ++i) step(i);
    }
    nodes[0].swarm->disconnect(*id);
    run();
    EXPECT_EQ(nodes[1].autonat->dials(), 0u);
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
    EXPECT_EQ(nodes[0].autonat->streams(), 0u);
    EXPECT_TRUE(links.empty());
}

TEST_F(AutonatTest, keeps_no_silent_dial_back_when_it_has_asked_nobody) {
    start(2);
    const auto id = connect(0, 1);
    EXPECT_TRUE(nodes[0].swarm->open(id, {std::string{autonat::kBackProtocol}}, now));
    run();
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
}

TEST_F(AutonatTest, resets_who_does_not_close_after_its_answer) {
    start(2);
    const auto id = connect(0, 1);
    const auto stream = *nodes[0].swarm->open(id, {std::string{autonat::kRequestProtocol}}, now);
    nodes[0].swarm->write(stream, autonat::framed(autonat::encode(autonat::DialRequest{
                                      {autonat::testing::address("/ip4/10.0.0.1/tcp/1")}, 7})));
    run();
    EXPECT_EQ(nodes[1].autonat->streams(), 1u);
    pass(11s);
    EXPECT_EQ(nodes[1].autonat->streams(), 0u);
}

}  // namespace
}  // namespace sennit::libp2p
