// SPDX-License-Identifier: MIT
/// `sennit p2p dial` and `ping`: one peer, looked at.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "cli/p2p_common.hpp"
#include "io/random.hpp"

namespace sennit::cli {

namespace {

using libp2p::Swarm;

void print_connected(const Swarm::Connected& event) {
    const std::string security{libp2p::protocol_of(event.security)};
    std::printf(
        "peer       %s\naddress    %s\nsecurity   %s\nmuxer      /yamux/1.0.0 (%s)\n"
        "connected  %.1f ms\n",
        event.peer.text().c_str(), libp2p::multiaddr_of(event.address).text().c_str(),
        security.c_str(),
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
                  .set("address", libp2p::multiaddr_of(connected_->address).text())
                  .set("security", libp2p::protocol_of(connected_->security))
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

}  // namespace

Result<void> p2p_dial(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    return Dialling{options, std::move(config)}.run();
}

Result<void> p2p_ping(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    return Pinging{options, std::move(config)}.run();
}

}  // namespace sennit::cli
