// SPDX-License-Identifier: MIT
#include "libp2p/tls/der.hpp"

namespace sennit::libp2p::tls::der {

namespace {

struct Length {
    std::size_t header;  ///< tag and length, bytes
    std::size_t content;
};

/// Of the element that `in` begins with. One with a length of more than two bytes would be larger
/// than any certificate that is taken.
Result<Length> read_length(BytesView in, std::uint64_t at) {
    const Error cut{Errc::truncated, "DER ends within an element", at, {}};
    const Error longer{Errc::malformed, "DER length not as short as can be", at, {}};
    if (in.size() < 2) return cut;
    const std::size_t first = in[1];
    if (first < 0x80) return Length{2, first};
    if (first == 0x81) {
        if (in.size() < 3) return cut;
        if (in[2] < 0x80) return longer;
        return Length{3, in[2]};
    }
    if (first == 0x82) {
        if (in.size() < 4) return cut;
        const std::size_t size = std::size_t{in[2]} << 8 | in[3];
        if (size < 0x100) return longer;
        return Length{4, size};
    }
    if (first == 0x80) return Error{Errc::malformed, "DER without a length", at, {}};
    return Error{Errc::oversized, "DER element too long", at, {}};
}

}  // namespace

Result<Element> Reader::take(std::uint8_t tag) {
    if (in_.empty()) return Error{Errc::truncated, "DER element missing", at_, {}};
    if (in_[0] != tag) return Error{Errc::malformed, "another DER element than expected", at_, {}};
    SENNIT_TRY(const auto length, read_length(in_, at_));
    const auto size = length.header + length.content;
    if (size > in_.size()) return Error{Errc::truncated, "DER ends within an element", at_, {}};
    const Element out{in_.first(size), in_.subspan(length.header, length.content),
                      at_ + length.header};
    in_ = in_.subspan(size);
    at_ += size;
    return out;
}

Result<void> Reader::done() const {
    if (in_.empty()) return {};
    return Error{Errc::trailing, "bytes behind the last DER element", at_, {}};
}

void append(Bytes& out, std::uint8_t tag, BytesView content) {
    SENNIT_ASSERT(content.size() <= 0xffff);
    out.push_back(tag);
    if (content.size() >= 0x100) {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
    } else if (content.size() >= 0x80) {
        out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(content.size()));
    out.insert(out.end(), content.begin(), content.end());
}

}  // namespace sennit::libp2p::tls::der
