// SPDX-License-Identifier: MIT
/// `sennit p2p sub`: what is said in topics.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/printable.hpp"
#include "cli/p2p_gossip.hpp"

namespace sennit::cli {

namespace {

using libp2p::PeerId;
using libp2p::gossipsub::Message;
using libp2p::gossipsub::Router;

constexpr std::size_t kShownMax = 200;
constexpr std::size_t kLatenciesMax = 1'000'000;

std::string author_of(const Message& message) {
    if (!message.from) return "somebody";
    const auto author = PeerId::from_bytes(*message.from);
    return author ? author->text() : "somebody";
}

class Subscribing : public Gossiping {
  public:
    using Gossiping::Gossiping;

  private:
    Result<void> start() override {
        // All that is signed is passed on: a tool has no opinion about what others say.
        for (const auto& topic : options_.topics) {
            SENNIT_TRY(
                router().join(topic, {.ask = false, .data_size_max = kReceiveMax}, driver_.now()));
        }
        if (options_.quiet) watch();
        return {};
    }

    void on_event(const Router::Event& event) override {
        const auto* const got = std::get_if<Router::Received>(&event);
        if (got == nullptr || done()) return;
        const auto now = driver_.now();
        static const Bytes kNothing;
        const auto& data = got->message->data ? *got->message->data : kNothing;
        if (count_ == 0) first_ = now.at;
        last_ = now.at;
        ++count_;
        bytes_ += data.size();
        const auto took = latency(data, now);
        if (took && latencies_.size() < kLatenciesMax) latencies_.push_back(milliseconds(*took));
        if (!options_.quiet) show(*got, data, took);
        if (done()) driver_.stop();
    }
    bool done() const { return options_.messages > 0 && count_ >= options_.messages; }

    void show(const Router::Received& got, const Bytes& data, std::optional<Duration> took) {
        const auto& topic = got.message->topic;
        if (options_.json) {
            auto out = json::Value::object({{"event", "message"},
                                            {"topic", topic},
                                            {"id", to_hex(got.id)},
                                            {"from", got.from.text()},
                                            {"author", author_of(*got.message)},
                                            {"size", data.size()},
                                            {"data", to_hex(data)}});
            if (took) out.set("latencyMs", milliseconds(*took));
            return print(out);
        }
        std::printf("%s  %s, %zu bytes: %s%s\n", topic.c_str(), author_of(*got.message).c_str(),
                    data.size(), printable(as_text(data), kShownMax).c_str(),
                    data.size() > kShownMax ? " ..." : "");
        std::fflush(stdout);
    }

    /// A line a second.
    void watch() {
        driver_.after(std::chrono::seconds{1}, [this] {
            const auto count = count_ - told_count_;
            const auto rate = static_cast<double>(bytes_ - told_bytes_);
            tell("rate",
                 json::Value::object({{"messages", count}, {"bytes", bytes_ - told_bytes_}}),
                 std::to_string(count) + " messages/s, " + format_size(rate) + "/s");
            told_count_ = count_;
            told_bytes_ = bytes_;
            watch();
        });
    }

    Result<void> finish() override {
        const auto took = std::chrono::duration<double>{last_ - first_}.count();
        const auto rate = took > 0 ? static_cast<double>(count_ - 1) / took : 0;
        const auto& counters = router().counters();
        auto more = json::Value::object({{"messages", count_},
                                         {"bytes", bytes_},
                                         {"seconds", took},
                                         {"duplicates", counters.duplicates},
                                         {"invalid", counters.invalid}});
        auto line = std::to_string(count_) + " messages, " +
                    format_size(static_cast<double>(bytes_)) + " in " + std::to_string(took) +
                    " s (" + std::to_string(static_cast<std::uint64_t>(rate)) + "/s), " +
                    std::to_string(counters.duplicates) + " copies, " +
                    std::to_string(counters.invalid) + " invalid";
        if (!latencies_.empty()) {
            std::ranges::sort(latencies_);
            const auto sum = std::accumulate(latencies_.begin(), latencies_.end(), 0.0);
            const auto mean = sum / static_cast<double>(latencies_.size());
            const auto p99 = latencies_[latencies_.size() * 99 / 100];
            more.set("latencyMs", json::Value::object({{"min", latencies_.front()},
                                                       {"mean", mean},
                                                       {"p99", p99},
                                                       {"max", latencies_.back()}}));
            std::array<char, 96> text{};
            std::snprintf(text.data(), text.size(),
                          "; latency min %.3f, mean %.3f, p99 %.3f, max %.3f ms",
                          latencies_.front(), mean, p99, latencies_.back());
            line += text.data();
        }
        tell("total", more, line);
        return {};
    }

    std::uint64_t count_{0}, bytes_{0}, told_count_{0}, told_bytes_{0};
    Instant first_{}, last_{};
    std::vector<double> latencies_;
};

}  // namespace

Result<void> p2p_sub(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    return Subscribing{options, std::move(config)}.run();
}

}  // namespace sennit::cli
