// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/moderntensor.hpp"

#include <charconv>

#include "protocol/moderntensor/session.hpp"
#include "protocol/stream_protocol.hpp"

namespace sennit::protocol::moderntensor {
namespace {

constexpr Carrier kCarriers[] = {Carrier::stream};

constexpr OptionDoc kOptions[] = {
    {"announce_port", "", "port that peers are told to dial, where it is not the bound one (NAT)"},
};

/// Sync keeps up to eight ranges in flight over all its peers; the rest is for small questions.
constexpr std::uint32_t kRequestsInFlightMax = 16;

Result<std::optional<std::uint16_t>> port_of(const Config& config) {
    const auto option = config.options.find("announce_port");
    if (option == config.options.end() || option->second.empty()) {
        return std::optional<std::uint16_t>{};
    }
    const auto& text = option->second;
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
        return Error{Errc::malformed, "announce_port is not a port", Error::kNowhere, text};
    }
    return std::optional{port};
}

}  // namespace

Result<std::unique_ptr<Protocol>> make(const Config& config, const Keys& keys, const Rng& rng,
                                       const SavedValues&) {
    for (const auto& [name, value] : config.options) {
        if (name != "announce_port") {
            return Error{Errc::not_found, "unknown option", Error::kNowhere, name};
        }
    }
    SENNIT_TRY(const auto port, port_of(config));
    const auto id = keys.node.public_key<NodeId>();
    StreamOptions options;
    options.traits.says = kSennitKinds;
    options.traits.forms = kSennitForms;
    options.traits.message_size_max = kLengthMax - 1;
    options.traits.requests_in_flight_max = kRequestsInFlightMax;
    options.listens = config.listens;
    options.links_max = config.links_max;
    options.self = id;
    Local local{config.chain_id, config.genesis, keys.node, id, port, {}};
    return std::unique_ptr<Protocol>{std::make_unique<StreamProtocol>(
        std::move(options), std::make_unique<TensorFactory>(std::move(local)),
        rng.fork("moderntensor"), config.frame_budget)};
}

Entry entry() {
    return {"moderntensor",
            "ModernTensor: length-prefixed JSON over TCP, and binary between Sennit nodes",
            kCarriers,
            kOptions,
            make,
            describe,
            encode};
}

}  // namespace sennit::protocol::moderntensor
