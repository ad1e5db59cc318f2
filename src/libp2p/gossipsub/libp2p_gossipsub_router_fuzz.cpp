// SPDX-License-Identifier: MIT
/// A router among hostile peers that say anything, leave, and come back, while the application
/// decides anything: its books stay right and its memory bounded.
#include "libp2p/gossipsub/router.hpp"

using namespace sennit;
using namespace sennit::libp2p;
using namespace sennit::libp2p::gossipsub;

namespace {

constexpr std::array<std::string_view, 4> kTopics{"a", "b", "c", "d"};

class Input {
  public:
    explicit Input(BytesView bytes) : bytes_{bytes} {}
    bool done() const { return at_ >= bytes_.size(); }
    std::uint8_t next() { return done() ? std::uint8_t{0} : bytes_[at_++]; }
    BytesView piece(std::size_t n) {
        const auto out = bytes_.subspan(std::min(at_, bytes_.size()),
                                        std::min(n, bytes_.size() - std::min(at_, bytes_.size())));
        at_ += n;
        return out;
    }
    std::string topic() { return std::string{kTopics[next() % kTopics.size()]}; }

  private:
    BytesView bytes_;
    std::size_t at_{0};
};

PrivateKey identity(std::uint8_t number) {
    crypto::Ed25519Key::Seed seed{};
    seed[0] = number;
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
}

PeerId peer(std::uint8_t number) {
    Bytes protobuf{0x08, 0x01, 0x12, 0x20};
    protobuf.resize(36, number);
    return PeerId::of_key(protobuf);
}

Rpc some_rpc(Input& in) {
    Rpc out;
    for (int n = in.next() % 4; n > 0; --n) {
        const auto id = to_bytes(in.piece(1));
        switch (in.next() % 7) {
            case 0: out.subscriptions.push_back({(in.next() & 1) != 0, in.topic()}); break;
            case 1: out.control.graft.push_back(in.topic()); break;
            case 2:
                out.control.prune.push_back(
                    {in.topic(), {}, std::uint64_t{in.next()} << (in.next() % 57)});
                break;
            case 3: out.control.ihave.push_back({in.topic(), {id}}); break;
            case 4: out.control.iwant.push_back(id); break;
            case 5: out.control.idontwant.push_back(id); break;
            default: {
                Message message;
                message.topic = in.topic();
                message.data = to_bytes(in.piece(in.next() % 8));
                out.publish.push_back(std::move(message));
            }
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const PrivateKey self = identity(200);
    Input in{{data, size}};
    Now now{Instant{std::chrono::hours{1}}, {}};
    Config config{.identity = self};
    if (in.next() % 2 == 0) config.policy = SigningPolicy::strict_no_sign;
    config.flood_publish = in.next() % 2 == 0;
    config.explicit_peers = {peer(3)};
    config.limits.undecided_count_max = 3;
    config.limits.unverified_count_max = 4;
    config.limits.topics_per_peer_max = 3;
    config.limits.back_offs_max = 5;
    config.scores.topics["a"] = {};
    Router router{std::move(config), Rng{in.next()}, now};
    std::vector<Ticket> jobs, asked;
    while (!in.done()) {
        const auto who = peer(in.next() % 12);
        switch (in.next() % 12) {
            case 0:
                router.on_peer(who, {static_cast<Version>(in.next() % 4), true, "x"}, now);
                break;
            case 1: router.on_peer_gone(who, now); break;
            case 2: (void)router.on_rpc(who, in.piece(in.next() % 64), now); break;
            case 3: (void)router.join(in.topic(), {.ask = in.next() % 2 == 0}, now); break;
            case 4: router.leave(in.topic(), now); break;
            case 5: (void)router.publish(in.topic(), to_bytes(in.piece(3)), now); break;
            case 6:
                if (asked.empty()) break;
                router.decide(asked.back(), static_cast<Router::Verdict>(in.next() % 3), now);
                asked.pop_back();
                break;
            case 7: now.at += std::chrono::milliseconds{1 << (in.next() % 16)}; break;
            case 8: router.on_time(now); break;
            case 9:
                if (const auto job = router.poll_job()) jobs.push_back(job->ticket);
                if (jobs.empty() || in.next() % 2 == 0) break;
                router.on_verified(jobs.back(), in.next() % 2 == 0, now);
                jobs.pop_back();
                break;
            default: (void)router.on_rpc(who, encode_rpc(some_rpc(in)), now); break;
        }
        while (auto event = router.poll_event()) {
            const auto* const got = std::get_if<Router::Received>(&*event);
            if (got != nullptr && got->ask) asked.push_back(got->ticket);
        }
        if (in.next() % 3 == 0) {
            while (const auto frame = router.next_frame(who, now)) SENNIT_ASSERT(frame->size() > 1);
        }
        router.check_invariants();
    }
    return 0;
}
