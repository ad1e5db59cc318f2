// SPDX-License-Identifier: MIT
#include "base/net_address.hpp"

#include <gtest/gtest.h>

namespace sennit {
namespace {

TEST(NetAddress, goes_there_and_back_as_text) {
    for (const auto* text : {"tcp://127.0.0.1:30303", "tcp://[::1]:9", "http://example.org:80",
                             "serial:///dev/tty0"}) {
        const auto address = NetAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), text);
    }
}

TEST(NetAddress, refuses_what_cannot_be_dialled) {
    for (const auto* text :
         {"", "127.0.0.1:1", "tcp://", "tcp://:5", "tcp://::1:5", "tcp://a:65536", "tcp://a:-1",
          "tcp://a:1x", "tcp://[::1", "tcp://[::1]x", "tcp://[[a]:1", "tcp://a]:1", "tcp://a b:1",
          "tcp://a\n:1", "tcp://\x7f:1", "T CP://a:1", "TCP://a:1"}) {
        EXPECT_FALSE(NetAddress::parse(text)) << text;
    }
}

TEST(NetAddress, knows_that_what_a_peer_put_together_does_not_read_back) {
    EXPECT_TRUE((NetAddress{"tcp", "::1", 9}).well_formed());
    for (const auto* host : {"", "a:b]c", "[a", "a\nb", "a:1", "\xc3\xa4"})
        EXPECT_EQ((NetAddress{"tcp", host, 9}).well_formed(), std::string_view{host} == "a:1")
            << host;
}

TEST(HostKind, tells_public_hosts_from_those_that_hearsay_must_not_name) {
    EXPECT_EQ(host_kind("8.8.8.8"), HostKind::public_ipv4);
    EXPECT_EQ(host_kind("10.1.2.3"), HostKind::private_network);
    EXPECT_EQ(host_kind("172.31.0.1"), HostKind::private_network);
    EXPECT_EQ(host_kind("172.32.0.1"), HostKind::public_ipv4);
    EXPECT_EQ(host_kind("127.9.9.9"), HostKind::loopback);
    EXPECT_EQ(host_kind("0.0.0.0"), HostKind::special);
    EXPECT_EQ(host_kind("::1"), HostKind::loopback);
    EXPECT_EQ(host_kind("::ffff:7f00:1"), HostKind::loopback);
    EXPECT_EQ(host_kind("fd00::1"), HostKind::private_network);
    EXPECT_EQ(host_kind("fe80::1"), HostKind::special);
    EXPECT_EQ(host_kind("2001:db8::1"), HostKind::public_ipv6);
    EXPECT_EQ(host_kind("999.1.1.1"), HostKind::name);
    EXPECT_EQ(host_kind("01.1.1.1"), HostKind::name);
    EXPECT_EQ(host_kind("1::2::3"), HostKind::name);
}

TEST(NetGroups, count_public_networks_only) {
    EXPECT_EQ(net_groups("8.9.10.11").wide, "8.9.*");
    EXPECT_EQ(net_groups("8.9.10.11").narrow, "8.9.10.*");
    EXPECT_EQ(net_groups("127.0.0.1").wide, "");
    EXPECT_EQ(net_groups("example.org").narrow, "");
}

TEST(HostGroup, is_the_network_that_one_subscriber_has) {
    EXPECT_EQ(host_group("8.9.10.11"), "8.9.10.11");
    EXPECT_EQ(host_group("::ffff:808:808"), "8.8.8.8");
    EXPECT_EQ(host_group("2001:db8:1:2::1"), host_group("2001:db8:1:2:ffff::9"));
    EXPECT_NE(host_group("2001:db8:1:2::1"), host_group("2001:db8:1:3::1"));
    EXPECT_NE(host_group("169.254.1.1"), "");
    for (const auto* shared :
         {"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "::ffff:7f00:1", "localhost"}) {
        EXPECT_EQ(host_group(shared), "") << shared;
    }
}

}  // namespace
}  // namespace sennit
