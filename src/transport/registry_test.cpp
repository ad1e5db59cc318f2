// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

#include "transport/transport.hpp"

namespace sennit::transport {
namespace {

Environment environment(boost::asio::io_context& context) {
    return Environment{.executor = context.get_executor(),
                       .next_link = [] { return LinkId{1}; },
                       .sink = [](const CarrierInput&) {},
                       .listen_failed = [](const NetAddress&, const std::string&) {},
                       .task_failed = [](std::string_view, std::string_view) {}};
}

TEST(transport_registry, makes_every_transport_that_it_lists) {
    boost::asio::io_context context;
    EXPECT_THAT(transport_schemes(), ::testing::Contains("tcp"));
    for (const auto& scheme : transport_schemes()) {
        EXPECT_TRUE(make_transport(scheme, environment(context))) << scheme;
    }
}

TEST(transport_registry, knows_what_each_transport_carries) {
    for (const auto& scheme : transport_schemes()) EXPECT_TRUE(carrier_of(scheme)) << scheme;
    EXPECT_EQ(carrier_of("tcp"), Carrier::stream);
    EXPECT_EQ(carrier_of("http"), Carrier::exchange);
    EXPECT_EQ(carrier_of("udp"), Carrier::datagram);
    EXPECT_EQ(carrier_of("carrier-pigeon"), std::nullopt);
}

TEST(transport_registry, names_the_schemes_that_there_are_when_asked_for_another) {
    boost::asio::io_context context;
    const auto made = make_transport("carrier-pigeon", environment(context));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::unsupported);
    EXPECT_THAT(made.error().text(), ::testing::HasSubstr("tcp"));
}

}  // namespace
}  // namespace sennit::transport
