// SPDX-License-Identifier: MIT
#include "libp2p/autonat/message.hpp"

#include <gmock/gmock.h>

#include "libp2p/protobuf.hpp"

namespace sennit::libp2p::autonat {
namespace {

Multiaddr address(std::string_view text) {
    return *Multiaddr::parse(text);
}

void expect_same(const Message& message) {
    const auto again = decode_message(encode(message));
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, message);
}

TEST(AutonatMessage, reads_what_it_writes) {
    expect_same(DialRequest{{address("/ip4/192.0.2.1/tcp/4001"), address("/ip6/::1/tcp/1")}, 7});
    expect_same(DialResponse{ResponseStatus::ok, 3, DialStatus::dial_back_error});
    expect_same(DialResponse{});
    expect_same(DialDataRequest{1, 50'000});
    expect_same(DialDataResponse{kDataSizeMax});
    EXPECT_EQ(*decode_dial_back(encode_dial_back(0x0102030405060708)), 0x0102030405060708u);
    EXPECT_TRUE(decode_dial_back_response(encode_dial_back_response()));
}

TEST(AutonatMessage, is_written_as_the_specification_has_it) {
    // Message{1: DialRequest{1: addrs, 2: fixed64 nonce}}, the nonce little-endian.
    EXPECT_EQ(to_hex(encode(DialRequest{{address("/ip4/1.2.3.4/tcp/16")}, 0x0807060504030201})),
              "0a130a0804010203040600101101020304050607"
              "08");
    EXPECT_EQ(to_hex(encode(DialResponse{ResponseStatus::ok, 1, DialStatus::dial_error})),
              "120708c80110011864");
    EXPECT_EQ(to_hex(encode(DialDataRequest{2, 30'000})), "1a06080210b0ea01");
    EXPECT_EQ(to_hex(encode(DialDataResponse{2})), "22040a020000");
    EXPECT_EQ(to_hex(encode_dial_back(1)), "090100000000000000");
    EXPECT_EQ(to_hex(framed(encode_dial_back_response())), "00");
}

TEST(AutonatMessage, keeps_the_place_of_an_address_that_it_cannot_read) {
    protobuf::MessageWriter request;
    request.bytes(1, Bytes{0xff, 0xff, 0x01}).bytes(1, address("/ip4/1.2.3.4/tcp/1").view());
    protobuf::MessageWriter whole;
    whole.message(1, request);
    const auto read = decode_message(whole.view());
    ASSERT_TRUE(read);
    const auto& addresses = std::get<DialRequest>(*read).addresses;
    ASSERT_EQ(addresses.size(), 2u);
    EXPECT_FALSE(addresses[0]);
    EXPECT_EQ(addresses[1], address("/ip4/1.2.3.4/tcp/1"));
}

TEST(AutonatMessage, leaves_out_addresses_beyond_the_limit) {
    DialRequest many;
    many.addresses.assign(kAddressesMax + 20, address("/ip4/1.2.3.4/tcp/1"));
    EXPECT_EQ(std::get<DialRequest>(*decode_message(encode(many))).addresses.size(), kAddressesMax);
}

TEST(AutonatMessage, refuses_what_is_too_long_of_no_kind_or_of_an_unknown_status) {
    EXPECT_EQ(decode_message(Bytes(kMessageSizeMax + 1)).error().code, Errc::oversized);
    EXPECT_EQ(decode_message({}).error().code, Errc::malformed);
    EXPECT_EQ(decode_message(encode(DialDataResponse{kDataSizeMax + 1})).error().code,
              Errc::oversized);
    const auto response = [](std::uint32_t field, std::uint64_t value) {
        protobuf::MessageWriter inside;
        inside.u64(field, value);
        protobuf::MessageWriter out;
        out.message(2, inside);
        return decode_message(out.view()).error().code;
    };
    EXPECT_EQ(response(1, 201), Errc::unknown_type);
    EXPECT_EQ(response(2, std::uint64_t{1} << 32), Errc::oversized);
    EXPECT_EQ(response(3, 1), Errc::unknown_type);
}

TEST(AutonatMessage, refuses_a_nonce_that_is_not_fixed64) {
    protobuf::MessageWriter varint;
    varint.u64(1, 7);
    EXPECT_EQ(decode_dial_back(varint.view()).error().code, Errc::malformed);
    EXPECT_EQ(decode_dial_back({}).error().code, Errc::malformed);
    protobuf::MessageWriter status;
    status.u64(1, 1);
    EXPECT_EQ(decode_dial_back_response(status.view()).error().code, Errc::unknown_type);
}

TEST(AutonatMessage, refuses_every_truncation) {
    const auto whole = encode(DialRequest{{address("/ip4/1.2.3.4/tcp/1")}, 9});
    for (std::size_t n = 0; n < whole.size(); ++n)
        EXPECT_FALSE(decode_message(BytesView{whole}.first(n))) << n;
}

}  // namespace
}  // namespace sennit::libp2p::autonat
