// SPDX-License-Identifier: MIT
#include "transport/tcp/inbound_limits.hpp"

#include <gtest/gtest.h>

namespace sennit::transport::tcp {
namespace {

TEST(inbound_limits, one_host_cannot_take_every_place) {
    InboundLimits limits{10, 2};
    EXPECT_TRUE(limits.admit("198.51.100.1"));
    EXPECT_TRUE(limits.admit("198.51.100.1"));
    EXPECT_FALSE(limits.admit("198.51.100.1"));
    EXPECT_TRUE(limits.admit("198.51.100.2"));
    limits.release("198.51.100.1");
    EXPECT_TRUE(limits.admit("198.51.100.1"));
}

TEST(inbound_limits, an_ipv6_subscriber_is_one_host) {
    InboundLimits limits{10, 2};
    EXPECT_TRUE(limits.admit("2001:db8:1:2::1"));
    EXPECT_TRUE(limits.admit("2001:db8:1:2::2"));
    EXPECT_FALSE(limits.admit("2001:db8:1:2::3"));
    EXPECT_TRUE(limits.admit("2001:db8:1:3::1"));
    limits.release("2001:db8:1:2::2");
    EXPECT_TRUE(limits.admit("2001:db8:1:2::3"));
}

TEST(inbound_limits, private_hosts_may_be_many_behind_one_address) {
    InboundLimits limits{50, 2};
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(limits.admit("10.0.0.1"));
}

TEST(inbound_limits, all_hosts_together_have_a_limit_and_loopback_only_that) {
    InboundLimits limits{3, 1};
    EXPECT_TRUE(limits.admit("127.0.0.1"));
    EXPECT_TRUE(limits.admit("127.0.0.1"));
    EXPECT_TRUE(limits.admit("::1"));
    EXPECT_FALSE(limits.admit("127.0.0.1"));
    EXPECT_FALSE(limits.admit("198.51.100.1"));
    limits.release("127.0.0.1");
    EXPECT_TRUE(limits.admit("198.51.100.1"));
}

}  // namespace
}  // namespace sennit::transport::tcp
