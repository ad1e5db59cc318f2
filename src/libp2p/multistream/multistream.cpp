// SPDX-License-Identifier: MIT
#include "libp2p/multistream/multistream.hpp"

#include "base/printable.hpp"

namespace sennit::libp2p::multistream {

namespace {

/// Of a peer's text in a sentence of ours.
constexpr std::size_t kShownMax = 60;

void append(Bytes& out, std::string_view text) {
    Writer message;
    write_message(message, text);
    out.insert(out.end(), message.bytes().begin(), message.bytes().end());
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

Error not_multistream(std::string_view text) {
    return Error{Errc::malformed, "does not speak multistream 1.0", 0,
                 "it says \"" + printable(text, kShownMax) + "\""};
}

}  // namespace

void write_message(Writer& out, std::string_view text) {
    SENNIT_ASSERT(text.size() < kMessageSizeMax);
    write_varint(out, text.size() + 1);
    out.text(text).le(std::uint8_t{'\n'});
}

Result<std::optional<std::string_view>> MessageCutter::next(BytesView& in) {
    if (frames_.at_boundary()) message_at_ = offset_;
    const auto before = in.size();
    auto frame = frames_.next(in);
    offset_ += before - in.size();
    if (!frame) {
        auto error = std::move(frame).error();
        error.at = message_at_;
        return error;
    }
    if (!*frame) return std::optional<std::string_view>{};
    const auto text = as_text(**frame);
    if (text.empty() || text.back() != '\n')
        return Error{Errc::malformed, "message without its newline", offset_, {}};
    return std::optional{text.substr(0, text.size() - 1)};
}

Dialler::Dialler(std::vector<std::string> proposals) : proposals_{std::move(proposals)} {
    SENNIT_ASSERT(!proposals_.empty());
}

void Dialler::start(Bytes& out) {
    SENNIT_ASSERT(asked_ == 0);
    append(out, kHeader);
    append(out, proposals_[asked_++]);
}

Result<std::optional<std::string>> Dialler::on_bytes(BytesView& in, Bytes& out) {
    SENNIT_ASSERT(asked_ > 0);
    for (;;) {
        SENNIT_TRY(const auto text, messages_.next(in));
        if (!text) return std::optional<std::string>{};
        if (!header_came_) {
            if (*text != kHeader) return not_multistream(*text);
            header_came_ = true;
            continue;
        }
        if (*text == proposals_[asked_ - 1]) return std::optional{proposals_[asked_ - 1]};
        if (*text != kNotAvailable) {
            return Error{Errc::mismatch, "answer to another question", Error::kNowhere,
                         "asked for " + proposals_[asked_ - 1] + ", answered \"" +
                             printable(*text, kShownMax) + "\""};
        }
        if (asked_ == proposals_.size()) {
            return Error{Errc::unsupported, "the other side speaks none of these", Error::kNowhere,
                         joined(proposals_)};
        }
        append(out, proposals_[asked_++]);
    }
}

Result<std::optional<std::string>> Listener::on_bytes(BytesView& in, Bytes& out) {
    for (;;) {
        SENNIT_TRY(const auto text, messages_.next(in));
        if (!text) return std::optional<std::string>{};
        if (!header_came_) {
            if (*text != kHeader) return not_multistream(*text);
            header_came_ = true;
            append(out, kHeader);
            continue;
        }
        if (++answers_ > kProposalsMax)
            return Error{Errc::busy, "too many proposals", Error::kNowhere, {}};
        if (speaks_(*text)) {
            refused_ = false;
            append(out, *text);
            return std::optional{std::string{*text}};
        }
        refused_ = true;
        append(out, kNotAvailable);
    }
}

}  // namespace sennit::libp2p::multistream
