// SPDX-License-Identifier: MIT
#include "libp2p/tls/record.hpp"

#include <algorithm>

namespace sennit::libp2p::tls {

namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kApplicationData = 23;

}  // namespace

Result<std::optional<BytesView>> RecordCutter::next(BytesView& in) {
    if (given_) kept_.clear();
    given_ = false;
    if (kept_.empty() && in.size() >= kHeaderSize) {
        SENNIT_TRY(const auto size, record_size(in));
        if (in.size() >= size) {
            const auto whole = in.first(size);
            in = in.subspan(size);
            record_at_ += size;
            return std::optional{whole};
        }
    }
    if (!keep(in, kHeaderSize)) return std::optional<BytesView>{};
    SENNIT_TRY(const auto size, record_size(kept_));
    if (!keep(in, size)) return std::optional<BytesView>{};
    given_ = true;
    record_at_ += size;
    return std::optional{BytesView{kept_}};
}

Result<std::size_t> RecordCutter::record_size(BytesView header) const {
    const std::size_t size = std::size_t{header[3]} << 8 | header[4];
    if (header[0] < kChangeCipherSpec || header[0] > kApplicationData || header[1] != 3)
        return Error{Errc::malformed, "not a TLS record", record_at_, {}};
    if (size == 0) return Error{Errc::malformed, "empty TLS record", record_at_, {}};
    if (kHeaderSize + size > kRecordMax)
        return Error{Errc::oversized, "TLS record too long", record_at_, {}};
    return kHeaderSize + size;
}

/// Until `size` bytes are here; whether they are.
bool RecordCutter::keep(BytesView& in, std::size_t size) {
    if (kept_.size() < size) {
        const auto taken = in.first(std::min(in.size(), size - kept_.size()));
        const auto wanted = kept_.size() + taken.size();
        if (wanted > kept_.capacity())
            kept_.reserve(std::min(kRecordMax, std::max(wanted, 2 * kept_.capacity())));
        kept_.insert(kept_.end(), taken.begin(), taken.end());
        in = in.subspan(taken.size());
    }
    if (kept_.empty()) kept_ = Bytes{};
    return kept_.size() >= size;
}

void RecordCutter::check_invariants() const {
    SENNIT_ASSERT(kept_.capacity() <= kRecordMax);
    SENNIT_ASSERT(!given_ || kept_.size() > kHeaderSize);
}

}  // namespace sennit::libp2p::tls
