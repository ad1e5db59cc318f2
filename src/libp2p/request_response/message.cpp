// SPDX-License-Identifier: MIT
#include "libp2p/request_response/message.hpp"

namespace sennit::libp2p::request_response {

std::string_view to_string(Framing framing) {
    switch (framing) {
        case Framing::prefixed: return "prefixed";
        case Framing::to_end: return "to-end";
    }
    return "?";
}

Bytes frame(Framing framing, Bytes message) {
    if (framing == Framing::to_end) return message;
    Writer out{kVarintSizeMax + message.size()};
    write_prefixed(out, message);
    return std::move(out).take();
}

Result<void> MessageReader::on_bytes(BytesView in) {
    if (in.empty()) return {};
    if (whole_) return Error{Errc::trailing, "bytes behind the message", came_, {}};
    came_ += in.size();
    if (framing_ == Framing::to_end) {
        if (in.size() > size_max_ - message_.size()) {
            return Error{Errc::oversized, "message too long", size_max_,
                         "at most " + std::to_string(size_max_) + " bytes"};
        }
        message_.insert(message_.end(), in.begin(), in.end());
        return {};
    }
    SENNIT_TRY(const auto came, cutter_.next(in));
    if (!came) return {};
    message_ = to_bytes(*came);
    whole_ = true;
    cutter_ = FrameCutter{size_max_};
    if (!in.empty())
        return Error{Errc::trailing, "bytes behind the message", came_ - in.size(), {}};
    return {};
}

Result<void> MessageReader::on_end() {
    if (framing_ == Framing::to_end) whole_ = true;
    if (whole_) return {};
    return Error{Errc::truncated, "closed before the message was whole", came_, {}};
}

Bytes MessageReader::take() {
    SENNIT_ASSERT(whole_);
    return std::exchange(message_, {});
}

}  // namespace sennit::libp2p::request_response
