// SPDX-License-Identifier: MIT
#include "chain/registry_abi.hpp"

#include <gmock/gmock.h>

#include "chain/registry.hpp"

namespace sennit::chain::abi {
namespace {

/// f(uint256,bytes,address) of (7, 0xaabbcc, 0x11..11), as Solidity writes it.
Bytes canonical() {
    return *from_hex(
        "deadbeef"
        "0000000000000000000000000000000000000000000000000000000000000007"
        "0000000000000000000000000000000000000000000000000000000000000060"
        "0000000000000000000000001111111111111111111111111111111111111111"
        "0000000000000000000000000000000000000000000000000000000000000003"
        "aabbcc0000000000000000000000000000000000000000000000000000000000");
}

struct Decoded {
    Uint128 number{0};
    Bytes bytes;
    Address address;
};

Result<Decoded> decode(BytesView data, std::size_t size_max = 3) {
    Arguments in{data, 3};
    Decoded out;
    SENNIT_TRY(out.number, in.integer());
    SENNIT_TRY(const auto bytes, in.bytes(size_max));
    out.bytes = to_bytes(bytes);
    SENNIT_TRY(out.address, in.address());
    SENNIT_TRY(in.finish());
    return out;
}

Errc refusal_with(std::size_t at, std::uint8_t value) {
    auto data = canonical();
    data[at] = value;
    const auto decoded = decode(data);
    EXPECT_FALSE(decoded);
    return decoded ? Errc{} : decoded.error().code;
}

TEST(Abi, selectors_are_those_of_ethereum) {
    EXPECT_EQ(selector("transfer(address,uint256)"), 0xa9059cbbu);
    EXPECT_EQ(selector_of(canonical()), 0xdeadbeefu);
    EXPECT_EQ(selector_of(Bytes{1, 2, 3}), std::nullopt);
}

TEST(Abi, registry_knows_its_selectors) {
    const auto gas = [](std::string_view signature) {
        Writer out;
        out.be(selector(signature));
        return registry_gas(out.bytes());
    };
    EXPECT_EQ(gas("register(bytes32,bytes,bytes32,bytes,address,bytes)"), 60'000u);
    EXPECT_EQ(gas("evidence(bytes,bytes)"), 60'000u);
    EXPECT_EQ(gas("stake()"), 30'000u);
    EXPECT_EQ(gas("unstake(uint256)"), 30'000u);
    EXPECT_EQ(gas("withdraw()"), 30'000u);
    EXPECT_EQ(gas("version()"), 0u);
    EXPECT_EQ(registry_gas({}), 0u);
}

TEST(Abi, reads_and_writes_the_canonical_encoding) {
    const auto decoded = decode(canonical());
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(decoded->number, 7u);
    EXPECT_EQ(decoded->bytes, (Bytes{0xaa, 0xbb, 0xcc}));
    EXPECT_EQ(to_hex(decoded->address), std::string(40, '1'));

    Answer answer{3};
    answer.integer(7).bytes(decoded->bytes).address(decoded->address);
    Bytes whole = *from_hex("deadbeef");
    const auto body = std::move(answer).take();
    whole.insert(whole.end(), body.begin(), body.end());
    EXPECT_EQ(whole, canonical());
}

TEST(Abi, writes_arrays_of_words) {
    Answer answer{2};
    answer.array(std::vector<Word>{word_from(Uint128{1}), word_from(Uint128{2})}).integer(9);
    EXPECT_EQ(to_hex(std::move(answer).take()),
              "0000000000000000000000000000000000000000000000000000000000000040"
              "0000000000000000000000000000000000000000000000000000000000000009"
              "0000000000000000000000000000000000000000000000000000000000000002"
              "0000000000000000000000000000000000000000000000000000000000000001"
              "0000000000000000000000000000000000000000000000000000000000000002");
}

TEST(Abi, refuses_every_prefix_and_any_byte_more) {
    const auto whole = canonical();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode(BytesView{whole}.first(size))) << size;
    }
    auto longer = whole;
    longer.push_back(0);
    EXPECT_EQ(decode(longer).error().code, Errc::trailing);
}

TEST(Abi, refuses_what_is_not_canonical) {
    EXPECT_EQ(refusal_with(4, 1), Errc::oversized) << "integer over 128 bits";
    EXPECT_EQ(refusal_with(4 + 63, 0x80), Errc::malformed) << "offset leaves a gap";
    EXPECT_EQ(refusal_with(4 + 63, 0x40), Errc::malformed) << "offset into the head";
    EXPECT_EQ(refusal_with(4 + 32, 0xff), Errc::oversized) << "offset of 2^255";
    EXPECT_EQ(refusal_with(4 + 64, 1), Errc::malformed) << "address of 32 bytes";
    EXPECT_EQ(refusal_with(4 + 96, 0xff), Errc::oversized) << "length of 2^255";
    EXPECT_EQ(refusal_with(4 + 127, 4), Errc::oversized) << "longer than the limit";
    EXPECT_EQ(refusal_with(4 + 159, 1), Errc::malformed) << "padding";
}

}  // namespace
}  // namespace sennit::chain::abi
