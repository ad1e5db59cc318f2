// SPDX-License-Identifier: MIT
#include "libp2p/mdns/mdns.hpp"

using namespace sennit;
using namespace sennit::libp2p;

namespace {

/// Two of them on one link, so that what one says is heard by the other.
class World {
  public:
    World() {
        for (std::size_t i = 0; i < both_.size(); ++i) {
            both_[i].set_addresses({*Multiaddr::parse("/ip4/127.0.0.1/tcp/" + std::to_string(i))});
            both_[i].start();
            LinkOpen link;
            link.id = kLink;
            link.room = 4000;
            both_[i].on_input(link, now_);
        }
        settle();
    }

    void datagram(BytesView bytes, std::string_view source) {
        for (auto& one : both_) one.on_input(LinkBytes{kLink, bytes, source}, now_);
        settle();
    }
    void pass(Duration time) {
        now_.at += time;
        for (auto& one : both_) {
            if (one.next_wake() <= now_.at) one.on_time(now_);
            SENNIT_ASSERT(one.next_wake() > now_.at);
        }
        settle();
    }
    void stop() {
        both_[0].stop();
        both_[0].on_input(LinkClosed{kLink, "stopping"}, now_);
        settle();
    }

  private:
    void settle() {
        for (std::size_t i = 0; i < both_.size(); ++i) {
            while (const auto event = both_[i].poll_event()) {
                const auto* found = std::get_if<mdns::Mdns::Discovered>(&*event);
                if (found == nullptr) continue;
                SENNIT_ASSERT(!found->addresses.empty() && found->addresses.size() <= 3);
                for (const auto& address : found->addresses)
                    SENNIT_ASSERT(address.peer_id() == found->peer);
            }
            while (const auto output = both_[i].poll_output()) {
                const auto* sent = std::get_if<Transmit>(&*output);
                if (sent == nullptr) continue;
                SENNIT_ASSERT(sent->bytes->size() <= 1400);
                both_[i].on_input(Room{kLink, sent->bytes->size()}, now_);
                both_[1 - i].on_input(LinkBytes{kLink, *sent->bytes, "udp://10.0.0.1:5353"}, now_);
            }
            both_[i].check_invariants();
        }
    }

    static mdns::Mdns make(std::uint8_t key) {
        const Bytes protobuf{8, 2, 18, 4, key, 2, 3, 4};
        mdns::Mdns::Config config{};
        config.self = PeerId::of_key(protobuf);
        config.peers_max = 4;
        config.peers_per_source_max = 2;
        config.addresses_max = 3;
        return {std::move(config), Rng{key}};
    }

    static constexpr LinkId kLink{1};
    Now now_{Instant{std::chrono::hours{1}}, {}};
    std::array<mdns::Mdns, 2> both_{make(1), make(2)};
};

}  // namespace

/// A list of: one byte that says what, one that says how much, and so many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    Reader in{{data, size}};
    while (in.remaining() >= 3) {
        const auto what = *in.be<std::uint8_t>();
        const auto much = *in.be<std::uint16_t>();
        switch (what % 8) {
            case 0: world.pass(std::chrono::milliseconds{much}); break;
            case 1: world.pass(std::chrono::seconds{much}); break;
            case 2: world.stop(); break;
            default: {
                const auto bytes = *in.take(std::min<std::size_t>(much, in.remaining()));
                world.datagram(bytes, what % 2 == 0 ? "udp://127.0.0.1:1" : "udp://10.0.0.2:5353");
            }
        }
    }
    return 0;
}
