// SPDX-License-Identifier: MIT
/// `sennit p2p find`: where a peer is, of whom only the id is known.
#include <algorithm>
#include <cstdio>

#include "cli/p2p_common.hpp"
#include "io/random.hpp"

namespace sennit::cli {

namespace {

using libp2p::Multiaddr;
using libp2p::PeerId;
using libp2p::PeerRouting;
using libp2p::Swarm;
using libp2p::kad::Kad;

/// For the other nodes that were named, once one is there.
constexpr std::chrono::seconds kPatience{1};

class Finding {
  public:
    Finding(const P2pOptions& options, Swarm::Config config, PeerId target,
            const std::vector<Multiaddr>& nodes)
        : options_{options},
          target_{std::move(target)},
          driver_{std::move(config), [this](const Swarm::Event& event) { on_event(event); }},
          routing_{driver_.swarm(),
                   kad_config(driver_.swarm(), options, libp2p::kad::Mode::client, nodes),
                   Rng{io::system_seed()}} {
        driver_.attach(routing_, [this] { return poll(); });
    }

    /// Errors: not_found; unsupported when none of `nodes` speaks the protocol; timeout; io.
    Result<void> run(const std::vector<Multiaddr>& nodes) {
        if (target_ == driver_.swarm().self())
            return Error{Errc::invalid, "that is this node's own id", Error::kNowhere, {}};
        began_ = driver_.now().at;
        for (const auto& node : nodes) {
            SENNIT_TRY(const auto id, driver_.swarm().dial(node, driver_.now()));
            dialled_.insert(id);
        }
        driver_.after(std::chrono::seconds{options_.timeout_seconds}, [this] {
            driver_.stop(Error{Errc::timeout, "not found in time", Error::kNowhere,
                               std::to_string(options_.timeout_seconds) + " s"});
        });
        SENNIT_TRY(driver_.run());
        return finish();
    }

  private:
    void on_event(const Swarm::Event& event) {
        if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
            if (dialled_.erase(up->id) == 0) return;
            nodes_.push_back({up->peer, {libp2p::multiaddr_of(up->address)}});
            if (nodes_.size() == 1) driver_.after(kPatience, [this] { look_up(); });
        } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
            if (dialled_.erase(gone->id) > 0) why_ = gone->why;
        }
        if (dialled_.empty()) look_up();
    }

    /// Once.
    void look_up() {
        if (looking_) return;
        looking_ = true;
        if (nodes_.empty())
            return driver_.stop(
                Error{why_->code, "none of the nodes can be asked", Error::kNowhere, why_->text()});
        routing_.kad().bootstrap(nodes_, driver_.now());
        const auto begun = routing_.kad().find(target_, driver_.now());
        if (!begun) driver_.stop(begun.error());
    }

    bool poll() {
        bool any = false;
        while (auto event = routing_.poll_event()) {
            any = true;
            auto* const done = std::get_if<Kad::QueryDone>(&*event);
            if (done == nullptr || done->purpose != Kad::Purpose::find) continue;
            done_ = std::move(*done);
            took_ = driver_.now().at - began_;
            driver_.stop();
        }
        return any;
    }

    Result<void> finish() {
        if (!done_) return Error{Errc::io, "stopped before the end", Error::kNowhere, {}};
        if (!done_->target && done_->closest.empty()) {
            return Error{Errc::unsupported, "none of the nodes answers; is --protocol right?",
                         Error::kNowhere, routing_.kad().protocol()};
        }
        const auto asked = std::to_string(done_->requests) + " requests";
        if (!done_->target)
            return Error{Errc::not_found, "nobody knows this peer", Error::kNowhere, asked};
        const bool answered =
            std::ranges::any_of(done_->closest, [&](const auto& one) { return one.id == target_; });
        auto addresses = json::Value::array();
        for (const auto& address : done_->target->addresses) {
            const auto whole = address.encapsulate(Multiaddr::of_peer(target_));
            const auto text = (whole ? *whole : address).text();
            addresses.push(text);
            if (!options_.json) std::printf("address    %s\n", text.c_str());
        }
        if (options_.json) {
            print(json::Value::object({{"peer", target_.text()},
                                       {"addresses", std::move(addresses)},
                                       {"answered", answered},
                                       {"requests", done_->requests},
                                       {"ms", milliseconds(took_)}}));
            return {};
        }
        std::printf("answered   %s\n", answered ? "yes" : "no, others say that it is there");
        std::printf("after      %s, %.1f ms\n", asked.c_str(), milliseconds(took_));
        return {};
    }

    const P2pOptions& options_;
    PeerId target_;
    node::P2pDriver driver_;
    PeerRouting routing_;
    std::set<libp2p::ConnectionId> dialled_;         ///< and neither there nor failed
    std::vector<libp2p::kad::PeerAddresses> nodes_;  ///< that are there
    std::optional<Error> why_;                       ///< the last one is not
    bool looking_{false};
    Instant began_{};
    Duration took_{};
    std::optional<Kad::QueryDone> done_;
};

}  // namespace

Result<void> p2p_find(const P2pOptions& options) {
    SENNIT_TRY(auto target, PeerId::parse(options.address));
    std::vector<Multiaddr> nodes;
    for (const auto& peer : options.peers) {
        SENNIT_TRY(auto node, Multiaddr::parse(peer));
        nodes.push_back(std::move(node));
    }
    SENNIT_TRY(auto config, config_of(options));
    return Finding{options, std::move(config), std::move(target), nodes}.run(nodes);
}

}  // namespace sennit::cli
