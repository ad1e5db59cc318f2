// SPDX-License-Identifier: MIT
#include "chain/signers.hpp"

namespace sennit::chain {

bool covers(std::span<const std::uint8_t> bitmap, std::span<const std::uint8_t> part) {
    SENNIT_ASSERT(bitmap.size() == part.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
        if ((part[i] & ~bitmap[i]) != 0) return false;
    }
    return true;
}

CertificatePtr merged(const CertificatePtr& held, const CertificatePtr& other) {
    SENNIT_ASSERT(held->link == other->link);
    if (covers(held->bitmap, other->bitmap)) return held;
    auto out = std::make_shared<Certificate>(*held);
    out->signatures.clear();
    std::size_t of_held = 0;
    std::size_t of_other = 0;
    for (std::size_t bit = 0; bit < held->bitmap.size() * 8; ++bit) {
        const bool here = bit_set(held->bitmap, bit);
        const bool there = bit_set(other->bitmap, bit);
        if (here) out->signatures.push_back(held->signatures[of_held]);
        if (there && !here) {
            out->signatures.push_back(other->signatures[of_other]);
            set_bit(out->bitmap, bit);
        }
        of_held += here ? 1 : 0;
        of_other += there ? 1 : 0;
    }
    return out;
}

}  // namespace sennit::chain
