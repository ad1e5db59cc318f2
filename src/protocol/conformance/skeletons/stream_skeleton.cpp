// SPDX-License-Identifier: MIT
#include "protocol/conformance/skeletons/stream_skeleton.hpp"

#include <deque>

#include "protocol/conformance/skeletons/plain_codec.hpp"
#include "protocol/framing/frame_reader.hpp"
#include "protocol/stream_protocol.hpp"

namespace sennit::protocol::conformance {
namespace {

constexpr Duration kPingAfter = std::chrono::seconds{30};
constexpr Duration kSilenceMax = std::chrono::seconds{120};
constexpr std::size_t kHandshakeSizeMax = 4096;

class Layout : public FrameLayout {
  public:
    Result<std::optional<FrameHead>> parse(BytesView prefix) const override {
        if (prefix.size() < 4) return std::optional<FrameHead>{};
        Reader in{prefix};
        SENNIT_TRY(const auto size, in.be<std::uint32_t>());
        return std::optional{FrameHead{0, 4, size}};
    }
    Result<std::size_t> payload_size_max(std::uint8_t) const override {
        return established ? kPlainSizeMax : kHandshakeSizeMax;
    }
    bool established{false};
};

SharedBytes framed(BytesView payload) {
    Writer out{payload.size() + 4};
    out.be(static_cast<std::uint32_t>(payload.size())).raw(payload);
    return std::make_shared<const Bytes>(std::move(out).take());
}

class StreamSkeleton : public Session {
  public:
    explicit StreamSkeleton(SessionLink& link)
        : link_{&link}, reader_{layout_, *link.world().budget} {}

    void on_open(Now now) override {
        heard_ = said_ = now.at;
        if (!link_->inbound()) say_status(now);
    }
    void on_bytes(BytesView bytes, Now now) override {
        heard_ = now.at;
        while (!closed_) {
            auto frame = reader_.feed(bytes, now.at);
            if (!frame) return fail(Offence::framing, std::move(frame).error());
            if (!*frame) return;
            on_frame(**frame, now);
        }
    }
    void on_deadline(Now now) override {
        if (!layout_.established) return;
        if (!link_->reading()) on_resumed(now);
        if (now.at >= heard_ + kSilenceMax) {
            return fail(Offence::silent, {Errc::timeout, "no sign of life", 0, {}});
        }
        if (reader_.deadline() && now.at >= *reader_.deadline()) {
            return fail(Offence::silent, {Errc::timeout, "a large frame was not finished", 0, {}});
        }
        if (now.at >= said_ + kPingAfter) {
            said_ = now.at;
            out_.push_back(Write{framed({}), Priority::control});
        }
    }
    std::optional<Instant> deadline() const override {
        if (!layout_.established) return std::nullopt;
        const auto at = std::min(heard_ + kSilenceMax, said_ + kPingAfter);
        return std::min(at, reader_.deadline().value_or(at));
    }
    std::optional<SessionOutput> poll() override {
        if (out_.empty()) return std::nullopt;
        auto output = std::move(out_.front());
        out_.pop_front();
        return output;
    }
    EncodeResult encode(const Message& message, const EncodeContext&, Now now) override {
        auto bytes = encode_plain(message);
        if (!bytes) return Refusal::unsupported;
        if (bytes->size() > kPlainSizeMax) return Refusal::too_large;
        said_ = now.at;
        return Encoded{{framed(*bytes)}, 0};
    }
    void on_resumed(Now now) override {
        heard_ = now.at;
        reader_.restart_clock(now.at);
    }

  private:
    void say_status(Now now) {
        said_ = now.at;
        out_.push_back(
            Write{framed(*encode_plain(Message{link_->view().status})), Priority::control});
    }
    void fail(Offence offence, Error error) {
        closed_ = true;
        out_.push_back(Offended{offence, error, "frame"});
        out_.push_back(Close{error.text()});
    }
    void on_frame(const Frame& frame, Now now) {
        if (frame.payload.empty()) return;
        auto message = decode_plain(frame.payload);
        if (!message) {
            if (!layout_.established) return fail(Offence::malformed, std::move(message).error());
            out_.push_back(Offended{Offence::malformed, message.error(), "message"});
            return;
        }
        if (!layout_.established) return on_status(**message, now);
        std::optional<RequestId> answers;
        if (const auto* blocks = std::get_if<Blocks>(message->get())) {
            const auto* pending = asked_for(*blocks);
            if (pending == nullptr) {
                out_.push_back(Offended{Offence::unsolicited,
                                        {Errc::mismatch, "nobody asked for these", 0, {}},
                                        "Blocks"});
                return;
            }
            answers = pending->id;
            link_->claim(*answers);
        }
        out_.push_back(Deliver{*message, frame.wire_size, answers, 0});
    }
    const Requests::Pending* asked_for(const Blocks& blocks) const {
        if (blocks.blocks.empty()) return link_->requests().oldest(Kind::blocks);
        const auto first = blocks.blocks.front().height();
        return link_->requests().find<GetBlocks>([&](const GetBlocks& ask, const auto&) {
            return std::get<BlockRange>(ask.what).from == first;
        });
    }
    void on_status(const Message& message, Now now) {
        const auto* status = std::get_if<Status>(&message);
        if (status == nullptr || status->genesis != link_->view().genesis) {
            return fail(Offence::malformed, {Errc::mismatch, "another chain", 0, {}});
        }
        layout_.established = true;
        if (link_->inbound()) say_status(now);
        PeerFacts facts;
        facts.address = link_->remote();
        facts.traits = {kPlainKinds, kPlainForms, true, false, 0, 64};
        facts.status = *status;
        out_.push_back(Established{std::move(facts)});
    }

    SessionLink* link_;
    Layout layout_;
    FrameReader reader_;
    std::deque<SessionOutput> out_;
    Instant heard_{};
    Instant said_{};
    bool closed_{false};
};

class Factory : public SessionFactory {
  public:
    std::unique_ptr<Session> open(SessionLink& link) override {
        return std::make_unique<StreamSkeleton>(link);
    }
};

}  // namespace

Result<std::unique_ptr<Protocol>> make_stream_skeleton(const Config& config, const Keys&,
                                                       const Rng& rng, const SavedValues&) {
    StreamOptions options;
    options.traits.says = kPlainKinds;
    options.traits.forms = kPlainForms;
    options.traits.message_size_max = kPlainSizeMax;
    options.traits.requests_in_flight_max = 8;
    options.listens = config.listens;
    return std::unique_ptr<Protocol>{std::make_unique<StreamProtocol>(
        std::move(options), std::make_unique<Factory>(), rng.fork("stream"), config.frame_budget)};
}

}  // namespace sennit::protocol::conformance
