// SPDX-License-Identifier: MIT
// Real sockets on loopback, driven by events: each test runs the context until what it waits for
// has happened, and fails if the deadline of io::testing comes first.
#include "transport/tcp/tcp.hpp"

#include <gmock/gmock.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "transport/testing.hpp"

namespace sennit::transport::tcp {
namespace {

namespace asio = boost::asio;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using testing::Node;
using testing::SeenLink;
using ::testing::StartsWith;
using Socket = asio::ip::tcp::socket;

Node::Make tcp_with(Options options = {}) {
    return [options](Environment e) { return make_transport(std::move(e), options); };
}

Bytes noise(std::size_t size, std::uint64_t seed = 1) {
    Bytes out(size);
    Rng{seed}.fill(out);
    return out;
}

NetAddress at_port(std::uint16_t port) {
    return {"tcp", "127.0.0.1", port};
}

class TcpTest : public ::testing::Test {
  protected:
    /// Makes both nodes, and one link from `dialler` to `listener`.
    void connect(Options of_listener = {}, Options of_dialler = {}) {
        listener.emplace(context, tcp_with(of_listener));
        dialler.emplace(context, tcp_with(of_dialler));
        const auto address = listener->listen("tcp://127.0.0.1:0");
        dialler->dial(address);
        ASSERT_TRUE(listener->until(
            [&] { return listener->links.size() == 1 && dialler->links.size() == 1; }));
    }
    static SeenLink& only(std::optional<Node>& node) { return node->links.begin()->second; }

    asio::io_context context;
    std::optional<Node> listener;
    std::optional<Node> dialler;
    static constexpr LinkId kFirst{1};
};

/// A foreign peer, handled by the test itself.
Socket raw_peer(asio::io_context& context, const NetAddress& to) {
    Socket socket{context};
    socket.connect({asio::ip::make_address(to.host), to.port});
    return socket;
}

TEST_F(TcpTest, both_ends_learn_of_a_link_with_its_addresses) {
    connect();
    const auto& in = only(listener).open;
    const auto& out = only(dialler).open;
    EXPECT_TRUE(in.inbound);
    EXPECT_FALSE(in.dial);
    EXPECT_FALSE(out.inbound);
    EXPECT_EQ(out.dial, DialId{1});
    EXPECT_EQ(out.remote, listener->listening[0]);
    EXPECT_EQ(in.local, listener->listening[0]);
    EXPECT_EQ(in.remote, out.local);
    EXPECT_NE(listener->listening[0].port, 0);
    EXPECT_EQ(in.carrier, Carrier::stream);
    EXPECT_EQ(in.room, std::size_t{1} << 20);
}

TEST_F(TcpTest, bytes_arrive_whole_and_in_order_both_ways) {
    connect();
    listener->also = [&](const CarrierInput& input) {
        if (const auto* got = std::get_if<LinkBytes>(&input)) {
            listener->transmit(got->link, to_bytes(got->bytes));
        }
    };
    Bytes sent;
    Rng rng{7};
    for (int i = 0; i < 500; ++i) {
        const auto piece = noise(1 + rng.below(2000), rng.next());
        sent.insert(sent.end(), piece.begin(), piece.end());
        dialler->transmit(kFirst, piece);
        if (rng.chance(1, 10)) context.poll();
    }
    ASSERT_TRUE(dialler->until([&] { return only(dialler).received.size() == sent.size(); }));
    EXPECT_EQ(only(dialler).received, sent);
    EXPECT_EQ(only(dialler).room, only(dialler).open.room);
}

TEST_F(TcpTest, ipv6_works_when_the_machine_has_it) {
    Node node{context, tcp_with()};
    node.carry_out(Listen{*NetAddress::parse("tcp://[::1]:0")});
    ASSERT_TRUE(
        node.until([&] { return !node.listening.empty() || !node.listen_failures.empty(); }));
    if (node.listening.empty()) GTEST_SKIP() << node.listen_failures[0];
    node.dial(node.listening[0]);
    ASSERT_TRUE(node.until([&] { return node.links.size() == 2; }));
    EXPECT_EQ(node.links.at(LinkId{1}).open.remote.host, "::1");
}

TEST_F(TcpTest, names_are_resolved_for_dialling_and_listening) {
    Node node{context, tcp_with()};
    const auto bound = node.listen("tcp://localhost:0");
    node.dial({"tcp", "localhost", bound.port});
    ASSERT_TRUE(node.until([&] { return node.links.size() == 2; }));
}

TEST_F(TcpTest, one_transport_listens_on_several_addresses) {
    Node node{context, tcp_with()};
    const auto first = node.listen("tcp://127.0.0.1:0");
    const auto second = node.listen("tcp://127.0.0.1:0");
    EXPECT_NE(first.port, second.port);
    node.dial(first);
    node.dial(second);
    ASSERT_TRUE(node.until([&] { return node.links.size() == 4; }));
}

TEST_F(TcpTest, a_taken_address_is_reported) {
    Node first{context, tcp_with()};
    Node second{context, tcp_with()};
    const auto taken = first.listen("tcp://127.0.0.1:0");
    second.carry_out(Listen{taken});
    ASSERT_TRUE(second.until([&] { return !second.listen_failures.empty(); }));
    EXPECT_THAT(second.listen_failures[0], HasSubstr(taken.text()));
    EXPECT_THAT(second.listen_failures[0], HasSubstr("in use"));
}

TEST_F(TcpTest, a_refused_dial_says_who_refused) {
    Node node{context, tcp_with()};
    asio::ip::tcp::acceptor gone{context, {asio::ip::address_v4::loopback(), 0}};
    const auto port = gone.local_endpoint().port();
    gone.close();
    const auto id = node.dial(at_port(port));
    ASSERT_TRUE(node.until([&] { return !node.dial_failures.empty(); }));
    EXPECT_EQ(node.dial_failures.at(id),
              "cannot connect: 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

// A listener whose backlog is full drops further handshakes: a host that never answers.
TEST_F(TcpTest, a_dial_that_nobody_answers_fails_when_its_time_is_up) {
    asio::ip::tcp::acceptor full{context};
    full.open(asio::ip::tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    std::vector<Socket> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(context).async_connect(full.local_endpoint(),
                                                    [](const boost::system::error_code&) {});
    }
    context.poll();
    Node node{context, tcp_with()};
    const auto id = node.dial(at_port(full.local_endpoint().port()), std::chrono::milliseconds{30});
    ASSERT_TRUE(node.until([&] { return !node.dial_failures.empty(); }));
    EXPECT_THAT(node.dial_failures.at(id), HasSubstr("timed out"));
}

TEST_F(TcpTest, the_end_of_a_peer_closes_the_link_after_its_last_bytes) {
    Node node{context, tcp_with()};
    auto peer = raw_peer(context, node.listen("tcp://127.0.0.1:0"));
    asio::write(peer, asio::buffer("last words", 10));
    peer.close();
    ASSERT_TRUE(
        node.until([&] { return !node.links.empty() && node.links.begin()->second.closed; }));
    EXPECT_EQ(as_text(node.links.begin()->second.received), "last words");
    EXPECT_EQ(node.links.begin()->second.closed, "peer closed");
}

TEST_F(TcpTest, a_reset_by_the_peer_is_called_so) {
    Node node{context, tcp_with()};
    auto peer = raw_peer(context, node.listen("tcp://127.0.0.1:0"));
    ASSERT_TRUE(node.until([&] { return !node.links.empty(); }));
    peer.set_option(Socket::linger{true, 0});
    peer.close();
    ASSERT_TRUE(node.until([&] { return node.links.begin()->second.closed.has_value(); }));
    EXPECT_EQ(node.links.begin()->second.closed, "reset by peer");
}

TEST_F(TcpTest, hang_up_delivers_what_was_transmitted_before_even_over_unread_input) {
    connect();
    // Without waiting for the peer's end, closing over these unread bytes would reset the link.
    listener->transmit(kFirst, noise(100'000, 3));
    const auto parting = noise(1u << 20);
    dialler->transmit(kFirst, parting);
    dialler->carry_out(HangUp{kFirst, "had enough"});
    dialler->carry_out(HangUp{kFirst, "twice"});
    ASSERT_TRUE(dialler->until([&] { return only(dialler).closed && only(listener).closed; }));
    EXPECT_EQ(only(dialler).closed, "had enough");
    EXPECT_EQ(only(listener).closed, "peer closed");
    EXPECT_EQ(only(listener).received, parting);
}

TEST_F(TcpTest, hang_up_gives_up_on_a_peer_that_takes_nothing) {
    connect({}, {.hang_up_timeout = std::chrono::milliseconds{20}});
    listener->carry_out(Hold{kFirst, false});
    dialler->also = [&](const CarrierInput& input) {
        if (std::holds_alternative<Room>(input) && only(dialler).room > 100'000) {
            dialler->transmit(kFirst, noise(100'000));
        }
    };
    dialler->transmit(kFirst, noise(500'000));
    dialler->transmit(kFirst, noise(500'000));
    // Until the kernel's buffers are full, so that something is left behind.
    while (context.poll() > 0) {
    }
    dialler->carry_out(HangUp{kFirst, "too slow"});
    ASSERT_TRUE(dialler->until([&] { return only(dialler).closed.has_value(); }));
    EXPECT_EQ(only(dialler).closed, "too slow");
}

TEST_F(TcpTest, hold_stops_reading_and_resuming_continues_where_it_stopped) {
    connect();
    listener->carry_out(Hold{kFirst, false});
    Bytes sent;
    std::uint64_t seed = 0;
    const auto transmit_more = [&] {
        while (only(dialler).room >= 50'000 && sent.size() < 24'000'000) {
            const auto piece = noise(50'000, ++seed);
            sent.insert(sent.end(), piece.begin(), piece.end());
            dialler->transmit(kFirst, piece);
        }
    };
    dialler->also = [&](const CarrierInput&) { transmit_more(); };
    transmit_more();
    while (context.poll() > 0) {
    }
    // The kernel's buffers took some and are full; nothing came through.
    EXPECT_TRUE(only(listener).received.empty());
    ASSERT_LT(sent.size(), 24'000'000u);
    EXPECT_LT(only(dialler).room, 50'000u);

    listener->carry_out(Hold{kFirst, true});
    ASSERT_TRUE(listener->until([&] { return only(listener).received.size() > 5'000'000; }));
    listener->carry_out(Hold{kFirst, false});
    const auto held_at = only(listener).received.size();
    while (context.poll() > 0) {
    }
    EXPECT_EQ(only(listener).received.size(), held_at);

    listener->carry_out(Hold{kFirst, true});
    ASSERT_TRUE(listener->until([&] { return only(listener).received.size() == 24'000'000; }));
    EXPECT_TRUE(only(listener).received == sent);
    EXPECT_EQ(only(dialler).room, only(dialler).open.room);
    EXPECT_EQ(only(listener).largest, 64u << 10);
}

TEST_F(TcpTest, a_peer_that_takes_nothing_while_data_waits_is_closed) {
    connect({}, {.slow_peer_timeout = std::chrono::milliseconds{50}});
    listener->carry_out(Hold{kFirst, false});
    const auto fill = [&] {
        while (only(dialler).room >= 100'000) dialler->transmit(kFirst, noise(100'000));
    };
    dialler->also = [&](const CarrierInput& input) {
        if (std::holds_alternative<Room>(input)) fill();
    };
    fill();
    ASSERT_TRUE(dialler->until([&] { return only(dialler).closed.has_value(); }));
    EXPECT_THAT(*only(dialler).closed, StartsWith("slow peer"));
}

TEST_F(TcpTest, a_link_without_waiting_data_is_never_slow) {
    connect({}, {.slow_peer_timeout = std::chrono::milliseconds{1}});
    for (int i = 0; i < 50; ++i) {
        dialler->transmit(kFirst, noise(1000));
        const auto wanted = static_cast<std::size_t>(i + 1) * 1000;
        ASSERT_TRUE(listener->until([&] { return only(listener).received.size() == wanted; }));
    }
    EXPECT_FALSE(only(dialler).closed);
}

TEST_F(TcpTest, many_links_carry_bytes_at_once_and_take_turns) {
    constexpr std::size_t kLinks = 100;
    Node server{context, tcp_with()};
    Node client{context, tcp_with()};
    const auto address = server.listen("tcp://127.0.0.1:0");
    for (std::size_t i = 0; i < kLinks; ++i) client.dial(address);
    ASSERT_TRUE(client.until(
        [&] { return client.links.size() == kLinks && server.links.size() == kLinks; }));
    for (auto& [id, link] : client.links) client.transmit(id, noise(300'000, id.value));
    std::size_t done = 0;
    std::size_t begun_before_first_done = 0;
    server.also = [&](const CarrierInput& input) {
        const auto* got = std::get_if<LinkBytes>(&input);
        if (got == nullptr || server.links.at(got->link).received.size() < 300'000) return;
        if (done++ > 0) return;
        for (const auto& [id, link] : server.links) {
            if (!link.received.empty()) ++begun_before_first_done;
        }
    };
    ASSERT_TRUE(server.until([&] { return done == kLinks; }));
    EXPECT_GT(begun_before_first_done, kLinks / 2);
    for (const auto& [id, link] : client.links) {
        const auto same_link = [&local = link.open.local](const auto& s) {
            return s.second.open.remote == local;
        };
        const auto other = std::find_if(server.links.begin(), server.links.end(), same_link);
        ASSERT_NE(other, server.links.end());
        EXPECT_TRUE(other->second.received == noise(300'000, id.value));
    }
}

TEST_F(TcpTest, links_over_the_limit_are_closed_at_once_and_places_are_given_back) {
    Node server{context, tcp_with({.links_inbound_max = 2})};
    const auto address = server.listen("tcp://127.0.0.1:0");
    Node client{context, tcp_with()};
    for (int i = 0; i < 2; ++i) client.dial(address);
    ASSERT_TRUE(client.until([&] { return server.links.size() == 2 && client.links.size() == 2; }));
    client.dial(address);
    ASSERT_TRUE(client.until([&] {
        return client.links.size() == 3 && client.links.rbegin()->second.closed.has_value();
    }));
    EXPECT_THAT(*client.links.rbegin()->second.closed,
                AnyOf(Eq("peer closed"), Eq("reset by peer")));
    EXPECT_EQ(server.links.size(), 2u);

    client.carry_out(HangUp{LinkId{1}, "making room"});
    ASSERT_TRUE(client.until([&] {
        std::size_t closed = 0;
        for (const auto& [id, link] : server.links) closed += link.closed ? 1 : 0;
        return closed == 1;
    }));
    client.dial(address);
    ASSERT_TRUE(client.until([&] { return server.links.size() == 3; }));
}

TEST_F(TcpTest, dials_over_the_limit_fail) {
    Node server{context, tcp_with()};
    Node client{context, tcp_with({.links_max = 1})};
    const auto address = server.listen("tcp://127.0.0.1:0");
    client.dial(address);
    const auto over = client.dial(address);
    ASSERT_TRUE(client.until([&] { return client.dial_failures.contains(over); }));
    EXPECT_EQ(client.dial_failures.at(over), "too many links or dials");
}

TEST_F(TcpTest, accepting_goes_on_after_the_process_ran_out_of_descriptors) {
    Node server{context, tcp_with()};
    const auto address = server.listen("tcp://127.0.0.1:0");
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    auto peer = raw_peer(context, address);
    const auto open_now = static_cast<rlim_t>(peer.native_handle()) + 1;
    const rlimit exhausted{open_now, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &exhausted), 0);
    context.poll();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(server.links.empty());
    ASSERT_TRUE(server.until([&] { return server.links.size() == 1; }));
}

TEST_F(TcpTest, stop_ends_listening_dials_and_links_and_says_so_to_each) {
    connect();
    asio::ip::tcp::acceptor full{context};
    full.open(asio::ip::tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    std::vector<Socket> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(context).async_connect(full.local_endpoint(),
                                                    [](const boost::system::error_code&) {});
    }
    context.poll();
    const auto pending = dialler->dial(at_port(full.local_endpoint().port()));
    context.poll();
    const auto not_begun = dialler->dial(at_port(full.local_endpoint().port()));
    dialler->transmit(kFirst, noise(500'000));
    dialler->stop();
    EXPECT_EQ(dialler->dial_failures.at(pending), "stopping");
    EXPECT_EQ(dialler->dial_failures.at(not_begun), "stopping");
    EXPECT_EQ(only(dialler).closed, "stopping");
    ASSERT_TRUE(listener->until([&] { return only(listener).closed.has_value(); }));
    EXPECT_TRUE(only(listener).received == noise(500'000));

    const auto late = dialler->dial(listener->listening[0]);
    ASSERT_TRUE(dialler->until([&] { return dialler->dial_failures.contains(late); }));
    const auto address = listener->listening[0];
    listener->stop();
    boost::system::error_code refused;
    Socket probe{context};
    probe.connect({asio::ip::make_address(address.host), address.port}, refused);
    EXPECT_EQ(refused, asio::error::connection_refused);
}

TEST_F(TcpTest, a_link_may_be_hung_up_from_inside_the_sink) {
    Node server{context, tcp_with()};
    Node client{context, tcp_with()};
    server.also = [&](const CarrierInput& input) {
        if (const auto* open = std::get_if<LinkOpen>(&input)) {
            server.transmit(open->id, noise(10));
            server.carry_out(HangUp{open->id, "not wanted"});
        }
    };
    client.dial(server.listen("tcp://127.0.0.1:0"));
    ASSERT_TRUE(
        client.until([&] { return !client.links.empty() && client.links.begin()->second.closed; }));
    EXPECT_EQ(client.links.begin()->second.received, noise(10));
    ASSERT_TRUE(server.until([&] { return server.links.begin()->second.closed.has_value(); }));
    EXPECT_EQ(server.links.begin()->second.closed, "not wanted");
}

TEST_F(TcpTest, transmitting_on_a_closed_link_is_ignored) {
    connect();
    listener->carry_out(HangUp{kFirst, "bye"});
    ASSERT_TRUE(dialler->until([&] { return only(dialler).closed && only(listener).closed; }));
    dialler->transmit(kFirst, noise(10));
    listener->transmit(kFirst, noise(10));
    context.poll();
    EXPECT_TRUE(only(listener).received.empty());
}

/// The kernel's count of segments that brought data; glibc's tcp_info ends before that field.
std::uint32_t data_segments_in(Socket& socket) {
    constexpr std::size_t kOffset = 152;  // tcpi_data_segs_in in <linux/tcp.h>
    std::array<std::uint8_t, 256> info{};
    socklen_t size = info.size();
    EXPECT_EQ(getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, info.data(), &size), 0);
    std::uint32_t out = 0;
    std::memcpy(&out, info.data() + kOffset, sizeof out);
    return out;
}

// BloomCoin's originals die of frames that arrive glued together, so each must leave by itself.
TEST_F(TcpTest, one_write_each_sends_every_transmit_by_itself) {
    for (const bool one_each : {false, true}) {
        Node node{context, tcp_with()};
        asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
        node.carry_out(Dial{.id = DialId{1},
                            .to = at_port(acceptor.local_endpoint().port()),
                            .one_write_each = one_each});
        ASSERT_TRUE(node.until([&] { return node.links.size() == 1; }));
        auto peer = acceptor.accept();
        for (int i = 0; i < 10; ++i) node.transmit(LinkId{1}, noise(100));
        ASSERT_TRUE(node.until([&] { return node.links.at(LinkId{1}).room == 1u << 20; }));
        EXPECT_EQ(data_segments_in(peer), one_each ? 10u : 1u);
        peer.close();
    }
}

TEST_F(TcpTest, transmitting_beyond_the_room_is_our_own_bug) {
    connect();
    const auto transmit_too_much = [&] { dialler->transmit(kFirst, noise((1u << 20) + 1)); };
    EXPECT_DEATH(transmit_too_much(), "link->room");
}

}  // namespace
}  // namespace sennit::transport::tcp
