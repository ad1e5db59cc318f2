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
    SENNIT_TRY(rule(config.heartbeat > Duration::zero(), "gossipsub: a heartbeat takes time"));
    return rule(config.cache.gossip <= config.cache.history,
                "gossipsub: gossip is about no more than the history");
}

}  // namespace sennit::libp2p::gossipsub
