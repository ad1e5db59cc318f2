// SPDX-License-Identifier: MIT
/// The first byte picks a decoder; what it accepts must encode to the very bytes or the very text
/// that it read, or one peer could have two names. Text with several spellings must at least be
/// read, written and read again as the same.
#include <algorithm>

#include "base/bytes.hpp"
#include "libp2p/envelope.hpp"
#include "libp2p/multibase.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;

void must_equal(BytesView read, BytesView written) {
    SENNIT_ASSERT(std::ranges::equal(read, written));
}

void check_peer_id(const PeerId& id) {
    for (const auto& text : {id.text(), id.cid_base32(), id.cid_base36()})
        SENNIT_ASSERT(*PeerId::parse(text) == id);
    SENNIT_ASSERT(*PeerId::from_bytes(id.view()) == id);
    if (!id.inlined_key()) return;
    const auto key = PublicKey::decode(*id.inlined_key());
    SENNIT_ASSERT(key && key->peer_id() == id);
}

void check_peer_id_bytes(BytesView bytes) {
    const auto id = PeerId::from_bytes(bytes);
    if (!id) return;
    must_equal(bytes, id->view());
    check_peer_id(*id);
}

void check_peer_id_text(std::string_view text) {
    const auto id = PeerId::parse(text);
    if (!id) return;
    check_peer_id(*id);
    if (text.front() == '1' || text.front() == 'Q') SENNIT_ASSERT(id->text() == text);
}

/// A size, a public key of that size, and a signature of what is left over the key.
void check_public_key(BytesView bytes) {
    Reader in{bytes};
    const auto size = in.be<std::uint16_t>();
    if (!size) return;
    const auto raw = *in.take(std::min<std::size_t>(*size, in.remaining()));
    const auto key = PublicKey::decode(raw);
    if (!key) return;
    must_equal(raw, key->encode());
    check_peer_id(key->peer_id());
    key->verify(raw, in.rest());
}

void check_private_key(BytesView bytes) {
    const auto key = PrivateKey::decode(bytes);
    if (!key) return;
    const auto written = key->encode();
    must_equal(written, PrivateKey::decode(written)->encode());
    SENNIT_ASSERT(key->public_key().verify(bytes, key->sign(bytes)));
}

void check_address(const Multiaddr& address) {
    const auto text = address.text();
    SENNIT_ASSERT(*Multiaddr::parse(text) == address);
    SENNIT_ASSERT(*Multiaddr::from_bytes(address.view()) == address);
    std::size_t count = 0;
    for (const auto& component : address) {
        SENNIT_ASSERT(address.find(component.code).has_value());
        if (const auto rest = address.decapsulate(component.code)) {
            SENNIT_ASSERT(rest->view().size() < address.view().size());
            SENNIT_ASSERT(*Multiaddr::from_bytes(rest->view()) == *rest);
        }
        ++count;
    }
    SENNIT_ASSERT(count > 0 && count <= Multiaddr::kComponentsMax);
    if (const auto id = address.peer_id()) {
        const auto rest = address.decapsulate(Multiaddr::Code::p2p);
        if (rest) SENNIT_ASSERT(*rest->encapsulate(Multiaddr::of_peer(*id)) == address);
    }
}

void check_address_bytes(BytesView bytes) {
    const auto address = Multiaddr::from_bytes(bytes);
    if (!address) return;
    must_equal(bytes, address->view());
    check_address(*address);
}

void check_record(BytesView bytes) {
    const auto record = PeerRecord::decode(bytes);
    if (record) SENNIT_ASSERT(*PeerRecord::decode(record->encode()) == *record);
}

void check_envelope(BytesView bytes) {
    const auto record = open_peer_record(bytes);
    if (record) SENNIT_ASSERT(record->addresses.size() <= PeerRecord::kAddressesMax);
}

void check_multibase(std::string_view text) {
    const auto bytes = decode_multibase(text);
    if (bytes && bytes->size() <= 160)
        SENNIT_ASSERT(encode_multibase(static_cast<Base>(text.front()), *bytes) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView bytes{data + 1, size - 1};
    switch (data[0] % 9) {
        case 0: check_peer_id_bytes(bytes); break;
        case 1: check_peer_id_text(as_text(bytes)); break;
        case 2: check_public_key(bytes); break;
        case 3: check_private_key(bytes); break;
        case 4: check_address_bytes(bytes); break;
        case 5:
            if (const auto address = Multiaddr::parse(as_text(bytes))) check_address(*address);
            break;
        case 6: check_record(bytes); break;
        case 7: check_envelope(bytes); break;
        default: check_multibase(as_text(bytes));
    }
    return 0;
}
