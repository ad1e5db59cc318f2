// SPDX-License-Identifier: MIT
/// `sennit p2p perf`: how fast a peer is.
#include <unistd.h>

#include <cstdio>

#include "cli/p2p_common.hpp"
#include "libp2p/perf/perf.hpp"

namespace sennit::cli {

namespace {

using libp2p::Swarm;
using libp2p::perf::Client;
using Seconds = std::chrono::duration<double>;

constexpr std::string_view kEachWay = "100M";
constexpr std::chrono::seconds kStep{1};

double seconds(Duration duration) {
    return Seconds{duration}.count();
}

std::string speed(std::uint64_t bytes, Duration took) {
    const auto rate = static_cast<double>(bytes) / std::max(seconds(took), 1e-9);
    std::array<char, 32> bits{};
    std::snprintf(bits.data(), bits.size(), "%.1f Mbit/s", rate * 8 / 1e6);
    return format_size(rate) + "/s, " + bits.data();
}

/// Two measurements on one connection: a byte, for the latency; then what was asked for.
class Measuring : public Asking {
  public:
    Measuring(const P2pOptions& options, Swarm::Config config, Client::Job job)
        : Asking{options, std::move(config)}, client_{driver_.swarm()}, job_{job} {
        driver_.attach(client_, [this] { return poll(); });
    }

  private:
    void on_event(const Swarm::Event& event) override {
        if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
            connection_ = connected->id;
            watches_itself_ = true;
            if (!options_.json) print_peer(*connected);
            start({.upload = 0, .download = 1, .idle_max = job_.idle_max});
            show_progress();
            return;
        }
        Asking::on_event(event);
    }

    bool poll() {
        if (!client_.outcome() || done_) return false;
        on_outcome();
        return true;
    }

    void print_peer(const Swarm::Connected& event) {
        std::printf("peer       %s\n", event.peer.text().c_str());
        std::fflush(stdout);
    }

    void start(const Client::Job& job) {
        began_ = told_at_ = driver_.now().at;
        const auto started = client_.start(connection_, job, driver_.now());
        if (started) return;
        done_ = true;
        driver_.stop(started.error());
    }

    void on_outcome() {
        const auto outcome = *client_.outcome();
        const bool first = !latency_;
        done_ = !first || !outcome || (job_.upload == 0 && job_.download == 0);
        if (!outcome) return stop_refused(outcome.error(), libp2p::perf::kProtocol);
        if (first) latency_ = outcome->latency;
        if (!done_) return start(job_);
        report_ = first ? Client::Report{} : *outcome;
        took_ = driver_.now().at - began_;
        driver_.stop();
    }

    void show_progress() {
        driver_.after(kStep, [this] {
            if (done_) return;
            if (latency_) tell_progress();
            show_progress();
        });
    }

    void tell_progress() {
        const auto now = driver_.now().at;
        const auto up = client_.uploaded() - told_up_;
        const auto down = client_.downloaded() - told_down_;
        if (options_.json) {
            print(line("intermediary", now - told_at_, up, down));
        } else if (::isatty(STDERR_FILENO) != 0) {
            std::fprintf(stderr, "\r%4.0f s  %s up, %s down, %s\033[K", seconds(now - began_),
                         format_size(static_cast<double>(client_.uploaded())).c_str(),
                         format_size(static_cast<double>(client_.downloaded())).c_str(),
                         speed(up + down, now - told_at_).c_str());
        }
        told_at_ = now;
        told_up_ += up;
        told_down_ += down;
    }

    /// As the tools of libp2p's own comparisons print it.
    static json::Value line(const char* type, Duration took, std::uint64_t up, std::uint64_t down) {
        return json::Value::object({{"type", type},
                                    {"timeSeconds", seconds(took)},
                                    {"uploadBytes", up},
                                    {"downloadBytes", down}});
    }

    Result<void> finish() override {
        if (!options_.json && ::isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r\033[K");
        if (!report_)
            return Error{Errc::io, "stopped before the measurement's end", Error::kNowhere, {}};
        if (options_.json) {
            print(line("final", took_, job_.upload, job_.download)
                      .set("latencySeconds", seconds(*latency_))
                      .set("uploadSeconds", seconds(report_->upload_took))
                      .set("downloadSeconds", seconds(report_->download_took)));
            return {};
        }
        std::printf("latency    %.3f ms\n", milliseconds(*latency_));
        tell_way("upload  ", job_.upload, report_->upload_took);
        tell_way("download", job_.download, report_->download_took);
        return {};
    }

    static void tell_way(const char* way, std::uint64_t bytes, Duration took) {
        if (bytes == 0) return;
        std::printf("%s   %s in %.3f s: %s\n", way, format_size(static_cast<double>(bytes)).c_str(),
                    seconds(took), speed(bytes, took).c_str());
    }

    Client client_;
    Client::Job job_;
    bool done_{false};  ///< no further measurement
    libp2p::ConnectionId connection_{};
    Instant began_{};
    Instant told_at_{};
    std::uint64_t told_up_{0};
    std::uint64_t told_down_{0};
    Duration took_{};
    std::optional<Duration> latency_;
    std::optional<Client::Report> report_;
};

}  // namespace

Result<void> p2p_perf(const P2pOptions& options) {
    const bool neither = options.upload.empty() && options.download.empty();
    const auto size = [&](const std::string& text) -> Result<std::uint64_t> {
        if (!text.empty()) return parse_size(text);
        return neither ? parse_size(kEachWay) : Result<std::uint64_t>{0};
    };
    SENNIT_TRY(const auto upload, size(options.upload));
    SENNIT_TRY(const auto download, size(options.download));
    SENNIT_TRY(auto config, config_of(options));
    const Client::Job job{upload, download, std::chrono::seconds{options.timeout_seconds}};
    return Measuring{options, std::move(config), job}.run();
}

}  // namespace sennit::cli
