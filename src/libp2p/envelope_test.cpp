// SPDX-License-Identifier: MIT
#include "libp2p/envelope.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "libp2p/protobuf.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p {
namespace {

PrivateKey key_of(std::uint8_t seed) {
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed({seed}));
}

/// The record that js-libp2p made.
class Golden {
  public:
    Golden() : file_{vectors::load("identify")}, golden_{**file_.get("signed_peer_record")} {}

    Bytes bytes(std::string_view name) const { return vectors::hex(golden_, name); }
    std::uint64_t seq() const {
        return static_cast<std::uint64_t>(*from_decimal(*golden_.get_text("seq")));
    }
    std::vector<Multiaddr> addresses() const {
        std::vector<Multiaddr> out;
        for (const auto& text : *golden_.get_array("addresses"))
            out.push_back(*Multiaddr::parse(*text.as_text()));
        return out;
    }
    PrivateKey key() const {
        crypto::Ed25519Key::Seed seed;
        std::ranges::copy(bytes("identity_seed"), seed.begin());
        return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
    }

  private:
    json::Value file_;
    const json::Value& golden_;
};

const EnvelopeKind kKind{"a domain", as_bytes("type")};

TEST(Envelope, opens_and_seals_the_golden_record) {
    const Golden golden;
    const auto record = open_peer_record(golden.bytes("envelope"));
    ASSERT_TRUE(record) << record.error().text();
    EXPECT_EQ(*record, (PeerRecord{golden.key().peer_id(), golden.seq(), golden.addresses()}));
    EXPECT_EQ(record->encode(), golden.bytes("record"));
    EXPECT_EQ(seal_peer_record(golden.key(), golden.seq(), golden.addresses()),
              golden.bytes("envelope"));
}

TEST(Envelope, does_not_open_once_any_bit_of_it_is_another) {
    const Golden golden;
    const auto envelope = golden.bytes("envelope");
    for (std::size_t i = 0; i < envelope.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto other = envelope;
            other[i] ^= static_cast<std::uint8_t>(1u << bit);
            EXPECT_FALSE(open_peer_record(other)) << i << "." << bit;
        }
    }
}

TEST(Envelope, is_sealed_and_opened_by_every_kind_of_key_that_signs) {
    for (const auto& key : {key_of(1), *PrivateKey::from_secp256k1(Bytes(32, 1))}) {
        const auto opened = open_envelope(seal_envelope(key, kKind, Bytes{1, 2}), kKind);
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->signer, key.public_key());
        EXPECT_EQ(opened->payload, (Bytes{1, 2}));
        EXPECT_TRUE(open_envelope(seal_envelope(key, kKind, {}), kKind)->payload.empty());
    }
}

TEST(Envelope, opens_under_its_own_domain_and_type_only) {
    const auto sealed = seal_envelope(key_of(1), kKind, Bytes{1});
    EXPECT_EQ(open_envelope(sealed, {"another", kKind.payload_type}).error().code, Errc::invalid);
    const auto other = open_envelope(sealed, {kKind.domain, as_bytes("typf")});
    EXPECT_EQ(other.error().code, Errc::mismatch);
    EXPECT_EQ(other.error().at, 40u);  // behind the key, 2 + 36 bytes, and tag and length
}

TEST(Envelope, has_to_be_whole) {
    const auto sealed = seal_envelope(key_of(1), kKind, Bytes{1});
    for (const std::uint32_t left_out : {1u, 2u, 3u, 5u}) {
        protobuf::FieldReader in{sealed};
        protobuf::MessageWriter out;
        while (!in.done()) {
            const auto field = *in.next();
            if (field.number != left_out) out.bytes(field.number, *field.bytes());
        }
        const auto opened = open_envelope(out.view(), kKind);
        ASSERT_FALSE(opened) << left_out;
        EXPECT_EQ(opened.error().code, Errc::malformed) << left_out;
        EXPECT_EQ(opened.error().at, out.view().size()) << left_out;
    }
}

TEST(Envelope, says_where_its_key_is_wrong) {
    protobuf::MessageWriter out;
    out.bytes(2, kKind.payload_type).bytes(1, *from_hex("0809")).bytes(3, {}).bytes(5, {});
    const auto opened = open_envelope(out.view(), kKind);
    EXPECT_EQ(opened.error().code, Errc::unknown_type);
    EXPECT_EQ(opened.error().at, 6u + 2u + 1u);
}

TEST(Envelope, is_refused_over_16_kib_before_it_is_read) {
    const auto largest = seal_envelope(key_of(1), kKind, Bytes(kEnvelopeSizeMax - 113, 1));
    ASSERT_EQ(largest.size(), kEnvelopeSizeMax);
    EXPECT_TRUE(open_envelope(largest, kKind));
    EXPECT_EQ(open_envelope(Bytes(kEnvelopeSizeMax + 1), kKind).error().code, Errc::oversized);
}

TEST(PeerRecord, of_one_peer_is_not_believed_from_another) {
    const PeerRecord record{key_of(2).peer_id(), 7, {}};
    const auto forged = seal_envelope(key_of(1), peer_record_kind(), record.encode());
    EXPECT_EQ(open_peer_record(forged).error().code, Errc::mismatch);
    EXPECT_TRUE(open_peer_record(seal_envelope(key_of(2), peer_record_kind(), record.encode())));
}

Bytes record_of(std::span<const Bytes> addresses) {
    protobuf::MessageWriter out;
    out.bytes(1, key_of(1).peer_id().view()).u64(2, 7);
    for (const auto& address : addresses) {
        protobuf::MessageWriter info;
        info.bytes(1, address);
        out.message(3, info);
    }
    return std::move(out).take();
}

TEST(PeerRecord, leaves_out_addresses_of_transports_that_are_not_known) {
    const auto known = *Multiaddr::parse("/ip4/1.2.3.4/tcp/1");
    const std::vector<Bytes> addresses{*from_hex("ff01"), to_bytes(known.view()), {}};
    const auto record = PeerRecord::decode(record_of(addresses));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->addresses, std::vector{known});
    EXPECT_EQ(record->seq, 7u);
}

TEST(PeerRecord, has_at_most_100_addresses_known_or_not) {
    const std::vector<Bytes> hundred(100, *from_hex("ff01"));
    EXPECT_TRUE(PeerRecord::decode(record_of(hundred)));
    const std::vector<Bytes> more(101, *from_hex("ff01"));
    EXPECT_EQ(PeerRecord::decode(record_of(more)).error().code, Errc::oversized);
}

TEST(PeerRecord, needs_a_peer_id_that_is_one) {
    EXPECT_EQ(PeerRecord::decode({}).error().code, Errc::malformed);
    EXPECT_EQ(PeerRecord::decode(*from_hex("10070a021200")).error().code, Errc::malformed);
    EXPECT_EQ(PeerRecord::decode(*from_hex("10070a021300")).error().at, 4u);
    EXPECT_EQ(PeerRecord::decode(*from_hex("0807")).error().code, Errc::malformed);
}

TEST(PeerRecord, is_sealed_with_as_many_addresses_as_fit) {
    const std::vector<Multiaddr> many(150, *Multiaddr::parse("/ip4/1.2.3.4/tcp/1"));
    EXPECT_EQ(open_peer_record(seal_peer_record(key_of(1), 1, many))->addresses.size(), 100u);
    const std::vector<Multiaddr> large(90, *Multiaddr::parse("/unix/" + std::string(1000, 'a')));
    EXPECT_EQ(open_peer_record(seal_peer_record(key_of(1), 1, large))->addresses.size(), 15u);
}

}  // namespace
}  // namespace sennit::libp2p
