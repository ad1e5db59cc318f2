// SPDX-License-Identifier: MIT
#include "libp2p/varint.hpp"

#include <algorithm>

namespace sennit::libp2p {

Result<std::uint64_t> read_varint(Reader& in) {
    const auto start = in.offset();
    std::uint64_t value = 0;
    for (unsigned i = 0; i < kVarintSizeMax; ++i) {
        SENNIT_TRY(const auto byte, in.le<std::uint8_t>());
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if ((byte & 0x80u) != 0) continue;
        if (byte == 0 && i > 0) return Error{Errc::malformed, "varint not minimal", start, {}};
        return value;
    }
    return Error{Errc::oversized, "varint over 9 bytes", start, {}};
}

void write_varint(Writer& out, std::uint64_t value) {
    SENNIT_ASSERT(value < std::uint64_t{1} << 63);
    out.uleb128(value);
}

std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    while ((value >>= 7) != 0) ++size;
    return size;
}

Result<BytesView> read_prefixed(Reader& in) {
    SENNIT_TRY(const auto size, read_varint(in));
    if (size > in.remaining()) return in.fail(Errc::truncated, "shorter than its length prefix");
    return in.take(size);
}

void write_prefixed(Writer& out, BytesView bytes) {
    write_varint(out, bytes.size());
    out.raw(bytes);
}

namespace {

struct Prefix {
    std::size_t size{0};     ///< of the prefix itself
    std::uint64_t frame{0};  ///< of what follows
};

/// nullopt: not whole yet.
Result<std::optional<Prefix>> read_prefix(BytesView bytes, std::size_t frame_size_max) {
    Reader in{bytes.first(std::min(bytes.size(), kVarintSizeMax))};
    const auto frame = read_varint(in);
    if (!frame) {
        if (frame.error().code == Errc::truncated) return std::optional<Prefix>{};
        return frame.error();
    }
    if (*frame > frame_size_max) {
        return Error{Errc::oversized, "frame too long", 0,
                     std::to_string(*frame) + " bytes, at most " + std::to_string(frame_size_max)};
    }
    return std::optional{Prefix{in.offset(), *frame}};
}

}  // namespace

Result<std::optional<BytesView>> FrameCutter::next(BytesView& in) {
    if (handed_out_) {
        // What a large frame needed is not kept for all the small ones after it.
        kept_ = Bytes{};
        handed_out_ = false;
    }
    if (kept_.empty()) {
        SENNIT_TRY(const auto prefix, read_prefix(in, frame_size_max_));
        if (prefix && in.size() - prefix->size >= prefix->frame) {
            const auto frame = in.subspan(prefix->size, prefix->frame);
            in = in.subspan(prefix->size + frame.size());
            return std::optional{frame};
        }
    }
    // The prefix byte by byte, so that nothing of the next frame is taken.
    std::optional<Prefix> prefix;
    for (;;) {
        SENNIT_TRY(prefix, read_prefix(kept_, frame_size_max_));
        if (prefix || in.empty()) break;
        kept_.push_back(in.front());
        in = in.subspan(1);
    }
    if (!prefix) return std::optional<BytesView>{};
    const auto wanted = prefix->size + prefix->frame - kept_.size();
    const auto taken = in.first(std::min<std::size_t>(wanted, in.size()));
    kept_.insert(kept_.end(), taken.begin(), taken.end());
    in = in.subspan(taken.size());
    if (taken.size() < wanted) return std::optional<BytesView>{};
    handed_out_ = true;
    return std::optional{BytesView{kept_}.subspan(prefix->size)};
}

}  // namespace sennit::libp2p
