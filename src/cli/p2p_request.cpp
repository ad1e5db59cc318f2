// SPDX-License-Identifier: MIT
/// `sennit p2p request`: one question in one of the peer's own protocols.
#include <cstdio>

#include "base/bytes.hpp"
#include "cli/keys.hpp"
#include "cli/p2p_common.hpp"
#include "io/file.hpp"

namespace sennit::cli {

namespace {

using libp2p::Swarm;
using libp2p::request_response::RequestResponse;

class Requesting : public Asking {
  public:
    Requesting(const P2pOptions& options, Swarm::Config config, Bytes question)
        : Asking{options, std::move(config)},
          machine_{driver_.swarm(), {request_protocol(options, options.protocol)}, {}},
          question_{std::move(question)} {
        driver_.attach(machine_, [this] { return poll(); });
    }

  private:
    void on_event(const Swarm::Event& event) override {
        if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
            peer_ = connected->peer;
            asked_at_ = driver_.now().at;
            const auto asked = machine_.request(connected->id, options_.protocol,
                                                std::move(question_), driver_.now());
            if (!asked) driver_.stop(asked.error());
        } else {
            Asking::on_event(event);
        }
    }

    bool poll() {
        bool any = false;
        while (auto told = machine_.poll_event()) {
            any = true;
            on_told(*told);
        }
        return any;
    }

    void on_told(RequestResponse::Event& told) {
        if (auto* response = std::get_if<RequestResponse::Response>(&told)) {
            answer_ = std::move(response->bytes);
            took_ = driver_.now().at - asked_at_;
            driver_.stop();
        } else if (const auto* failure = std::get_if<RequestResponse::Failure>(&told)) {
            stop_refused(failure->why, options_.protocol);
        }
    }

    Result<void> finish() override {
        if (!answer_) return Error{Errc::io, "stopped before the answer", Error::kNowhere, {}};
        if (options_.json) {
            print(json::Value::object({{"peer", peer_.text()},
                                       {"protocol", options_.protocol},
                                       {"size", answer_->size()},
                                       {"bytes", to_hex(*answer_)},
                                       {"ms", milliseconds(took_)}}));
        } else if (options_.raw) {
            std::fwrite(answer_->data(), 1, answer_->size(), stdout);
        } else {
            std::printf("%s\n", to_hex(*answer_).c_str());
        }
        if (std::fflush(stdout) != 0)
            return Error{Errc::io, "cannot write the answer", Error::kNowhere, {}};
        return {};
    }

    RequestResponse machine_;
    Bytes question_;
    libp2p::PeerId peer_;
    Instant asked_at_{};
    Duration took_{};
    std::optional<Bytes> answer_;
};

Result<Bytes> question_of(const P2pOptions& options) {
    if (options.file.empty()) return parse_data(options.hex);
    SENNIT_TRY(const auto text, io::read_file(options.file));
    return to_bytes(as_bytes(text));
}

}  // namespace

Result<void> p2p_request(const P2pOptions& options) {
    SENNIT_TRY(auto question, question_of(options));
    SENNIT_TRY(auto config, config_of(options));
    return Requesting{options, std::move(config), std::move(question)}.run();
}

}  // namespace sennit::cli
