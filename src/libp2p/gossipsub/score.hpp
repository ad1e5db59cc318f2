// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "base/time.hpp"
#include "libp2p/peer_id.hpp"

namespace sennit::libp2p::gossipsub {

/// How a topic counts (gossipsub-v1.1.md, "Topic Parameter Calculation and Decay"). Counters lose
/// `1 - decay` of themselves at each decay.
struct TopicScoreParams {
    double weight{0.5};

    // P1: time in the mesh, in quanta. A bonus that only waiting earns, so its cap is small.
    double time_in_mesh_weight{1};
    Duration time_in_mesh_quantum{std::chrono::seconds{1}};
    double time_in_mesh_cap{10};

    // P2: messages that this peer brought first. Drifts towards those with fast links.
    double first_deliveries_weight{1};
    double first_deliveries_decay{0.5};
    double first_deliveries_cap{50};

    // P3: the square of what a mesh peer brought too little. Off by default: with the values that
    // go, rust and js have for it, everybody on a quiet topic is punished. Who sets a weight knows
    // the topic's rate.
    double mesh_deliveries_weight{0};
    double mesh_deliveries_decay{0.5};
    double mesh_deliveries_cap{100};
    double mesh_deliveries_threshold{20};
    Duration mesh_deliveries_window{std::chrono::milliseconds{10}};
    Duration mesh_deliveries_activation{std::chrono::seconds{5}};

    // P3b: a deficit that was there when the peer left the mesh stays for a while, else leaving
    // and coming back would clear it.
    double mesh_failure_weight{0};
    double mesh_failure_decay{0.5};

    // P4: the square of the number of invalid messages.
    double invalid_weight{-1};
    double invalid_decay{0.3};
};

struct ScoreParams {
    std::map<std::string, TopicScoreParams>
        topics{};           ///< of others P4 counts, once they are joined
    double topic_cap{100};  ///< of the topics' sum, if positive: P5 to P7 can always outweigh it
    double application_weight{10};  ///< P5

    // P6: the square of the peers above the threshold that share one address (`host_group`).
    double colocation_weight{-5};
    std::size_t colocation_threshold{10};

    // P7: the square of what a peer did above the threshold that no honest one does.
    double behaviour_weight{-10};
    double behaviour_threshold{0};
    double behaviour_decay{0.2};

    Duration decay_every{std::chrono::seconds{1}};
    double decay_to_zero{0.1};  ///< a counter below it is 0
    Duration retain{std::chrono::hours{1}};
};

/// What every peer's doings are worth: P1 to P7 of gossipsub 1.1, each of them explainable.
///
/// Pure bookkeeping. The router says what happened; what a score leads to are its thresholds. The
/// score of a peer that left while it was negative is kept for `retain`, and does not decay
/// meanwhile, because leaving must not wash it clean; any other is forgotten at once, because it
/// must not be saved up either. So memory is bounded by who was here within the hour and has
/// something to answer for, at most `kRetainedMax`; beyond it the oldest go first.
class PeerScore {
  public:
    static constexpr std::size_t kRetainedMax = 4096;

    explicit PeerScore(ScoreParams params);

    /// From now on it counts; one that counts already keeps its numbers.
    void add_topic(const std::string& topic, const TopicScoreParams& params) {
        params_.topics.emplace(topic, params);
    }

    /// `address`: what is shared by those who are one behind it; empty counts for nobody.
    void on_connected(const PeerId& peer, std::string address, Now now);
    void on_disconnected(const PeerId& peer, Now now);
    void on_grafted(const PeerId& peer, const std::string& topic, Now now);
    void on_pruned(const PeerId& peer, const std::string& topic, Now now);

    /// The first copy of a message that turned out valid came from `peer`.
    void on_first_delivery(const PeerId& peer, const std::string& topic, Now now);
    /// A further copy of a valid message. `after`: since the first one was validated; zero for
    /// copies that came before that.
    void on_duplicate(const PeerId& peer, const std::string& topic, Duration after, Now now);
    void on_invalid(const PeerId& peer, const std::string& topic);
    /// P7: `count` things that no honest peer does.
    void on_misbehaviour(const PeerId& peer, double count);
    /// P5, as the application thinks of the peer.
    void set_application(const PeerId& peer, double value);

    /// 0 for peers that nobody knows.
    double score(const PeerId& peer, Now now) const;

    struct Component {
        std::string_view name;  ///< "P1 time in mesh", ...
        std::string topic{};    ///< empty for P5 to P7
        double value{0};        ///< the counter, or what it is short of, squared where it is
        double score{0};        ///< what it adds: value, weight and the topic's weight
    };
    /// Every component that is not 0. They add up to the score, apart from the topics' cap.
    std::vector<Component> explain(const PeerId& peer, Now now) const;

    /// Decays as often as it is due and forgets who is long gone. Call at each heartbeat.
    void on_time(Now now);

    std::size_t size() const { return peers_.size(); }
    void check_invariants() const;

  private:
    struct TopicStats {
        std::optional<Instant> in_mesh_since;
        bool active{false};  ///< in the mesh long enough for P3 to count
        double first_deliveries{0};
        double mesh_deliveries{0};
        double mesh_failure{0};
        double invalid{0};
    };
    struct PeerStats {
        bool connected{false};
        Instant left{};
        std::string address;
        std::map<std::string, TopicStats> topics;
        double application{0};
        double behaviour{0};
    };

    /// nullptr: an unknown peer, or a topic that does not count.
    TopicStats* stats(const PeerId& peer, const std::string& topic);
    const TopicScoreParams& params(const std::string& topic) const {
        return params_.topics.at(topic);
    }
    double deficit_squared(const TopicStats& stats, const TopicScoreParams& params) const;
    void leave_mesh(TopicStats& stats, const TopicScoreParams& params);
    void topic_components(const std::string& topic, const TopicStats& stats, Now now,
                          std::vector<Component>& out) const;
    void decay();
    void forget(std::map<PeerId, PeerStats>::iterator at);
    void make_room();

    ScoreParams params_;
    std::map<PeerId, PeerStats> peers_;
    std::map<std::string, std::size_t> sharers_;  ///< peers of each address, retained ones too
    std::set<std::pair<Instant, PeerId>> retained_;
    std::optional<Instant> next_decay_;
};

}  // namespace sennit::libp2p::gossipsub
