// SPDX-License-Identifier: MIT
// Real sockets on loopback, multicast included, driven by events: each test runs the context until
// what it waits for has happened, and fails if the deadline of io::testing comes first.
#include "transport/udp/udp.hpp"

#include <gmock/gmock.h>

#include <boost/asio/ip/udp.hpp>

#include "base/bytes.hpp"
#include "transport/testing.hpp"

namespace sennit::transport::udp {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Node;
using testing::SeenLink;

constexpr LinkId kFirst{1};
constexpr std::string_view kGroup = "udp://239.255.77.77%127.0.0.1";

Node::Make udp_with(Options options = {}) {
    return [options](Environment e) { return make_transport(std::move(e), options); };
}

Bytes text(std::string_view text) {
    return to_bytes(as_bytes(text));
}

class UdpTest : public ::testing::Test {
  protected:
    static SeenLink& only(Node& node) { return node.links.begin()->second; }

    /// Transmits to an address instead of the link's own.
    static void transmit_to(Node& node, LinkId link, Bytes bytes, std::string label) {
        node.links.at(link).room -= bytes.size();
        node.carry_out(
            Transmit{link, std::make_shared<const Bytes>(std::move(bytes)), std::move(label), 0});
    }
    /// Opens the only link of each.
    static NetAddress join(Node& first, Node& second) {
        const auto address = first.listen(std::string{kGroup} + ":0");
        second.listen(std::string{kGroup} + ":" + std::to_string(address.port));
        EXPECT_TRUE(first.until([&] { return first.links.size() + second.links.size() == 2; }));
        return address;
    }
    void poll() {
        context.restart();
        while (context.poll() > 0) {
        }
    }

    asio::io_context context;
};

TEST_F(UdpTest, a_listener_is_one_link_which_names_each_datagrams_source_and_can_answer_it) {
    Node server{context, udp_with()};
    Node client{context, udp_with()};
    const auto address = server.listen("udp://127.0.0.1:0");
    ASSERT_TRUE(server.until([&] { return server.links.size() == 1; }));
    const auto& open = only(server).open;
    EXPECT_EQ(open.carrier, Carrier::datagram);
    EXPECT_TRUE(open.inbound);
    EXPECT_FALSE(open.dial);
    EXPECT_EQ(open.local, address);
    EXPECT_NE(address.port, 0);
    EXPECT_EQ(open.remote, NetAddress{});
    EXPECT_EQ(open.room, 256u << 10);
    EXPECT_EQ(open.datagram_size_max, 8972u);

    const auto dial = client.dial(address);
    client.dial(address);
    ASSERT_TRUE(client.until([&] { return client.links.size() == 2; }));
    EXPECT_EQ(only(client).open.dial, dial);
    EXPECT_FALSE(only(client).open.inbound);
    EXPECT_EQ(only(client).open.remote, address);
    client.transmit(kFirst, text("one"));
    client.transmit(LinkId{2}, text("two"));
    ASSERT_TRUE(server.until([&] { return only(server).labels.size() == 2; }));
    EXPECT_THAT(only(server).labels, ElementsAre(client.links.at(kFirst).open.local.text(),
                                                 client.links.at(LinkId{2}).open.local.text()));
    transmit_to(server, kFirst, text("back"), only(server).labels[1]);
    ASSERT_TRUE(client.until([&] { return !client.links.at(LinkId{2}).received.empty(); }));
    EXPECT_EQ(client.links.at(LinkId{2}).received, text("back"));
    EXPECT_EQ(client.links.at(LinkId{2}).labels[0], address.text());
    EXPECT_TRUE(only(client).received.empty());
    EXPECT_EQ(server.links.size(), 1u);
}

TEST_F(UdpTest, datagrams_stay_whole_up_to_the_largest_and_room_comes_back) {
    Node server{context, udp_with()};
    Node client{context, udp_with()};
    client.dial(server.listen("udp://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return client.links.size() == 1; }));
    std::vector<std::size_t> sizes;
    server.also = [&](const CarrierInput& input) {
        if (const auto* got = std::get_if<LinkBytes>(&input)) sizes.push_back(got->bytes.size());
    };
    for (const std::size_t size : {1u, 0u, 8972u, 20u}) client.transmit(kFirst, Bytes(size, 7));
    EXPECT_LT(only(client).room, only(client).open.room);
    ASSERT_TRUE(server.until([&] { return sizes.size() == 4; }));
    EXPECT_THAT(sizes, ElementsAre(1, 0, 8972, 20));
    ASSERT_TRUE(client.until([&] { return only(client).room == only(client).open.room; }));
}

TEST_F(UdpTest, ipv6_works_when_the_machine_has_it) {
    Node node{context, udp_with()};
    node.carry_out(Listen{*NetAddress::parse("udp://[::1]:0")});
    ASSERT_TRUE(
        node.until([&] { return !node.listening.empty() || !node.listen_failures.empty(); }));
    if (node.listening.empty()) GTEST_SKIP() << node.listen_failures[0];
    node.dial(node.listening[0]);
    ASSERT_TRUE(node.until([&] { return node.links.size() == 2; }));
    node.transmit(LinkId{2}, text("six"));
    ASSERT_TRUE(node.until([&] { return !only(node).received.empty(); }));
    EXPECT_THAT(only(node).labels[0], HasSubstr("udp://[::1]:"));
    transmit_to(node, kFirst, text("4"), "udp://127.0.0.1:9");
    node.stop();
    EXPECT_EQ(only(node).closed, "stopping; dropped 1 to nowhere");
}

TEST_F(UdpTest, names_are_resolved) {
    Node node{context, udp_with()};
    const auto bound = node.listen("udp://localhost:0");
    EXPECT_EQ(bound.host, "127.0.0.1");
    node.dial({"udp", "localhost", bound.port});
    ASSERT_TRUE(node.until([&] { return node.links.size() == 2; }));
    EXPECT_EQ(node.links.at(LinkId{2}).open.remote, bound);
}

TEST_F(UdpTest, a_group_is_heard_by_all_who_joined_it_and_by_the_sender) {
    Node first{context, udp_with()};
    Node second{context, udp_with()};
    const auto group = join(first, second);
    EXPECT_EQ(group.host, "239.255.77.77");
    EXPECT_EQ(only(first).open.remote, group);
    first.transmit(kFirst, text("to all"));
    transmit_to(second, kFirst, text("by name"), group.text());
    ASSERT_TRUE(first.until(
        [&] { return only(first).labels.size() == 2 && only(second).labels.size() == 2; }));
    EXPECT_EQ(only(first).received.size(), 13u);
    EXPECT_EQ(only(second).received.size(), 13u);
    EXPECT_EQ(only(first).labels[0], "udp://127.0.0.1:" + std::to_string(group.port));
    first.stop();
    EXPECT_EQ(only(first).closed, "stopping");
}

TEST_F(UdpTest, a_group_can_be_dialled) {
    Node first{context, udp_with()};
    Node second{context, udp_with()};
    auto group = first.listen(std::string{kGroup} + ":0");
    auto zoned = group;
    zoned.host += "%127.0.0.1";
    const auto dial = second.dial(zoned);
    ASSERT_TRUE(second.until([&] { return second.links.size() == 1; }));
    EXPECT_EQ(only(second).open.dial, dial);
    EXPECT_EQ(only(second).open.remote, group);
    second.transmit(kFirst, text("hello"));
    ASSERT_TRUE(first.until([&] { return !first.links.empty() && !only(first).received.empty(); }));
}

TEST_F(UdpTest, a_link_of_a_group_hears_the_group_alone_and_may_answer_one_host) {
    Node node{context, udp_with()};
    Node other{context, udp_with()};
    const auto group = node.listen(std::string{kGroup} + ":0");
    udp::socket host{context, {asio::ip::address_v4::loopback(), 0}};
    // Unicast to the same port of this machine: who is outside could send that, too.
    host.send_to(asio::buffer("past", 4), {asio::ip::address_v4::loopback(), group.port});
    host.set_option(asio::detail::socket_option::integer<IPPROTO_IP, IP_MULTICAST_TTL>{1});
    in_addr loopback{htonl(INADDR_LOOPBACK)};
    ASSERT_EQ(
        setsockopt(host.native_handle(), IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback),
        0);
    host.send_to(asio::buffer("to all", 6), {asio::ip::make_address(group.host), group.port});
    ASSERT_TRUE(node.until([&] { return !node.links.empty() && !only(node).received.empty(); }));
    poll();
    EXPECT_EQ(only(node).received, text("to all"));
    transmit_to(node, kFirst, text("answer"), only(node).labels[0]);
    poll();
    std::array<char, 10> got{};
    udp::endpoint from;
    EXPECT_EQ(host.receive_from(asio::buffer(got), from), 6u);
    EXPECT_EQ(from.port(), group.port);
}

TEST_F(UdpTest, a_group_that_cannot_be_joined_is_reported) {
    Node node{context, udp_with()};
    node.carry_out(Listen{*NetAddress::parse("udp://239.255.77.77%nosuch0:0")});
    node.carry_out(Listen{*NetAddress::parse("udp://[ff02::fb]:0")});
    ASSERT_TRUE(node.until([&] { return node.listen_failures.size() == 2; }));
    EXPECT_EQ(node.listen_failures[0],
              "udp://239.255.77.77%nosuch0: no such interface with IPv4: nosuch0");
    EXPECT_THAT(node.listen_failures[1], HasSubstr("multicast is IPv4 only"));
    const auto dial = node.dial({"udp", "239.255.77.77%nosuch0", 7});
    ASSERT_TRUE(node.until([&] { return node.dial_failures.contains(dial); }));
    EXPECT_THAT(node.dial_failures.at(dial), HasSubstr("nosuch0"));
    EXPECT_TRUE(node.links.empty());
}

TEST_F(UdpTest, a_taken_address_is_reported) {
    Node first{context, udp_with()};
    Node second{context, udp_with()};
    const auto taken = first.listen("udp://127.0.0.1:0");
    second.carry_out(Listen{taken});
    ASSERT_TRUE(second.until([&] { return !second.listen_failures.empty(); }));
    EXPECT_THAT(second.listen_failures[0], HasSubstr(taken.text()));
    EXPECT_THAT(second.listen_failures[0], HasSubstr("in use"));
}

TEST_F(UdpTest, what_cannot_be_sent_or_is_too_large_is_dropped_and_counted) {
    Node server{context, udp_with({.datagram_size_max = 100})};
    Node client{context, udp_with({.datagram_size_max = 101})};
    const auto address = server.listen("udp://127.0.0.1:0");
    client.dial(address);
    ASSERT_TRUE(client.until([&] { return client.links.size() == 1 && server.links.size() == 1; }));
    client.transmit(kFirst, Bytes(102));  // over its own limit
    client.transmit(kFirst, Bytes(101));  // over theirs
    for (const auto* nowhere : {"", "no address", "tcp://127.0.0.1:9", "udp://127.0.0.1",
                                "udp://localhost:9", "udp://224.0.0.251:9", "udp://[::1]:9"}) {
        transmit_to(server, kFirst, Bytes(1), nowhere);
    }
    transmit_to(server, kFirst, Bytes(1), "udp://255.255.255.255:9");  // the system refuses
    transmit_to(client, kFirst, Bytes(1), "udp://127.0.0.1:9");        // not its peer
    client.transmit(kFirst, Bytes(100));
    ASSERT_TRUE(server.until([&] { return !only(server).received.empty(); }));
    EXPECT_EQ(only(server).received.size(), 100u);
    ASSERT_TRUE(server.until([&] {
        return only(server).room == only(server).open.room &&
               only(client).room == only(client).open.room;
    }));
    client.carry_out(HangUp{kFirst, "enough"});
    server.stop();
    ASSERT_TRUE(client.until([&] { return only(client).closed.has_value(); }));
    EXPECT_EQ(only(client).closed, "enough; dropped 1 oversized of ours, 1 to nowhere");
    EXPECT_EQ(only(server).closed,
              "stopping; dropped 1 oversized of others, 7 to nowhere, 1 refused by the system");
}

TEST_F(UdpTest, a_dialled_link_hears_its_peer_alone_and_outlives_its_refusals) {
    Node client{context, udp_with()};
    udp::socket peer{context, {asio::ip::address_v4::loopback(), 0}};
    const auto at = peer.local_endpoint();
    client.dial({"udp", "127.0.0.1", at.port()});
    ASSERT_TRUE(client.until([&] { return client.links.size() == 1; }));
    const udp::endpoint ours{asio::ip::address_v4::loopback(), only(client).open.local.port};
    udp::socket stranger{context, {asio::ip::address_v4::loopback(), 0}};
    stranger.send_to(asio::buffer("forged", 6), ours);
    peer.close();
    client.transmit(kFirst, text("nobody is there"));
    poll();
    poll();
    EXPECT_FALSE(only(client).closed);
    peer = udp::socket{context, at};
    peer.send_to(asio::buffer("back", 4), ours);
    ASSERT_TRUE(client.until([&] { return !only(client).received.empty(); }));
    EXPECT_EQ(only(client).received, text("back"));
    client.stop();
    EXPECT_EQ(only(client).closed, "stopping; dropped 1 refused by the system");
}

TEST_F(UdpTest, hold_stops_reading_and_resuming_continues) {
    Node server{context, udp_with()};
    Node client{context, udp_with()};
    client.dial(server.listen("udp://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return client.links.size() == 1 && server.links.size() == 1; }));
    server.carry_out(Hold{kFirst, false});
    client.transmit(kFirst, text("one"));
    poll();
    EXPECT_TRUE(only(server).received.empty());
    server.carry_out(Hold{kFirst, true});
    ASSERT_TRUE(server.until([&] { return !only(server).received.empty(); }));
    client.transmit(kFirst, text("two"));
    ASSERT_TRUE(server.until([&] { return only(server).received.size() == 6; }));
}

TEST_F(UdpTest, a_flood_lets_others_have_their_turn) {
    Node server{context, udp_with()};
    const auto address = server.listen("udp://127.0.0.1:0");
    ASSERT_TRUE(server.until([&] { return server.links.size() == 1; }));
    server.carry_out(Hold{kFirst, false});
    poll();
    udp::socket flood{context, udp::v4()};
    for (int i = 0; i < 150; ++i) {
        flood.send_to(asio::buffer("x", 1), {asio::ip::make_address(address.host), address.port});
    }
    std::vector<std::size_t> seen_by_another;
    const std::function<void()> another = [&] {
        seen_by_another.push_back(only(server).labels.size());
        if (only(server).labels.size() < 150) asio::post(context, another);
    };
    server.carry_out(Hold{kFirst, true});
    asio::post(context, another);
    ASSERT_TRUE(server.until([&] { return only(server).labels.size() == 150; }));
    EXPECT_THAT(seen_by_another, ::testing::Contains(64));
    EXPECT_THAT(seen_by_another, ::testing::Contains(128));
}

TEST_F(UdpTest, hang_up_lets_what_was_transmitted_leave_and_takes_nothing_more) {
    Node server{context, udp_with()};
    Node client{context, udp_with()};
    client.dial(server.listen("udp://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return client.links.size() == 1 && server.links.size() == 1; }));
    for (int i = 0; i < 100; ++i) client.transmit(kFirst, text("x"));
    client.carry_out(HangUp{kFirst, "bye"});
    client.carry_out(HangUp{kFirst, "twice"});
    client.transmit(kFirst, text("late"));
    ASSERT_TRUE(client.until([&] { return only(client).closed.has_value(); }));
    EXPECT_EQ(only(client).closed, "bye");
    ASSERT_TRUE(server.until([&] { return only(server).received.size() >= 100; }));
    poll();
    EXPECT_EQ(only(server).received.size(), 100u);
}

TEST_F(UdpTest, a_link_may_be_hung_up_from_inside_the_sink) {
    Node server{context, udp_with()};
    Node client{context, udp_with()};
    server.also = [&](const CarrierInput& input) {
        if (std::holds_alternative<LinkBytes>(input)) server.carry_out(HangUp{kFirst, "enough"});
    };
    client.dial(server.listen("udp://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return client.links.size() == 1 && server.links.size() == 1; }));
    for (int i = 0; i < 3; ++i) client.transmit(kFirst, text("x"));
    ASSERT_TRUE(server.until([&] { return only(server).closed.has_value(); }));
    EXPECT_EQ(only(server).received.size(), 1u);
}

TEST_F(UdpTest, links_and_dials_over_the_limit_fail) {
    Node node{context, udp_with({.links_max = 1})};
    const auto address = node.listen("udp://127.0.0.1:0");
    const auto over = node.dial(address);
    ASSERT_TRUE(node.until([&] { return node.dial_failures.contains(over); }));
    EXPECT_EQ(node.dial_failures.at(over), "too many links or dials");
    node.carry_out(Listen{*NetAddress::parse("udp://127.0.0.1:0")});
    ASSERT_TRUE(node.until([&] { return !node.listen_failures.empty(); }));
    EXPECT_THAT(node.listen_failures[0], HasSubstr("too many links"));
}

TEST_F(UdpTest, more_small_datagrams_than_a_queue_takes_are_dropped) {
    Node node{context, udp_with()};
    node.dial({"udp", "127.0.0.1", 9});
    ASSERT_TRUE(node.until([&] { return node.links.size() == 1; }));
    for (int i = 0; i < 1030; ++i) node.transmit(kFirst, Bytes{});
    node.stop();
    EXPECT_THAT(*only(node).closed, HasSubstr("dropped 6 over the queue's limit"));
}

TEST_F(UdpTest, stop_ends_listening_and_dials_and_says_so_to_each) {
    Node node{context, udp_with()};
    const auto address = node.listen("udp://127.0.0.1:0");
    ASSERT_TRUE(node.until([&] { return node.links.size() == 1; }));
    const auto pending = node.dial(address);
    node.stop();
    EXPECT_EQ(node.dial_failures.at(pending), "stopping");
    EXPECT_EQ(only(node).closed, "stopping");
    const auto late = node.dial(address);
    ASSERT_TRUE(node.until([&] { return node.dial_failures.contains(late); }));
    EXPECT_NO_THROW((udp::socket{context, {asio::ip::make_address(address.host), address.port}}));
}

TEST_F(UdpTest, transmitting_beyond_the_room_is_our_own_bug) {
    Node node{context, udp_with({.room = 10, .datagram_size_max = 10})};
    node.dial({"udp", "127.0.0.1", 9});
    ASSERT_TRUE(node.until([&] { return node.links.size() == 1; }));
    EXPECT_DEATH(node.transmit(kFirst, Bytes(11)), "link->room");
}

}  // namespace
}  // namespace sennit::transport::udp
