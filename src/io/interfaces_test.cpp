// SPDX-License-Identifier: MIT
#include "io/interfaces.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

namespace sennit::io {
namespace {

TEST(Interfaces, each_address_is_this_machines_own) {
    const auto all = ipv4_interfaces();
    boost::asio::io_context context;
    for (const auto& one : all) {
        EXPECT_FALSE(one.name.empty());
        EXPECT_EQ(one.loopback, one.address.is_loopback()) << one.name;
        // Only an address of this machine can be bound.
        EXPECT_NO_THROW((boost::asio::ip::udp::socket{context, {one.address, 0}})) << one.name;
    }
}

TEST(Interfaces, loopback_is_among_them) {
    EXPECT_THAT(ipv4_interfaces(),
                ::testing::Contains(::testing::Field(&Interface::address,
                                                     boost::asio::ip::address_v4::loopback())));
}

}  // namespace
}  // namespace sennit::io
