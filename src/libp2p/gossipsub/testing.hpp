// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include "libp2p/gossipsub/fixture.hpp"
#include "libp2p/gossipsub/router.hpp"
#include "libp2p/varint.hpp"

/// A router with peers that are the test's hands, and networks of routers.
namespace sennit::libp2p::gossipsub::testing {

inline PrivateKey identity(int number) {
    crypto::Ed25519Key::Seed seed{};
    for (std::size_t i = 0; i < 4; ++i) seed[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
}

inline Message signed_message(int author, const std::string& topic, std::string_view data,
                              std::uint64_t seqno) {
    const auto key = identity(author);
    Message out;
    out.from = to_bytes(key.peer_id().view());
    out.data = to_bytes(as_bytes(data));
    out.seqno = std::move(Writer{8}.be(seqno)).take();
    out.topic = topic;
    out.signature = key.sign(signed_bytes(out));
    return out;
}

inline MessageId id_of(const Message& message) {
    return *default_message_id(message);
}

/// The frames' RPCs, decoded.
inline Rpc rpc_of(BytesView frame) {
    Reader in{frame};
    const auto body = read_prefixed(in);
    SENNIT_ASSERT(body && in.empty());
    auto out = decode_rpc(*body);
    SENNIT_ASSERT(out);
    return *std::move(out);
}

class RouterTest : public ::testing::Test {
  protected:
    static constexpr int kSelf = 1000;

    static Config config() { return {.identity = identity(kSelf)}; }
    /// P4 and P7 count, nothing else: a topic's time and rate are not what most tests are about.
    static ScoreParams strict_scores() {
        ScoreParams out;
        out.topics["t"] = {.time_in_mesh_weight = 0, .first_deliveries_weight = 0};
        return out;
    }
    void start(Config with = config()) { router.emplace(std::move(with), Rng{7}, now); }
    void SetUp() override { start(); }
    void TearDown() override { router->check_invariants(); }

    PeerId add(int number, Version version = Version::v1_2, bool outbound = false) {
        const auto id = identity(number).peer_id();
        router->on_peer(id, {version, outbound, "10.0.0." + std::to_string(number)}, now);
        return id;
    }
    /// With a subscription to "t".
    PeerId add_in_topic(int number, Version version = Version::v1_2, bool outbound = false) {
        const auto id = add(number, version, outbound);
        say(id, {.subscriptions = {{true, "t"}}});
        return id;
    }
    void say(const PeerId& peer, const Rpc& rpc) {
        EXPECT_TRUE(router->on_rpc(peer, encode_rpc(rpc), now));
        run();
    }
    void say(const PeerId& peer, Control control) { say(peer, Rpc{.control = std::move(control)}); }
    void bring(const PeerId& peer, const Message& message) { say(peer, Rpc{.publish = {message}}); }

    void run() {
        while (const auto job = router->poll_job())
            router->on_verified(job->ticket, job->run(), now);
        while (auto event = router->poll_event()) {
            if (const auto* got = std::get_if<Router::Received>(&*event)) received.push_back(*got);
            if (const auto* in = std::get_if<Router::Meshed>(&*event)) meshed.push_back(*in);
            if (const auto* some = std::get_if<Router::Offered>(&*event)) offered.push_back(*some);
            if (const auto* who = std::get_if<Router::Missing>(&*event))
                missing.push_back(who->peer);
        }
    }
    void decide(Router::Verdict verdict) {
        ASSERT_FALSE(received.empty());
        router->decide(received.back().ticket, verdict, now);
        run();
    }
    /// All that waits for the peer, as one RPC.
    Rpc heard(const PeerId& peer) {
        Rpc out;
        while (const auto frame = router->next_frame(peer, now)) {
            const auto one = rpc_of(*frame);
            const auto append = [](auto& to, const auto& from) {
                to.insert(to.end(), from.begin(), from.end());
            };
            append(out.subscriptions, one.subscriptions);
            append(out.publish, one.publish);
            append(out.control.graft, one.control.graft);
            append(out.control.prune, one.control.prune);
            append(out.control.ihave, one.control.ihave);
            append(out.control.iwant, one.control.iwant);
            append(out.control.idontwant, one.control.idontwant);
        }
        return out;
    }
    void pass(Duration time) {
        const auto until = now.at + time;
        while (router->next_wake() <= until) {
            now.at = std::max(now.at, router->next_wake());
            router->on_time(now);
            run();
        }
        now.at = until;
    }
    bool in_mesh(const PeerId& peer) const { return router->mesh("t").contains(peer); }
    double score(const PeerId& peer) const { return router->score(peer, now); }

    Now now = fixture::at(0);
    std::optional<Router> router;
    std::vector<Router::Received> received;
    std::vector<Router::Meshed> meshed;
    std::vector<Router::Offered> offered;
    std::vector<PeerId> missing;
};

}  // namespace sennit::libp2p::gossipsub::testing
