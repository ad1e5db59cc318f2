// SPDX-License-Identifier: MIT
/// `sennit p2p pub`: says something in a topic.
#include <algorithm>
#include <cstdio>

#include "cli/p2p_gossip.hpp"
#include "io/file.hpp"
#include "io/random.hpp"

namespace sennit::cli {

namespace {

using libp2p::gossipsub::Router;

/// So much may wait for the slowest peer before the next message is made.
constexpr std::size_t kBacklogMax = 1u << 20;
constexpr std::size_t kAtOnce = 128;
/// For what is written to leave the machine.
constexpr std::chrono::milliseconds kLinger{300};

class Publishing : public Gossiping {
  public:
    Publishing(const P2pOptions& options, libp2p::Swarm::Config config, Bytes data)
        : Gossiping{options, std::move(config)}, data_{std::move(data)} {}

  private:
    const std::string& topic() const { return options_.topic; }

    Result<void> start() override {
        driver_.after(std::chrono::seconds{options_.timeout_seconds}, [this] {
            if (count_ > 0) return;
            driver_.stop(Error{Errc::timeout, "nobody is in the topic", Error::kNowhere, topic()});
        });
        return {};
    }

    void on_event(const Router::Event& event) override {
        if (!std::holds_alternative<Router::Subscribed>(event) || begun_) return;
        if (router().subscribers(topic()).size() < options_.wait_for) return;
        begun_ = true;
        began_ = driver_.now().at;
        driver_.after(Duration::zero(), [this] { publish(); });
    }

    void publish() {
        const bool in_a_row = options_.interval_ms == 0;
        for (std::size_t i = 0; i < (in_a_row ? kAtOnce : 1); ++i) {
            if (count_ == messages_) return drain();
            if (router().backlog() > kBacklogMax) break;
            const auto done = router().publish(topic(), next_data(), driver_.now());
            if (!done) return driver_.stop(done.error());
            ++count_;
            receivers_ = done->peers;
            if (!options_.quiet && !in_a_row) {
                tell("published",
                     json::Value::object({{"id", to_hex(done->id)}, {"peers", done->peers}}),
                     "published to " + std::to_string(done->peers) + " peers");
            }
        }
        if (count_ == messages_) return drain();
        // A millisecond behind the slowest reader is no loss.
        const bool waits = router().backlog() > kBacklogMax;
        driver_.after(in_a_row ? std::chrono::milliseconds{waits ? 1 : 0}
                               : std::chrono::milliseconds{options_.interval_ms},
                      [this] { publish(); });
    }

    Bytes next_data() {
        Bytes out = options_.stamp ? stamp(driver_.now()) : Bytes{};
        out.insert(out.end(), data_.begin(), data_.end());
        return out;
    }

    /// A reader that has heard enough may leave before we do.
    void on_alone(const Error& why) override {
        if (count_ < messages_) return Gossiping::on_alone(why);
        if (ended_ == Instant{}) ended_ = driver_.now().at;
        driver_.stop();
    }

    void drain() {
        if (pubsub_->idle()) {
            ended_ = driver_.now().at;
            driver_.after(kLinger, [this] { driver_.stop(); });
        } else {
            driver_.after(std::chrono::milliseconds{1}, [this] { drain(); });
        }
    }

    Result<void> finish() override {
        if (count_ < messages_)
            return Error{Errc::io, "stopped before all was published", Error::kNowhere, {}};
        const auto took = std::chrono::duration<double>{ended_ - began_}.count();
        const auto& counters = router().counters();
        const auto lost = counters.send_full + counters.send_late + counters.send_too_large;
        auto line = std::to_string(count_) + " messages to " + std::to_string(receivers_) +
                    " peers in " + std::to_string(took) + " s";
        if (lost > 0)
            line +=
                ", " + std::to_string(lost) + " not sent: peers are behind or take no such size";
        tell("total",
             json::Value::object({{"messages", count_},
                                  {"peers", receivers_},
                                  {"seconds", took},
                                  {"notSent", lost}}),
             line);
        if (lost > 0) return Error{Errc::busy, "not all was sent", Error::kNowhere, {}};
        return {};
    }

    Bytes data_;
    std::uint64_t messages_{std::max<std::uint64_t>(options_.messages, 1)};
    bool begun_{false};
    std::uint64_t count_{0};
    std::size_t receivers_{0};
    Instant began_{}, ended_{};
};

Result<Bytes> data_of(const P2pOptions& options) {
    if (!options.file.empty()) {
        SENNIT_TRY(const auto text, io::read_file(options.file));
        return to_bytes(as_bytes(text));
    }
    if (!options.hex.empty()) return parse_data(options.hex);
    if (!options.size.empty()) {
        SENNIT_TRY(const auto size, parse_size(options.size));
        const std::size_t stamped = options.stamp ? kStampSize : 0;
        if (size > (4u << 20) || size < stamped)
            return Error{Errc::invalid, "not a size for a message", Error::kNowhere, options.size};
        Bytes out(size - stamped);
        Rng{io::system_seed()}.fill(out);
        return out;
    }
    return to_bytes(as_bytes(options.text));
}

}  // namespace

Result<void> p2p_pub(const P2pOptions& options) {
    SENNIT_TRY(auto data, data_of(options));
    SENNIT_TRY(auto config, config_of(options));
    return Publishing{options, std::move(config), std::move(data)}.run();
}

}  // namespace sennit::cli
