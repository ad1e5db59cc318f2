// SPDX-License-Identifier: MIT
#include "primitives/transaction.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "crypto/secp256k1.hpp"
#include "primitives/rlp.hpp"

namespace sennit {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kChainId = 8899;

crypto::Secp256k1Key key_of(std::uint8_t byte) {
    return *crypto::Secp256k1Key::from_bytes(Bytes(32, byte));
}

Transaction sign(Transaction tx, const crypto::Secp256k1Key& key,
                 std::uint64_t chain_id = kChainId) {
    const auto signature = key.sign(signing_digest(tx, chain_id));
    tx.v = 35 + 2 * chain_id + signature.recovery;
    tx.r = signature.r;
    tx.s = signature.s;
    return tx;
}

Transaction transfer(std::uint64_t nonce = 0) {
    return {.nonce = nonce,
            .gas_price = 50,
            .gas_limit = 21000,
            .to = Address::from(Bytes(20, 0xa1)),
            .value = Amount{1} << 100};
}

/// The items of a signed transaction, any of which a test may replace by other RLP.
Bytes nine_items(std::size_t replaced, std::string_view replacement_hex) {
    const Bytes bytes = encode(sign(transfer(), key_of(1)));
    rlp::Decoder outer{bytes};
    auto in = *outer.list();
    rlp::Encoder items;
    for (std::size_t i = 0; i < 9; ++i) {
        const auto item = *in.raw_item();
        items.raw(i == replaced ? BytesView{*from_hex(replacement_hex)} : item);
    }
    return rlp::encode_list(items);
}

// The worked example of EIP-155.
constexpr std::string_view kExample =
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
    "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
    "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";

TEST(Transaction, the_example_of_eip_155_is_signed_to_its_bytes) {
    const Transaction unsigned_tx{.nonce = 9,
                                  .gas_price = 20'000'000'000,
                                  .gas_limit = 21000,
                                  .to = Address::from(Bytes(20, 0x35)),
                                  .value = 1'000'000'000'000'000'000};
    EXPECT_EQ(to_hex(signing_digest(unsigned_tx, 1)),
              "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    EXPECT_EQ(to_hex(encode(sign(unsigned_tx, key_of(0x46), 1))), kExample);
}

TEST(Transaction, the_example_of_eip_155_is_read_and_its_sender_found) {
    const Bytes bytes = *from_hex(kExample);
    const auto opened = open_transaction(bytes, 1);
    ASSERT_TRUE(opened);
    const SignedTransaction& tx = **opened;
    EXPECT_EQ(tx.tx.nonce, 9u);
    EXPECT_EQ(tx.tx.gas_price, 20'000'000'000u);
    EXPECT_EQ(tx.tx.gas_limit, 21000u);
    EXPECT_TRUE(tx.tx.value == 1'000'000'000'000'000'000u);
    EXPECT_EQ(tx.tx.v, 37u);
    EXPECT_EQ(tx.tx.chain_id(), 1u);
    EXPECT_EQ(tx.tx.recovery_id(), 0u);
    EXPECT_EQ(to_hex(tx.sender), "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
    EXPECT_EQ(to_hex(tx.id), "33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788");
    EXPECT_EQ(tx.rlp, bytes);
    EXPECT_EQ(encode(tx.tx), bytes);
}

// Two of the signatures that came with EIP-155: recovery ids 0 and 1, without and with data.
TEST(Transaction, senders_of_eip_155s_first_test_transactions_are_found) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"f864808504a817c800825208943535353535353535353535353535353535353535808025"
         "a0044852b2a670ade5407e78fb2863c51de9fcb96542a07186fe3aeda6bb8a116d"
         "a0044852b2a670ade5407e78fb2863c51de9fcb96542a07186fe3aeda6bb8a116d",
         "f0f6f18bca1b28cd68e4357452947e021241e9ce"},
        {"f864018504a817c80182a410943535353535353535353535353535353535353535018025"
         "a0489efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bca"
         "a0489efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6",
         "23ef145a395ea3fa3deb533b8a9e1b4c6c25d112"},
    };
    for (const auto& [bytes, sender] : cases) {
        const auto opened = open_transaction(*from_hex(bytes), 1);
        ASSERT_TRUE(opened) << opened.error().text();
        EXPECT_EQ(to_hex((*opened)->sender), sender);
    }
}

TEST(Transaction, both_recovery_ids_and_any_data_come_back) {
    const auto key = key_of(7);
    bool seen[2] = {false, false};
    for (std::uint64_t nonce = 0; nonce < 20; ++nonce) {
        Transaction tx = transfer(nonce);
        tx.data = Bytes(static_cast<std::size_t>(nonce) * 10, static_cast<std::uint8_t>(nonce));
        const Transaction signed_tx = sign(tx, key);
        seen[signed_tx.recovery_id()] = true;
        const auto opened = open_transaction(encode(signed_tx), kChainId);
        ASSERT_TRUE(opened) << opened.error().text();
        EXPECT_EQ((*opened)->tx, signed_tx);
        EXPECT_EQ((*opened)->sender, key.address());
    }
    EXPECT_TRUE(seen[0] && seen[1]);
}

TEST(Transaction, the_smallest_that_is_read_is_of_the_size_that_lists_ask_for) {
    Transaction tx;
    tx.v = 35;
    const auto smallest = encode(tx);
    EXPECT_EQ(smallest.size(), kTransactionSizeMin);
    EXPECT_EQ(decode_transaction(smallest).value(), tx);
    EXPECT_GE(encode(sign(transfer(), key_of(1))).size(), 2 * kTransactionSizeMin)
        << "a signed one is far from the bound";
}

TEST(Transaction, limits_of_every_field_fit) {
    Transaction tx{.nonce = ~std::uint64_t{0} - 1,
                   .gas_price = ~std::uint64_t{0},
                   .gas_limit = ~std::uint64_t{0},
                   .value = ~Amount{0}};
    tx = sign(tx, key_of(3), 4503599627370476);
    const auto opened = open_transaction(encode(tx), 4503599627370476);
    ASSERT_TRUE(opened) << opened.error().text();
    EXPECT_EQ((*opened)->tx, tx);
}

TEST(Transaction, what_is_not_offered_is_refused_with_geths_sentences) {
    const auto creation = decode_transaction(nine_items(3, "80"));
    EXPECT_EQ(creation.error().code, Errc::unsupported);
    EXPECT_EQ(creation.error().text(), "contract creation not supported");

    for (const char* v : {"1b", "1c", "80", "01"}) {
        const auto unprotected = decode_transaction(nine_items(6, v));
        EXPECT_EQ(unprotected.error().code, Errc::unsupported);
        EXPECT_EQ(unprotected.error().text(),
                  "only replay-protected (EIP-155) transactions allowed");
    }
    for (const char* typed : {"01c0", "02f8", "7f", "00"}) {
        const auto refused = decode_transaction(*from_hex(typed));
        EXPECT_EQ(refused.error().code, Errc::unsupported);
        EXPECT_EQ(refused.error().text(), "transaction type not valid: only legacy");
    }
    const auto odd_v = decode_transaction(nine_items(6, "22"));
    EXPECT_EQ(odd_v.error().code, Errc::invalid);
    EXPECT_EQ(odd_v.error().what, "invalid transaction v, r, s values");
}

TEST(Transaction, only_the_canonical_bytes_are_read) {
    EXPECT_EQ(decode_transaction({}).error().code, Errc::truncated);
    EXPECT_EQ(decode_transaction(*from_hex("80")).error().code, Errc::malformed);
    EXPECT_EQ(decode_transaction(nine_items(0, "00")).error().code, Errc::malformed);
    EXPECT_EQ(decode_transaction(nine_items(0, "8101")).error().code, Errc::malformed);
    EXPECT_EQ(decode_transaction(nine_items(0, "89010000000000000000")).error().code,
              Errc::oversized);
    EXPECT_EQ(decode_transaction(nine_items(1, "89010000000000000000")).error().code,
              Errc::oversized);
    EXPECT_EQ(decode_transaction(nine_items(2, "89010000000000000000")).error().code,
              Errc::oversized);
    EXPECT_EQ(decode_transaction(nine_items(3, "83aabbcc")).error().code, Errc::malformed);
    EXPECT_EQ(decode_transaction(nine_items(4, "9101" + std::string(32, '0'))).error().code,
              Errc::oversized);
    EXPECT_EQ(decode_transaction(nine_items(5, "c0")).error().code, Errc::malformed);
    EXPECT_EQ(decode_transaction(nine_items(7, "820001")).error().code, Errc::malformed);
    EXPECT_EQ(decode_transaction(nine_items(8, "a101" + std::string(64, '0'))).error().code,
              Errc::oversized);

    Bytes trailing = nine_items(9, "");
    ASSERT_TRUE(decode_transaction(trailing));
    trailing.push_back(0);
    EXPECT_EQ(decode_transaction(trailing).error().code, Errc::trailing);

    // Ten items, and eight.
    EXPECT_EQ(decode_transaction(nine_items(8, "0102")).error().code, Errc::trailing);
    EXPECT_EQ(decode_transaction(nine_items(8, "")).error().code, Errc::truncated);
}

TEST(Transaction, every_cut_is_an_error) {
    const Bytes bytes = nine_items(9, "");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_transaction(BytesView{bytes}.first(size)).error().code, Errc::truncated)
            << size;
    }
}

TEST(Transaction, short_numbers_in_the_signature_have_no_leading_zeros) {
    Transaction tx = sign(transfer(), key_of(1));
    tx.r = Word{};
    tx.r.bytes[31] = 5;
    tx.s = Word{};
    const auto decoded = decode_transaction(encode(tx));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, tx);
    EXPECT_EQ(to_hex(encode(tx)).substr(2 * encode(tx).size() - 4), "0580");
    EXPECT_EQ(recover_sender(tx).error().code, Errc::invalid);
}

TEST(Transaction, another_chains_is_refused_with_both_ids) {
    const auto refused = open_transaction(encode(sign(transfer(), key_of(1), 1)), kChainId);
    EXPECT_EQ(refused.error().code, Errc::mismatch);
    EXPECT_EQ(refused.error().text(), "invalid chain id for signer: have 1 want 8899");
}

TEST(Transaction, the_twin_with_a_high_s_is_refused) {
    Transaction tx = sign(transfer(), key_of(1));
    const Bytes order =
        *from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        const int digit = order[i] - tx.s.bytes[i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        tx.s.bytes[i] = static_cast<std::uint8_t>(digit + 256 * borrow);
    }
    tx.v = 35 + 2 * kChainId + (1u - tx.recovery_id());
    ASSERT_EQ(*recover_sender(tx), key_of(1).address());  // a signature, and yet not the one
    const auto refused = open_transaction(encode(tx), kChainId);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().what, "invalid transaction v, r, s values");
}

TEST(Transaction, a_signature_out_of_range_is_invalid) {
    Transaction tx = sign(transfer(), key_of(1));
    tx.r.bytes.fill(0xff);
    const auto refused = open_transaction(encode(tx), kChainId);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().what, "invalid transaction v, r, s values");
    tx.v = 0;
    EXPECT_EQ(recover_sender(tx).error().code, Errc::invalid);
}

TEST(Transaction, the_last_nonce_is_refused) {
    EXPECT_TRUE(
        open_transaction(encode(sign(transfer(~std::uint64_t{0} - 1), key_of(1))), kChainId));
    const auto refused =
        open_transaction(encode(sign(transfer(~std::uint64_t{0}), key_of(1))), kChainId);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_EQ(refused.error().what, "nonce has max value");
}

TEST(Transaction, may_be_128_kib_and_not_a_byte_more) {
    Transaction tx = transfer();
    tx = sign(tx, key_of(1));
    EXPECT_TRUE(check_form(tx, kTransactionSizeMax, kChainId));
    const auto refused = check_form(tx, kTransactionSizeMax + 1, kChainId);
    EXPECT_EQ(refused.error().code, Errc::oversized);
    EXPECT_EQ(refused.error().text(), "oversized data: transaction size 131073, limit 131072");
}

TEST(Transaction, intrinsic_gas_counts_zeros_apart) {
    EXPECT_EQ(intrinsic_gas({}), 21000u);
    EXPECT_EQ(intrinsic_gas(Bytes{0, 1, 0, 255}), 21000u + 2 * 4 + 2 * 16);
}

TEST(Transaction, a_stored_one_keeps_the_sender_that_it_is_given) {
    const Bytes bytes = nine_items(9, "");
    const Address sender = Address::from(Bytes(20, 9));
    const auto opened = open_stored_transaction(bytes, sender);
    ASSERT_TRUE(opened);
    EXPECT_EQ((*opened)->sender, sender);
    EXPECT_EQ((*opened)->id, transaction_id(bytes));
}

json::array luxtensor_vectors(const char* file, const char* member) {
    std::ifstream in{std::string{SENNIT_VECTORS} + "/luxtensor/" + file, std::ios::binary};
    return json::parse(std::string{std::istreambuf_iterator<char>{in}, {}}).at(member).as_array();
}

std::uint64_t number(const json::value& value) {
    return value.is_string()
               ? static_cast<std::uint64_t>(*from_decimal(std::string_view{value.as_string()}))
               : value.to_number<std::uint64_t>();
}

void expect_luxtensor_bytes(const json::object& fields, const json::value& sender,
                            const json::value& expected) {
    const auto text = [&](const char* name) {
        return std::string_view{fields.at(name).as_string()};
    };
    SignedTransaction signed_tx;
    signed_tx.sender = *hash_from_hex<Address>(sender.as_string());
    Transaction& tx = signed_tx.tx;
    tx.nonce = number(fields.at("nonce"));
    tx.gas_price = number(fields.at("gas_price"));
    tx.gas_limit = number(fields.at("gas_limit"));
    tx.to = *hash_from_hex<Address>(text("to"));
    tx.value = *from_decimal(text("value"));
    tx.data = *from_hex(text("data"));
    tx.v = 35 + 2 * number(fields.at("chain_id")) + number(fields.at("v"));
    tx.r = *hash_from_hex<Word>(text("r"));
    tx.s = *hash_from_hex<Word>(text("s"));
    Writer out;
    encode_luxtensor(signed_tx, out);
    EXPECT_EQ(to_hex(out.bytes()), std::string_view{expected.as_string()});
    EXPECT_EQ(luxtensor_size(tx), out.size());
}

TEST(LuxTensorTransaction, has_the_bytes_of_the_original) {
    int seen = 0;
    for (const auto& vector : luxtensor_vectors("messages_swarm.json", "vectors")) {
        const std::string_view name = vector.at("name").as_string();
        if (!name.starts_with("tx_") || vector.at("value").at("to").is_null()) continue;
        SCOPED_TRACE(name);
        const auto& fields = vector.at("value").as_object();
        expect_luxtensor_bytes(fields, fields.at("from"), vector.at("bincode"));
        ++seen;
    }
    for (const auto& vector : luxtensor_vectors("signatures_swarm.json", "transactions")) {
        if (vector.at("to").is_null()) continue;
        SCOPED_TRACE(std::string_view{vector.at("name").as_string()});
        expect_luxtensor_bytes(vector.as_object(), vector.at("address"), vector.at("bincode"));
        ++seen;
    }
    EXPECT_EQ(seen, 4);
}

}  // namespace
}  // namespace sennit
