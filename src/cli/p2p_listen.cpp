// SPDX-License-Identifier: MIT
/// `sennit p2p listen`: a peer for others to look at.
#include <cstdio>

#include "cli/p2p_common.hpp"
#include "io/interfaces.hpp"
#include "io/random.hpp"
#include "libp2p/autonat/autonat.hpp"
#include "libp2p/autonat/hosts.hpp"
#include "libp2p/perf/perf.hpp"

namespace sennit::cli {

namespace {

using libp2p::Multiaddr;
using libp2p::PeerRouting;
using libp2p::Swarm;
using libp2p::request_response::RequestResponse;

constexpr std::string_view kAnyPort = "/ip4/127.0.0.1/tcp/0";

void tell(const P2pOptions& options, const char* what, const json::Value& more,
          const std::string& line) {
    if (options.json) {
        auto out = json::Value::object({{"event", what}});
        for (const auto& [key, value] : *more.as_object()) out.set(key, value);
        print(out);
    } else {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }
}

void tell(const P2pOptions& options, const Swarm::Event& event) {
    const auto number = [](libp2p::ConnectionId id) { return std::to_string(id.value); };
    if (const auto* on = std::get_if<Swarm::ListeningOn>(&event)) {
        tell(options, "listening", json::Value::object({{"address", on->address.text()}}),
             "listening on " + on->address.text());
    } else if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
        tell(options, "connected",
             json::Value::object({{"connection", up->id.value},
                                  {"peer", up->peer.text()},
                                  {"address", libp2p::multiaddr_of(up->address).text()},
                                  {"inbound", up->inbound},
                                  {"security", libp2p::protocol_of(up->security)}}),
             number(up->id) + " connected: " + up->peer.text() + " at " +
                 libp2p::multiaddr_of(up->address).text());
    } else if (const auto* says = std::get_if<Swarm::Identified>(&event)) {
        tell(options, "identified", identify_json(says->says).set("connection", says->id.value),
             number(says->id) + " is " + says->says.agent + ", speaks " +
                 std::to_string(says->says.protocols.size()) + " protocols");
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        tell(options, "disconnected",
             json::Value::object({{"connection", gone->id.value}, {"why", gone->why.text()}}),
             number(gone->id) + " gone: " + gone->why.text());
    }
}

void tell(const P2pOptions& options, const libp2p::mdns::Mdns::Event& event) {
    using libp2p::mdns::Mdns;
    if (const auto* found = std::get_if<Mdns::Discovered>(&event)) {
        auto addresses = json::Value::array();
        std::string line = "discovered " + found->peer.text() + " at";
        for (const auto& address : found->addresses) {
            addresses.push(address.text());
            line += " " + address.decapsulate(Multiaddr::Code::p2p).value_or(address).text();
        }
        tell(options, "discovered",
             json::Value::object(
                 {{"peer", found->peer.text()}, {"addresses", std::move(addresses)}}),
             line);
    } else if (const auto* gone = std::get_if<Mdns::Expired>(&event)) {
        tell(options, "expired", json::Value::object({{"peer", gone->peer.text()}}),
             "heard no more of " + gone->peer.text());
    }
}

void tell(const P2pOptions& options, const libp2p::Autonat::Event& event) {
    const std::string what{to_string(event.to)};
    tell(options, what.c_str(), json::Value::object({{"address", event.address.text()}}),
         what + " " + event.address.text());
}

/// An address in a private network is for those in it.
libp2p::Autonat::Config autonat_config(const Multiaddr& listens) {
    libp2p::Autonat::Config out;
    const auto target = libp2p::tcp_address(listens);
    const bool among_us = target && libp2p::autonat::is_private(target->host);
    out.client.private_hosts = among_us;
    out.server.private_hosts = among_us;
    return out;
}

/// One node, and what it does for strangers beside the swarm's own.
class Listening {
  public:
    Listening(const P2pOptions& options, Swarm::Config config)
        : options_{options}, driver_{std::move(config), [this](const Swarm::Event& event) {
                                         on_event(event);
                                     }} {
        if (options.serve_perf) serve_perf();
        if (!options.echo.empty()) serve_echo();
    }

    Result<void> run(const Multiaddr& where) {
        SENNIT_TRY(driver_.swarm().listen(where));
        if (!options_.kad.empty()) serve_kad(where);
        if (options_.autonat) serve_autonat(where);
        for (const auto& peer : options_.peers) {
            SENNIT_TRY(const auto address, Multiaddr::parse(peer));
            SENNIT_TRY(const auto id, driver_.swarm().dial(address, driver_.now()));
            given_.insert(id);
        }
        if (options_.mdns) {
            driver_.discover(
                [this](const libp2p::mdns::Mdns::Event& event) { tell(options_, event); });
        }
        return driver_.run();
    }

  private:
    void on_event(const Swarm::Event& event) {
        tell(options_, event);
        if (autonat_) look_at_addresses(event);
        const auto* const up = std::get_if<Swarm::Connected>(&event);
        if (up == nullptr || !routing_ || !given_.contains(up->id)) return;
        beginning_.push_back({up->peer, {libp2p::multiaddr_of(up->address)}});
        routing_->kad().bootstrap(beginning_, driver_.now());
    }

    void serve_autonat(const Multiaddr& where) {
        autonat_.emplace(driver_.swarm(), autonat_config(where), Rng{io::system_seed()});
        driver_.attach(*autonat_, [this] { return tell_reachability(); });
    }

    /// Where we listen, and where others see us, if the event may have changed that.
    void look_at_addresses(const Swarm::Event& event) {
        if (const auto* on = std::get_if<Swarm::ListeningOn>(&event)) {
            std::vector<std::string> hosts;
            for (const auto& one : io::ipv4_interfaces()) hosts.push_back(one.address.to_string());
            for (auto& one : libp2p::mdns::expand(on->address, hosts))
                listens_.push_back(std::move(one));
        } else if (!std::holds_alternative<Swarm::Identified>(event)) {
            return;
        }
        auto all = listens_;
        for (auto& one : driver_.swarm().observed_addresses()) all.push_back(std::move(one));
        autonat_->set_candidates(all, driver_.now());
    }

    bool tell_reachability() {
        bool any = false;
        while (const auto event = autonat_->poll_event()) {
            any = true;
            tell(options_, *event);
        }
        return any;
    }

    void serve_kad(const Multiaddr& where) {
        auto config = kad_config(driver_.swarm(), options_, libp2p::kad::Mode::server, {where});
        routing_.emplace(driver_.swarm(), std::move(config), Rng{io::system_seed()});
        driver_.attach(*routing_, [this] { return tell_routing(); });
    }

    bool tell_routing() {
        bool any = false;
        while (const auto event = routing_->poll_event()) {
            any = true;
            const auto* const one = std::get_if<libp2p::kad::Kad::RoutingUpdated>(&*event);
            if (one == nullptr) continue;
            tell(options_, "routing",
                 json::Value::object({{"peer", one->peer.text()}, {"present", one->present}}),
                 one->peer.text() + (one->present ? " is" : " is no longer") + " in the table");
        }
        return any;
    }

    void serve_perf() {
        perf_.emplace(driver_.swarm(), libp2p::perf::Server::Limits{});
        driver_.attach(*perf_, [this] { return tell_served(); });
    }

    void serve_echo() {
        std::vector<libp2p::request_response::Protocol> protocols;
        for (const auto& name : options_.echo)
            protocols.push_back(request_protocol(options_, name));
        echo_.emplace(driver_.swarm(), std::move(protocols), libp2p::request_response::Limits{});
        driver_.attach(*echo_, [this] { return echo(driver_.now()); });
    }

    bool tell_served() {
        bool any = false;
        while (const auto one = perf_->poll_served()) {
            any = true;
            const auto number = std::to_string(one->connection.value);
            auto more = json::Value::object({{"connection", one->connection.value},
                                             {"uploadBytes", one->received},
                                             {"downloadBytes", one->sent},
                                             {"ms", milliseconds(one->took)}});
            if (one->why) more.set("why", one->why->text());
            tell(options_, "measured", more,
                 number + " measured us: " + format_size(static_cast<double>(one->received)) +
                     " up, " + format_size(static_cast<double>(one->sent)) + " down" +
                     (one->why ? "; " + one->why->text() : ""));
        }
        return any;
    }

    bool echo(Now now) {
        bool any = false;
        while (auto told = echo_->poll_event()) {
            any = true;
            auto* const request = std::get_if<RequestResponse::Request>(&*told);
            if (request == nullptr) continue;
            const auto size = request->bytes.size();
            const auto number = std::to_string(request->connection.value);
            const auto done = echo_->respond(request->key, std::move(request->bytes), now);
            tell(options_, "request",
                 json::Value::object({{"connection", request->connection.value},
                                      {"protocol", request->protocol},
                                      {"size", size},
                                      {"answered", done.has_value()}}),
                 number + " asked " + request->protocol + ": " + std::to_string(size) + " bytes" +
                     (done ? "" : ", " + done.error().text()));
        }
        return any;
    }

    const P2pOptions& options_;
    node::P2pDriver driver_;
    std::optional<libp2p::perf::Server> perf_;
    std::optional<RequestResponse> echo_;
    std::optional<PeerRouting> routing_;
    std::set<libp2p::ConnectionId> given_;               ///< those of --peer
    std::vector<libp2p::kad::PeerAddresses> beginning_;  ///< of them, who was there
    std::optional<libp2p::Autonat> autonat_;
    std::vector<Multiaddr> listens_;
};

}  // namespace

Result<void> p2p_listen(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    if (options.serve_perf) config.protocols.emplace_back(libp2p::perf::kProtocol);
    for (const auto& name : options.echo) config.protocols.push_back(name);
    if (!options.kad.empty()) config.protocols.push_back(options.kad);
    if (options.autonat) {
        for (auto& name : libp2p::Autonat::protocols()) config.protocols.push_back(std::move(name));
    }
    const std::string_view where{options.address.empty() ? kAnyPort : options.address};
    SENNIT_TRY(const auto address, Multiaddr::parse(where));
    return Listening{options, std::move(config)}.run(address);
}

}  // namespace sennit::cli
