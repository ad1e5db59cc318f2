// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/config.hpp"

namespace sennit::libp2p::gossipsub {

namespace {

struct Name {
    std::string_view id;
    Version version;
};
constexpr Name kNames[]{{"/meshsub/1.2.0", Version::v1_2},
                        {"/meshsub/1.1.0", Version::v1_1},
                        {"/meshsub/1.0.0", Version::v1_0},
                        {"/floodsub/1.0.0", Version::floodsub}};

}  // namespace

std::vector<std::string> protocol_ids() {
    std::vector<std::string> out;
    for (const auto& name : kNames) out.emplace_back(name.id);
    return out;
}

std::optional<Version> version_of(std::string_view protocol_id) {
    for (const auto& name : kNames) {
        if (name.id == protocol_id) return name.version;
    }
    return std::nullopt;
}

namespace {

/// A weight of the wrong sign would reward what should be punished.
Result<void> check_signs(const ScoreParams& scores) {
    bool right = scores.colocation_weight <= 0 && scores.behaviour_weight <= 0;
    for (const auto& [topic, p] : scores.topics) {
        right = right && p.weight >= 0 && p.time_in_mesh_weight >= 0 &&
                p.first_deliveries_weight >= 0 && p.mesh_deliveries_weight <= 0 &&
                p.mesh_failure_weight <= 0 && p.invalid_weight <= 0 &&
                p.time_in_mesh_quantum > Duration::zero();
    }
    if (right) return {};
    return Error{
        Errc::invalid, "gossipsub: a score's weight has the wrong sign", Error::kNowhere, {}};
}

}  // namespace

Result<void> check(const Config& config) {
    const auto rule = [](bool holds, std::string_view what) -> Result<void> {
        if (holds) return {};
        return Error{Errc::invalid, what, Error::kNowhere, {}};
    };
    const auto& mesh = config.mesh;
    const auto& at = config.thresholds;
    SENNIT_TRY(rule(0 < mesh.d_low && mesh.d_low <= mesh.d && mesh.d <= mesh.d_high,
                    "gossipsub: 0 < d_low <= d <= d_high"));
    SENNIT_TRY(rule(mesh.d_score <= mesh.d, "gossipsub: d_score <= d"));
    SENNIT_TRY(rule(mesh.d_out == 0 || (mesh.d_out < mesh.d_low && mesh.d_out <= mesh.d / 2),
                    "gossipsub: d_out < d_low, and at most half of d"));
    SENNIT_TRY(rule(at.graylist <= at.publish && at.publish <= at.gossip && at.gossip <= 0,
                    "gossipsub: graylist <= publish <= gossip <= 0"));
    SENNIT_TRY(rule(at.accept_exchange >= 0 && at.opportunistic_graft >= 0,
                    "gossipsub: accept_exchange and opportunistic_graft are not negative"));
    SENNIT_TRY(
        rule(config.heartbeat > Duration::zero() && config.scores.decay_every > Duration::zero(),
             "gossipsub: a heartbeat and a decay take time"));
    SENNIT_TRY(rule(config.cache.history > 0, "gossipsub: a history of one heartbeat at least"));
    SENNIT_TRY(rule(config.prune_back_off >= config.graft_flood,
                    "gossipsub: graft_flood is within prune_back_off"));
    SENNIT_TRY(check_signs(config.scores));
    return rule(config.cache.gossip <= config.cache.history,
                "gossipsub: gossip is about no more than the history");
}

}  // namespace sennit::libp2p::gossipsub
