// SPDX-License-Identifier: MIT
#include "libp2p/peer_id.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "libp2p/multibase.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p {
namespace {

TEST(Libp2pPeerId, is_made_of_the_golden_keys_and_written_in_every_form) {
    const auto file = vectors::load("peer_ids");
    for (const auto& item : *file.get_array("vectors")) {
        const auto key = vectors::hex(item, "public_key_protobuf");
        const auto id = PeerId::of_key(key);
        EXPECT_EQ(to_bytes(id.view()), vectors::hex(item, "peer_id_bytes"));
        EXPECT_EQ(id.text(), *item.get_text("base58"));
        EXPECT_EQ(id.cid_base32(), *item.get_text("cid_base32"));
        EXPECT_EQ(id.cid_base36(), *item.get_text("cid_base36"));
        EXPECT_EQ(id.inlined_key().has_value(), key.size() <= 42);
        if (id.inlined_key()) {
            EXPECT_EQ(to_bytes(*id.inlined_key()), key);
        }
    }
}

TEST(Libp2pPeerId, is_read_from_every_form) {
    const auto file = vectors::load("peer_ids");
    for (const auto& item : *file.get_array("vectors")) {
        const auto id = PeerId::of_key(vectors::hex(item, "public_key_protobuf"));
        EXPECT_EQ(*PeerId::from_bytes(vectors::hex(item, "peer_id_bytes")), id);
        for (const auto* form : {"base58", "cid_base32", "cid_base36"})
            EXPECT_EQ(*PeerId::parse(*item.get_text(form)), id) << form;
        const auto cid = vectors::hex(item, "cid_bytes");
        EXPECT_EQ(*PeerId::parse(encode_multibase(Base::base58btc, cid)), id);
    }
}

TEST(Libp2pPeerId, takes_no_text_that_others_refuse) {
    const auto file = vectors::load("peer_ids");
    for (const auto& item : *file.get_array("parse")) {
        const auto text = *item.get_text("text");
        const auto id = PeerId::parse(text);
        EXPECT_EQ(id.has_value(), *item.get_bool("accept")) << text;
        ASSERT_FALSE(id);
        EXPECT_EQ(id.error().code, Errc::malformed) << text;
    }
}

TEST(Libp2pPeerId, takes_a_cid_of_no_other_version_codec_or_base) {
    const auto file = vectors::load("peer_ids");
    const auto cid = vectors::hex((*file.get_array("vectors"))[0], "cid_bytes");
    ASSERT_TRUE(PeerId::parse(encode_multibase(Base::base32, cid)));
    EXPECT_FALSE(PeerId::parse(encode_multibase(Base::base64url, cid)));
    for (const std::size_t at : {0u, 1u}) {
        auto other = cid;
        other[at] ^= 3;
        EXPECT_FALSE(PeerId::parse(encode_multibase(Base::base32, other))) << at;
    }
}

TEST(Libp2pPeerId, has_bytes_of_the_two_hashes_only) {
    const std::string hash(64, 'a');
    const std::string key =
        "0801122076a1592044a6e4f511265bca73a604d90b0529d1df602be30a19a9257660d1f5";
    EXPECT_TRUE(PeerId::from_bytes(*from_hex("1220" + hash)));
    EXPECT_TRUE(PeerId::from_bytes(*from_hex("0024" + key)));
    for (const auto& [hex, at] : {
             std::pair<std::string, std::uint64_t>{"", 0},
             {"00", 1},
             {"12", 1},
             {"1320" + hash, 0},                              // sha2-512
             {"1220" + hash + "aa", 2},                       // longer than it says
             {"121f" + hash.substr(2), 2},                    // a short hash
             {"922020" + hash, 0},                            // another code
             {"0000", 2},                                     // no key
             {"0024" + key.substr(2), 2},                     // shorter than it says
             {"00a400" + key, 1},                             // a length that is not minimal
             {"0026" + key + "1800", 2 + 36},                 // a field behind the key
             {"002b0801122700" + hash + hash.substr(52), 2},  // over 42 bytes
         }) {
        const auto id = PeerId::from_bytes(*from_hex(hex));
        ASSERT_FALSE(id) << hex;
        EXPECT_EQ(id.error().code, Errc::malformed) << hex;
        EXPECT_EQ(id.error().at, at) << hex;
    }
}

TEST(Libp2pPeerId, inlines_a_key_of_42_bytes_and_hashes_one_of_43) {
    EXPECT_TRUE(PeerId::of_key(Bytes(42, 1)).inlined_key());
    EXPECT_EQ(PeerId::of_key(Bytes(42, 1)).view().size(), PeerId::kSizeMax);
    EXPECT_FALSE(PeerId::of_key(Bytes(43, 1)).inlined_key());
}

}  // namespace
}  // namespace sennit::libp2p
