// SPDX-License-Identifier: MIT
/// The first byte decides whether the rest is a saved book, or three bytes each of what happens to
/// one: who comes, leaves, is judged, is heard of. What it saves must always read back.
#include "base/bytes.hpp"
#include "peers/peers.hpp"

namespace {

using namespace sennit;
using namespace sennit::peers;

constexpr std::size_t kEventsMax = 500;
constexpr InstanceId kInstance{1};

Now start() {
    return {Instant{std::chrono::seconds{1000}}, UnixTime{std::chrono::seconds{1'700'000'000}}};
}

Peers make_peers() {
    Peers::Limits limits;
    limits.connected_max = 6;
    limits.outbound_wanted = 2;
    limits.inbound_max = 4;
    limits.addresses_max = 10;
    return {limits, Rng{std::uint64_t{1}}};
}

/// Few, of every kind, some of one network; some that no honest peer would name.
NetAddress address(std::uint8_t n) {
    static const std::array<std::string, 16> kHosts{
        "8.8.8.8",     "8.8.8.9",  "8.8.4.4", "8.9.1.1",     "9.9.9.9",
        "127.0.0.1",   "10.0.0.1", "::1",     "2001:db8::1", "2001:db8:0:1::2",
        "example.org", "0.0.0.0",  "[a",      "a:b]c",       "",
        "fd00::1"};
    return {"tcp", kHosts[n % 16], static_cast<std::uint16_t>(n / 16)};
}

class World {
  public:
    void happen(std::uint8_t what, std::uint8_t who, std::uint8_t detail) {
        const PeerRef ref{kInstance, PeerId{who % 12u}};
        switch (what % 10) {
            case 0: come(ref, who, detail); break;
            case 1: peers.on_down(ref, "gone", now); break;
            case 2: peers.on_deed(ref, static_cast<Deed>(detail % 11), "", now); break;
            case 3: peers.on_found(kInstance, address(detail), ref, now); break;
            case 4: prove(ref, detail); break;
            case 5: pass(std::chrono::seconds{detail}); break;
            case 6: peers.on_dial_failed(kInstance, address(detail), now); break;
            case 7: peers.add_bootstrap(kInstance, address(detail % 12 + 16)); break;
            case 8:
                peers.on_status(ref, detail);
                peers.on_latency(ref, std::chrono::milliseconds{detail});
                break;
            default: choose(address(detail));
        }
        peers.check_invariants();
    }
    void check_saved() {
        const auto saved = peers.save(now);
        auto next = make_peers();
        SENNIT_ASSERT(next.restore(saved, now));
        next.check_invariants();
        SENNIT_ASSERT(next.bans(now).size() == peers.bans(now).size());
    }

  private:
    void come(PeerRef ref, std::uint8_t who, std::uint8_t detail) {
        if (peers.find(ref) != nullptr) return;
        Peers::Connected peer;
        peer.ref = ref;
        peer.address = address(detail);
        peer.identity.address = peer.address;
        peer.listens = peer.address;
        peer.inbound = who >= 128;
        if (!peers.on_up(peer, now)) SENNIT_ASSERT(peers.find(ref) == nullptr);
    }
    void prove(PeerRef ref, std::uint8_t detail) {
        NodeId id;
        id.bytes[0] = detail % 4;
        (void)peers.on_proven(ref, id, now);
    }
    void pass(Duration time) {
        now.at += time;
        now.wall += std::chrono::duration_cast<UnixTime::duration>(time);
        const auto todo = peers.on_time(now);
        for (const auto& [ref, why] : todo.disconnect) peers.on_down(ref, why, now);
        for (const auto& [instance, where] : todo.connect) SENNIT_ASSERT(where.port != 0);
    }
    void choose(const NetAddress& asker) {
        const auto all = peers.connected();
        if (const auto chosen = peers.choose(all)) SENNIT_ASSERT(peers.find(*chosen) != nullptr);
        SENNIT_ASSERT(peers.best().has_value() == !all.empty());
        SENNIT_ASSERT(peers.random().has_value() == !all.empty());
        SENNIT_ASSERT(peers.share(kInstance, asker, 5).size() <= 5);
    }

    Peers peers = make_peers();
    Now now = start();
};

void check_restore(BytesView bytes) {
    auto peers = make_peers();
    (void)peers.restore(bytes, start());
    peers.check_invariants();
    (void)peers.on_time(start());
    (void)peers.save(start());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    if (data[0] % 4 == 0) {
        check_restore({data + 1, size - 1});
        return 0;
    }
    World world;
    for (std::size_t i = 1; i + 3 <= std::min(size, 3 * kEventsMax); i += 3)
        world.happen(data[i], data[i + 1], data[i + 2]);
    world.check_saved();
    return 0;
}
