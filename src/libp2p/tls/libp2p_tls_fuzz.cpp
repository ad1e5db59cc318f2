// SPDX-License-Identifier: MIT
/// The first byte says what the rest is: a certificate; what a client or a server hears; or what
/// happens to the bytes between two honest sides: cuts, and from a point on changes. A stranger
/// gets no handshake done; honest sides do as long as nothing is changed.
#include "libp2p/tls/der.hpp"
#include "libp2p/tls/testing.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;
using tls::testing::Side;

void certificate(BytesView in) {
    (void)tls::verify_certificate(in, tls::testing::kNow.wall);
}

/// One of ours with some bytes changed: only the unchanged one is taken.
void changed_certificate(BytesView in) {
    static tls::Credentials credentials{tls::testing::identity(1)};
    auto bytes = credentials.certificate();
    for (std::size_t i = 0; i + 3 <= in.size(); i += 3)
        bytes[(std::size_t{in[i]} << 8 | in[i + 1]) % bytes.size()] ^= in[i + 2];
    const auto key = tls::verify_certificate(bytes, tls::testing::kNow.wall);
    SENNIT_ASSERT(bool{key} == (bytes == credentials.certificate()));
}

/// Credentials that all share, or each input would cost a key.
Side side(tls::Role role) {
    static const auto client = std::make_shared<tls::Credentials>(tls::testing::identity(1));
    static const auto server = std::make_shared<tls::Credentials>(tls::testing::identity(2));
    return Side{role, role == tls::Role::client ? client : server};
}

void hostile(tls::Role role, BytesView in, std::size_t step) {
    auto one = side(role);
    one.hear(in, step);
    SENNIT_ASSERT(!one.secured);
}

/// Our own bytes, so that the hostile ones come in the middle of things.
void disturbed(BytesView in) {
    auto client = side(tls::Role::client);
    auto server = side(tls::Role::server);
    bool changed = false;
    for (int turn = 0; turn < 6; ++turn) {
        auto& from = turn % 2 == 0 ? client : server;
        auto& to = turn % 2 == 0 ? server : client;
        auto bytes = std::exchange(from.out, {});
        if (from.secured) (void)from.secured->channel.seal(Bytes(100, 7), bytes);
        std::size_t step = 1 << 20;
        if (in.size() >= 4) {
            step = 1 + in[0];
            if (!bytes.empty() && in[3] != 0) {
                bytes[(std::size_t{in[1]} << 8 | in[2]) % bytes.size()] ^= in[3];
                changed = true;
            }
            in = in.subspan(4);
        }
        to.hear(bytes, step);
    }
    // A change that leaves the handshake as it is does not exist: it is all signed.
    SENNIT_ASSERT(changed ||
                  (client.secured && server.secured && !client.failed && !server.failed));
    SENNIT_ASSERT(changed || (client.text.size() >= 100 && server.text.size() >= 100));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const BytesView in{data + 2, size - 2};
    switch (data[0] % 5) {
        case 0: certificate(in); break;
        case 1: changed_certificate(in); break;
        case 2: hostile(tls::Role::server, in, 1 + data[1]); break;
        case 3: hostile(tls::Role::client, in, 1 + data[1]); break;
        default: disturbed(in);
    }
    return 0;
}
