// SPDX-License-Identifier: MIT
/// `sennit p2p`: looks at any libp2p node, and is one.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "cli/commands.hpp"
#include "cli/keys.hpp"
#include "io/random.hpp"
#include "node/config.hpp"
#include "node/p2p/p2p_driver.hpp"

namespace sennit::cli {

namespace {

using libp2p::Multiaddr;
using libp2p::PrivateKey;
using libp2p::Swarm;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::string_view kAnyPort = "/ip4/127.0.0.1/tcp/0";

double milliseconds(Duration duration) {
    return std::chrono::duration_cast<Milliseconds>(duration).count();
}

void print(const json::Value& value) {
    std::printf("%s\n", json::write(value, json::Style::compact).c_str());
    std::fflush(stdout);
}

/// Without a file a new identity, which dies with the program.
Result<PrivateKey> identity_of(const std::string& file) {
    if (file.empty())
        return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(io::system_seed()));
    SENNIT_TRY(const auto key, read_ed25519(file));
    return PrivateKey::from_ed25519(key);
}

Result<Swarm::Config> config_of(const P2pOptions& options) {
    SENNIT_TRY(auto identity, identity_of(options.key));
    return Swarm::Config{.identity = std::move(identity), .agent = node::version_text()};
}

json::Value identify_json(const libp2p::identify::Identify& says) {
    auto listens = json::Value::array();
    for (const auto& address : says.listens) listens.push(address.text());
    auto protocols = json::Value::array();
    for (const auto& protocol : says.protocols) protocols.push(protocol);
    return json::Value::object(
        {{"agent", says.agent},
         {"protocolVersion", says.protocol_version},
         {"listenAddrs", std::move(listens)},
         {"observedAddr", says.observed ? json::Value{says.observed->text()} : json::Value{}},
         {"protocols", std::move(protocols)}});
}

void print_connected(const Swarm::Connected& event) {
    std::printf("peer       %s\naddress    %s\nmuxer      /yamux/1.0.0 (%s)\nconnected  %.1f ms\n",
                event.peer.text().c_str(), event.address.text().c_str(),
                event.early_muxer ? "agreed on within the handshake" : "agreed on after it",
                milliseconds(event.took));
    std::fflush(stdout);
}

void print_identify(const libp2p::identify::Identify& says) {
    std::printf("agent      %s\nversion    %s\n", says.agent.c_str(),
                says.protocol_version.c_str());
    if (says.observed) std::printf("sees us at %s\n", says.observed->text().c_str());
    for (const auto& address : says.listens) std::printf("listens    %s\n", address.text().c_str());
    for (const auto& protocol : says.protocols) std::printf("speaks     %s\n", protocol.c_str());
}

/// One peer, dialled and asked; what `dial` and `ping` have in common.
class Asking {
  public:
    Asking(const P2pOptions& options, Swarm::Config config)
        : options_{options}, driver_{std::move(config), [this](const Swarm::Event& event) {
                                         on_event(event);
                                     }} {}
    virtual ~Asking() = default;

    Result<void> run() {
        SENNIT_TRY(const auto address, Multiaddr::parse(options_.address));
        SENNIT_TRY(driver_.swarm().dial(address, driver_.now()));
        driver_.after(std::chrono::seconds{options_.timeout_seconds}, [this] {
            driver_.stop(
                Error{Errc::timeout, "no answer in time", Error::kNowhere, options_.address});
        });
        SENNIT_TRY(driver_.run());
        return finish();
    }

  protected:
    virtual void on_event(const Swarm::Event& event) {
        if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
            driver_.stop(Error{gone->why.code,
                               gone->was_connected ? "the connection ended" : "cannot connect",
                               Error::kNowhere, options_.address + ": " + gone->why.text()});
        }
    }
    virtual Result<void> finish() = 0;

    const P2pOptions& options_;
    node::P2pDriver driver_;
};

class Dialling : public Asking {
  public:
    using Asking::Asking;

  private:
    void on_event(const Swarm::Event& event) override {
        if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
            connected_ = *connected;
            if (!options_.json) print_connected(*connected);
        } else if (const auto* identified = std::get_if<Swarm::Identified>(&event)) {
            says_ = identified->says;
            driver_.stop();
        } else {
            Asking::on_event(event);
        }
    }
    Result<void> finish() override {
        if (!connected_ || !says_)
            return Error{Errc::io, "stopped before the peer answered", Error::kNowhere, {}};
        if (!options_.json) {
            print_identify(*says_);
            return {};
        }
        print(identify_json(*says_)
                  .set("peer", connected_->peer.text())
                  .set("address", connected_->address.text())
                  .set("muxer", "/yamux/1.0.0")
                  .set("earlyMuxer", connected_->early_muxer)
                  .set("connectedMs", milliseconds(connected_->took)));
        return {};
    }

    std::optional<Swarm::Connected> connected_;
    std::optional<libp2p::identify::Identify> says_;
};

class Pinging : public Asking {
  public:
    using Asking::Asking;

  private:
    void on_event(const Swarm::Event& event) override {
        if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
            const auto stream = driver_.swarm().open(
                connected->id, {std::string{libp2p::ping::kProtocol}}, driver_.now());
            if (!stream) return driver_.stop(stream.error());
            stream_ = *stream;
            ask();
        } else if (const auto* readable = std::get_if<Swarm::Readable>(&event)) {
            if (stream_ == readable->stream) hear();
        } else if (const auto* failed = std::get_if<Swarm::Failed>(&event)) {
            if (stream_ == failed->stream) driver_.stop(failed->why);
        } else {
            Asking::on_event(event);
        }
    }

    void ask() {
        libp2p::ping::Payload payload;
        rng_.fill(payload);
        pinger_.start(payload, driver_.now());
        driver_.swarm().write(*stream_, payload);
    }

    void hear() {
        auto& swarm = driver_.swarm();
        for (;;) {
            const auto piece = swarm.readable(*stream_);
            if (piece.empty()) return;
            const auto took = pinger_.on_bytes(piece, driver_.now());
            swarm.consume(*stream_, piece.size(), driver_.now());
            if (!took) return driver_.stop(took.error());
            if (*took) on_answer(**took);
        }
    }

    void on_answer(Duration took) {
        times_.push_back(milliseconds(took));
        if (options_.json) {
            print(json::Value::object({{"number", times_.size()}, {"ms", times_.back()}}));
        } else {
            std::printf("%zu: %.3f ms\n", times_.size(), times_.back());
            std::fflush(stdout);
        }
        if (times_.size() == options_.count) return driver_.stop();
        driver_.after(std::chrono::milliseconds{options_.interval_ms}, [this] { ask(); });
    }

    Result<void> finish() override {
        if (times_.empty()) return Error{Errc::io, "stopped before an answer", Error::kNowhere, {}};
        std::ranges::sort(times_);
        const auto sum = std::accumulate(times_.begin(), times_.end(), 0.0);
        if (!options_.json) {
            std::printf("%zu answers: min %.3f, mean %.3f, max %.3f ms\n", times_.size(),
                        times_.front(), sum / static_cast<double>(times_.size()), times_.back());
        }
        return {};
    }

    Rng rng_{io::system_seed()};
    std::optional<libp2p::StreamRef> stream_;
    libp2p::ping::Pinger pinger_;
    std::vector<double> times_;
};

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
                                  {"address", up->address.text()},
                                  {"inbound", up->inbound}}),
             number(up->id) + " connected: " + up->peer.text() + " at " + up->address.text());
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
            line +=
                " " + address.decapsulate(libp2p::Multiaddr::Code::p2p).value_or(address).text();
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

}  // namespace

Result<void> p2p_dial(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    return Dialling{options, std::move(config)}.run();
}

Result<void> p2p_ping(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    return Pinging{options, std::move(config)}.run();
}

Result<void> p2p_listen(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    node::P2pDriver driver{std::move(config),
                           [&](const Swarm::Event& event) { tell(options, event); }};
    const std::string_view where{options.address.empty() ? kAnyPort : options.address};
    SENNIT_TRY(const auto address, Multiaddr::parse(where));
    SENNIT_TRY(driver.swarm().listen(address));
    if (options.mdns)
        driver.discover([&](const libp2p::mdns::Mdns::Event& event) { tell(options, event); });
    return driver.run();
}

Result<void> p2p_address(const P2pOptions& options) {
    SENNIT_TRY(const auto address, Multiaddr::parse(options.address));
    auto layers = json::Value::array();
    for (const auto& one : address) {
        layers.push(json::Value::object({{"protocol", std::string{to_string(one.code)}},
                                         {"code", static_cast<std::uint32_t>(one.code)},
                                         {"value", one.text()}}));
    }
    const auto bytes = to_hex(address.view());
    if (options.json) {
        print(json::Value::object(
            {{"text", address.text()}, {"bytes", bytes}, {"layers", std::move(layers)}}));
        return {};
    }
    std::printf("text   %s\nbytes  %s\n", address.text().c_str(), bytes.c_str());
    for (const auto& one : address) {
        std::printf("%5u  %s %s\n", static_cast<unsigned>(one.code),
                    std::string{to_string(one.code)}.c_str(), one.text().c_str());
    }
    return {};
}

Result<void> p2p_peer_id(const P2pOptions& options) {
    SENNIT_TRY(const auto id, libp2p::PeerId::parse(options.address));
    const auto key = id.inlined_key();
    if (options.json) {
        print(json::Value::object({{"base58", id.text()},
                                   {"cidBase32", id.cid_base32()},
                                   {"cidBase36", id.cid_base36()},
                                   {"bytes", to_hex(id.view())},
                                   {"key", key ? json::Value{to_hex(*key)} : json::Value{}}}));
        return {};
    }
    std::printf("base58     %s\nCID base32 %s\nCID base36 %s\nbytes      %s\n", id.text().c_str(),
                id.cid_base32().c_str(), id.cid_base36().c_str(), to_hex(id.view()).c_str());
    if (key) std::printf("key        %s\n", to_hex(*key).c_str());
    return {};
}

}  // namespace sennit::cli
