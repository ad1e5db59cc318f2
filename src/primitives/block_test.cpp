// SPDX-License-Identifier: MIT
#include "primitives/block.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"

namespace sennit {
namespace {

namespace json = boost::json;

json::array luxtensor_vectors(const char* file, const char* member) {
    std::ifstream in{std::string{SENNIT_VECTORS} + "/luxtensor/" + file, std::ios::binary};
    return json::parse(std::string{std::istreambuf_iterator<char>{in}, {}}).at(member).as_array();
}

json::object luxtensor_vector(std::string_view name) {
    for (const auto& vector : luxtensor_vectors("messages_swarm.json", "vectors")) {
        if (vector.at("name").as_string() == name) return vector.as_object();
    }
    ADD_FAILURE() << "no vector " << name;
    return {};
}

Header header_from(const json::value& fields) {
    const auto text = [&](const char* name) {
        return std::string_view{fields.at(name).as_string()};
    };
    const auto number = [&](const char* name) {
        return fields.at(name).to_number<std::uint64_t>();
    };
    Header header;
    header.version = static_cast<std::uint32_t>(number("version"));
    header.height = Height{number("height")};
    header.timestamp = number("timestamp");
    header.previous_hash = *hash_from_hex<BlockId>(text("previous_hash"));
    header.state_root = *hash_from_hex<Digest>(text("state_root"));
    header.txs_root = *hash_from_hex<Digest>(text("txs_root"));
    header.receipts_root = *hash_from_hex<Digest>(text("receipts_root"));
    header.validator = *hash_from_hex<ValidatorKey>(text("validator"));
    header.signature = *hash_from_hex<Signature>(text("signature"));
    header.gas_used = number("gas_used");
    header.gas_limit = number("gas_limit");
    header.extra_data = *from_hex(text("extra_data"));
    return header;
}

Bytes vector_bytes(const json::value& vector) {
    return *from_hex(std::string_view{vector.at("bincode").as_string()});
}

TransactionPtr transaction(std::uint64_t nonce) {
    const auto key = *crypto::Secp256k1Key::from_bytes(Bytes(32, 5));
    Transaction tx{.nonce = nonce,
                   .gas_price = 50,
                   .gas_limit = 21000,
                   .value = 7,
                   .data = Bytes(nonce % 5, 1)};
    const auto signature = key.sign(signing_digest(tx, 8899));
    tx.v = 35 + 2 * 8899 + signature.recovery;
    tx.r = signature.r;
    tx.s = signature.s;
    return *open_transaction(encode(tx), 8899);
}

std::vector<TransactionPtr> transactions(std::size_t count) {
    std::vector<TransactionPtr> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(transaction(i));
    return out;
}

TEST(Header, has_luxtensors_bytes_and_ids) {
    for (const char* name : {"header_genesis", "header_1", "header_2"}) {
        SCOPED_TRACE(name);
        const auto vector = luxtensor_vector(name);
        const Header header = header_from(vector.at("value"));
        EXPECT_EQ(to_hex(encode(header)), std::string_view{vector.at("bincode").as_string()});
        EXPECT_EQ(to_hex(header_id(header)), std::string_view{vector.at("keccak256").as_string()});
        const auto decoded = decode_header(vector_bytes(vector));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(*decoded, header);
    }
}

TEST(Header, signed_headers_of_luxtensor_come_back_with_their_ids) {
    const auto vectors = luxtensor_vectors("signatures_swarm.json", "headers");
    EXPECT_EQ(vectors.size(), 2u);
    for (const auto& vector : vectors) {
        const Bytes bytes = *from_hex(std::string_view{vector.at("header").as_string()});
        const auto header = decode_header(bytes);
        ASSERT_TRUE(header);
        EXPECT_EQ(encode(*header), bytes);
        EXPECT_EQ(to_hex(header_id(bytes)), std::string_view{vector.at("block_hash").as_string()});
        EXPECT_EQ(to_hex(header->signature), std::string_view{vector.at("signature").as_string()});
    }
}

// LuxTensor's producers sign a header with an empty signature and no validator; with the validator
// taken out, what we sign is the hash that they sign.
TEST(Header, what_is_signed_is_the_hash_of_the_header_with_an_empty_signature) {
    const auto vectors = luxtensor_vectors("signatures_swarm.json", "headers");
    Header header =
        *decode_header(*from_hex(std::string_view{vectors[0].at("header").as_string()}));
    header.validator = {};
    const BlockId genesis = BlockId::from(Bytes(32, 0xab));
    EXPECT_EQ(to_hex(header_signing_bytes(header, genesis)),
              to_hex(as_bytes("sennit/header/1")) + to_hex(genesis) +
                  std::string{std::string_view{vectors[0].at("signing_hash").as_string()}});
    header.signature.bytes[0] ^= 1;
    const Bytes before = header_signing_bytes(header, genesis);
    header.signature = {};
    EXPECT_EQ(header_signing_bytes(header, genesis), before);
    header.gas_used ^= 1;
    EXPECT_NE(header_signing_bytes(header, genesis), before);
}

TEST(Header, several_are_read_one_after_another) {
    const auto vector = luxtensor_vector("msg_BlockHeaders");
    const Bytes bytes = vector_bytes(vector);
    Reader in{BytesView{bytes}.subspan(12)};  // the message's index and the count
    const auto first = decode_header(in);
    const auto second = decode_header(in);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(in.finish());
    EXPECT_EQ(second->previous_hash, header_id(*first));
}

TEST(Header, every_cut_and_every_added_byte_is_an_error) {
    Bytes bytes = vector_bytes(luxtensor_vector("header_2"));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_header(BytesView{bytes}.first(size)).error().code, Errc::truncated)
            << size;
    }
    bytes.push_back(0);
    EXPECT_EQ(decode_header(bytes).error().code, Errc::trailing);
}

TEST(Header, the_signature_must_be_64_bytes) {
    for (const unsigned size : {0u, 63u, 65u}) {
        Bytes bytes = encode(Header{});
        bytes[180] = static_cast<std::uint8_t>(size);
        EXPECT_EQ(decode_header(bytes).error().code, Errc::malformed);
    }
    Bytes bytes = encode(Header{});
    bytes[187] = 1;
    EXPECT_EQ(decode_header(bytes).error().code, Errc::malformed);
}

TEST(Header, extra_data_may_be_1_kib_and_not_a_byte_more) {
    Header header{.extra_data = Bytes(kExtraDataSizeMax, 3)};
    EXPECT_EQ(encode(header).size(), kHeaderSizeMin + kExtraDataSizeMax);
    EXPECT_EQ(*decode_header(encode(header)), header);
    header.extra_data.push_back(3);
    EXPECT_EQ(decode_header(encode(header)).error().code, Errc::oversized);

    Bytes huge = encode(Header{});
    std::fill(huge.end() - 8, huge.end(), std::uint8_t{0xff});
    EXPECT_EQ(decode_header(huge).error().code, Errc::oversized);
}

TEST(StakeExtra, has_the_bytes_of_rule_5) {
    EXPECT_EQ(to_hex(encode(StakeExtra{1, {}})), "0101");
    EXPECT_EQ(to_hex(encode(StakeExtra{300, {0x0f, 0x80}})), "01ac020f80");
    for (const StakeExtra& extra :
         {StakeExtra{}, StakeExtra{~std::uint64_t{0}, Bytes(kBitmapSizeMax, 0xff)}}) {
        const auto decoded = decode_stake_extra(encode(extra));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->distance, extra.distance);
        EXPECT_EQ(decoded->bitmap, extra.bitmap);
    }
}

TEST(StakeExtra, refuses_other_versions_padded_numbers_and_long_bitmaps) {
    EXPECT_EQ(decode_stake_extra({}).error().code, Errc::truncated);
    EXPECT_EQ(decode_stake_extra(Bytes{1}).error().code, Errc::truncated);
    EXPECT_EQ(decode_stake_extra(Bytes{1, 0x80}).error().code, Errc::truncated);
    EXPECT_EQ(decode_stake_extra(Bytes{0, 1}).error().code, Errc::unknown_type);
    EXPECT_EQ(decode_stake_extra(Bytes{2, 1}).error().code, Errc::unknown_type);
    EXPECT_EQ(decode_stake_extra(Bytes{1, 0x81, 0x00}).error().code, Errc::malformed);
    Bytes long_bitmap(2 + kBitmapSizeMax + 1, 1);
    EXPECT_EQ(decode_stake_extra(long_bitmap).error().code, Errc::oversized);
    long_bitmap.pop_back();
    EXPECT_TRUE(decode_stake_extra(long_bitmap));
}

TEST(Block, keeps_bytes_and_id_of_its_header) {
    const auto vector = luxtensor_vector("header_1");
    const auto block = make_block(header_from(vector.at("value")), {});
    EXPECT_EQ(block->header_bytes, vector_bytes(vector));
    EXPECT_EQ(to_hex(block->id), std::string_view{vector.at("keccak256").as_string()});
    EXPECT_EQ(block->height(), Height{1});
}

TEST(Block, is_counted_in_luxtensors_bytes) {
    const auto genesis = luxtensor_vector("block_genesis");
    const auto header = header_from(luxtensor_vector("header_genesis").at("value"));
    EXPECT_EQ(luxtensor_size(*make_block(header, {})), genesis.at("len").to_number<std::size_t>());

    // block_1 holds a transfer and a creation; without the creation it is shorter by its length.
    const auto block = luxtensor_vector("block_1").at("len").to_number<std::size_t>();
    const auto creation = luxtensor_vector("tx_create").at("len").to_number<std::size_t>();
    const auto ours =
        make_block(header_from(luxtensor_vector("header_1").at("value")), {transaction(0)});
    EXPECT_EQ(luxtensor_size(*ours), block - creation);

    std::size_t sum = luxtensor_size(*make_block({}, {}));
    const auto list = transactions(4);
    for (const auto& tx : list) sum += luxtensor_size(tx->tx);
    EXPECT_EQ(luxtensor_size(*make_block({}, list)), sum);
}

/// RFC 6962, section 2.1, as it is written there: split at the largest power of two below n.
Digest by_definition(std::span<const Digest> leaves) {
    if (leaves.empty()) return crypto::keccak256({});
    if (leaves.size() == 1) return leaves[0];
    std::size_t k = 1;
    while (2 * k < leaves.size()) k *= 2;
    Bytes node{1};
    for (const Digest& half : {by_definition(leaves.first(k)), by_definition(leaves.subspan(k))}) {
        node.insert(node.end(), half.bytes.begin(), half.bytes.end());
    }
    return crypto::keccak256(node);
}

TEST(MerkleRoot, is_that_of_rfc_6962_for_every_number_of_leaves) {
    std::vector<Digest> leaves;
    EXPECT_EQ(to_hex(merkle_root(leaves)),
              "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    for (std::uint8_t n = 1; n <= 130; ++n) {
        leaves.push_back(crypto::keccak256(Bytes{n}));
        EXPECT_EQ(merkle_root(leaves), by_definition(leaves)) << int{n};
    }
}

TEST(TransactionsRoot, hashes_ids_as_leaves) {
    const auto list = transactions(5);
    std::vector<Digest> leaves;
    for (const auto& tx : list) {
        Bytes leaf{0};
        leaf.insert(leaf.end(), tx->id.bytes.begin(), tx->id.bytes.end());
        leaves.push_back(crypto::keccak256(leaf));
    }
    EXPECT_EQ(transactions_root(list), by_definition(leaves));
    EXPECT_EQ(transactions_root({}), crypto::keccak256({}));
}

TEST(ReceiptsRoot, hashes_what_happened_to_each_transaction) {
    SignedTransaction tx;
    tx.sender = Address::from(Bytes(20, 0x11));
    tx.tx.to = Address::from(Bytes(20, 0x22));
    tx.tx.nonce = 0x0102;
    tx.tx.value = Amount{0xff} << 120 | 1;
    tx.tx.data = Bytes{0xfe};
    const Receipt receipt{.status = 1, .gas_used = 21016};
    const Bytes expected =
        *from_hex("00" + std::string(40, '1') + std::string(40, '2') + "0201000000000000" +
                  "010000000000000000000000000000ff" + "01" + "1852000000000000" +
                  "bcc90f2d6dada5b18e155c17a1c0a55920aae94f39857d39d0d8ed07ae8f228b");
    EXPECT_EQ(receipt_leaf(tx, receipt), crypto::keccak256(expected));

    const auto list = transactions(3);
    const std::vector<Receipt> receipts{{1, 21000}, {0, 30000}, {1, 21016}};
    std::vector<Digest> leaves;
    for (std::size_t i = 0; i < 3; ++i) leaves.push_back(receipt_leaf(*list[i], receipts[i]));
    EXPECT_EQ(receipts_root(list, receipts), by_definition(leaves));
    EXPECT_EQ(receipts_root({}, {}), crypto::keccak256({}));
}

TEST(RecordDigest, passes_over_empty_blocks) {
    const Digest parent = crypto::keccak256(Bytes{1});
    const Header header{.receipts_root = crypto::keccak256(Bytes{2})};
    EXPECT_EQ(record_digest(parent, Slot{258}, header, /*empty=*/true), parent);
    const Bytes expected =
        *from_hex(to_hex(parent) + "0201000000000000" + to_hex(header.receipts_root));
    EXPECT_EQ(record_digest(parent, Slot{258}, header, /*empty=*/false),
              crypto::keccak256(expected));
}

TEST(Body, comes_back_with_its_senders) {
    for (const std::size_t count : {0u, 1u, 6u}) {
        const auto block = make_block({}, transactions(count));
        const Bytes bytes = encode_body(*block);
        const auto decoded = decode_stored_body(bytes);
        ASSERT_TRUE(decoded) << decoded.error().text();
        ASSERT_EQ(decoded->size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ((*decoded)[i]->tx, block->transactions[i]->tx);
            EXPECT_EQ((*decoded)[i]->id, block->transactions[i]->id);
            EXPECT_EQ((*decoded)[i]->sender, block->transactions[i]->sender);
            EXPECT_EQ((*decoded)[i]->rlp, block->transactions[i]->rlp);
        }
    }
}

TEST(Body, has_the_stored_layout) {
    const auto block = make_block({}, transactions(1));
    const SignedTransaction& tx = *block->transactions[0];
    Writer expected;
    expected.le(std::uint32_t{1})
        .hash(tx.sender)
        .le(static_cast<std::uint32_t>(tx.rlp.size()))
        .raw(tx.rlp);
    EXPECT_EQ(encode_body(*block), expected.bytes());
}

TEST(Body, a_broken_one_is_an_error_and_costs_no_memory) {
    Bytes bytes = encode_body(*make_block({}, transactions(2)));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_stored_body(BytesView{bytes}.first(size)).error().code, Errc::truncated)
            << size;
    }
    bytes.push_back(0);
    EXPECT_EQ(decode_stored_body(bytes).error().code, Errc::trailing);
    EXPECT_EQ(decode_stored_body(Bytes{0xff, 0xff, 0xff, 0xff}).error().code, Errc::truncated);
}

}  // namespace
}  // namespace sennit
