// SPDX-License-Identifier: MIT
#include "transport/udp/group.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

namespace sennit::transport::udp {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

io::Interface interface(std::string name, const char* address, bool multicast, bool loopback) {
    return {.name = std::move(name),
            .address = boost::asio::ip::make_address_v4(address),
            .loopback = loopback,
            .multicast = multicast};
}
const auto kLoopback = interface("lo", "127.0.0.1", false, true);
const auto kCable = interface("eth0", "192.0.2.7", true, false);
const auto kCableAgain = interface("eth0", "192.0.2.8", true, false);
const auto kRadio = interface("wlan0", "198.51.100.3", true, false);
const auto kTunnel = interface("tun0", "10.0.0.2", false, false);

TEST(GroupName, tells_a_group_from_a_host_and_takes_the_interface_off) {
    EXPECT_EQ((*group_name("224.0.0.251"))->group.to_string(), "224.0.0.251");
    EXPECT_EQ((*group_name("224.0.0.251"))->zone, "");
    EXPECT_EQ((*group_name("239.1.2.3%eth0"))->zone, "eth0");
    EXPECT_EQ((*group_name("239.1.2.3%192.0.2.7"))->zone, "192.0.2.7");
    EXPECT_FALSE(*group_name("223.255.255.255"));
    EXPECT_FALSE(*group_name("240.0.0.1"));
    EXPECT_FALSE(*group_name("fe80::1%eth0"));
    EXPECT_FALSE(*group_name("localhost"));
    EXPECT_EQ(group_name("224.0.0.251%").error().code, Errc::malformed);
    EXPECT_EQ(group_name("ff02::fb").error().code, Errc::unsupported);
}

TEST(Suitable, is_each_interface_once_that_carries_multicast) {
    EXPECT_THAT(*suitable({kLoopback, kCable, kCableAgain, kTunnel, kRadio}, ""),
                ElementsAre(kCable, kRadio));
}

TEST(Suitable, is_loopback_where_there_is_nothing_else) {
    EXPECT_THAT(*suitable({kLoopback}, ""), ElementsAre(kLoopback));
    EXPECT_THAT(*suitable({kTunnel, kLoopback}, ""), ElementsAre(kLoopback));
    EXPECT_EQ(suitable({}, "").error().code, Errc::not_found);
    EXPECT_EQ(suitable({kTunnel}, "").error().code, Errc::not_found);
}

TEST(Suitable, is_the_one_that_was_named_whatever_it_carries) {
    const std::vector all{kLoopback, kCable, kCableAgain, kTunnel};
    EXPECT_THAT(*suitable(all, "tun0"), ElementsAre(kTunnel));
    EXPECT_THAT(*suitable(all, "eth0"), ElementsAre(kCable));
    EXPECT_THAT(*suitable(all, "192.0.2.8"), ElementsAre(kCableAgain));
    EXPECT_EQ(suitable(all, "wlan0").error().detail, "wlan0");
}

TEST(Group, may_join_again_and_does_so_when_a_minute_has_passed) {
    boost::asio::io_context context;
    Udp::socket socket{context, Udp::v4()};
    Group group{**group_name("239.255.77.77%127.0.0.1")};
    const Instant start{std::chrono::hours{1}};
    for (const auto now : {start, start + std::chrono::hours{1}}) {
        ASSERT_TRUE(group.join(socket, now));
        EXPECT_THAT(group.interfaces(), ElementsAre(Field(&io::Interface::loopback, true)));
        EXPECT_FALSE(group.stale(now + std::chrono::seconds{59}));
        EXPECT_TRUE(group.stale(now + std::chrono::seconds{60}));
    }
}

}  // namespace
}  // namespace sennit::transport::udp
