// SPDX-License-Identifier: MIT
#include "crypto/keccak.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sennit::crypto {

namespace {

static_assert(std::endian::native == std::endian::little,
              "lanes are read and written as they lie in memory");

using State = std::array<std::uint64_t, 25>;

constexpr std::array<std::uint64_t, 24> kRoundConstants{
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/// One row of chi, from five lanes that rho and pi have put side by side.
inline void chi(std::uint64_t* row, std::uint64_t b0, std::uint64_t b1, std::uint64_t b2,
                std::uint64_t b3, std::uint64_t b4) {
    row[0] = b0 ^ (~b1 & b2);
    row[1] = b1 ^ (~b2 & b3);
    row[2] = b2 ^ (~b3 & b4);
    row[3] = b3 ^ (~b4 & b0);
    row[4] = b4 ^ (~b0 & b1);
}

/// One round from `a` into `e`. Written out so that every lane and rotation is a constant: as
/// loops over x and y it takes about three times as long.
inline void keccak_round(const State& a, State& e, std::uint64_t constant) {
    const auto rot = [](std::uint64_t lane, int by) { return std::rotl(lane, by); };
    const std::uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    const std::uint64_t c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    const std::uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    const std::uint64_t c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    const std::uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    const std::uint64_t d0 = c4 ^ rot(c1, 1);
    const std::uint64_t d1 = c0 ^ rot(c2, 1);
    const std::uint64_t d2 = c1 ^ rot(c3, 1);
    const std::uint64_t d3 = c2 ^ rot(c4, 1);
    const std::uint64_t d4 = c3 ^ rot(c0, 1);
    chi(&e[0], a[0] ^ d0, rot(a[6] ^ d1, 44), rot(a[12] ^ d2, 43), rot(a[18] ^ d3, 21),
        rot(a[24] ^ d4, 14));
    e[0] ^= constant;
    chi(&e[5], rot(a[3] ^ d3, 28), rot(a[9] ^ d4, 20), rot(a[10] ^ d0, 3), rot(a[16] ^ d1, 45),
        rot(a[22] ^ d2, 61));
    chi(&e[10], rot(a[1] ^ d1, 1), rot(a[7] ^ d2, 6), rot(a[13] ^ d3, 25), rot(a[19] ^ d4, 8),
        rot(a[20] ^ d0, 18));
    chi(&e[15], rot(a[4] ^ d4, 27), rot(a[5] ^ d0, 36), rot(a[11] ^ d1, 10), rot(a[17] ^ d2, 15),
        rot(a[23] ^ d3, 56));
    chi(&e[20], rot(a[2] ^ d2, 62), rot(a[8] ^ d3, 55), rot(a[14] ^ d4, 39), rot(a[15] ^ d0, 41),
        rot(a[21] ^ d1, 2));
}

void permute(State& state) {
    State other;
    for (std::size_t round = 0; round < kRoundConstants.size(); round += 2) {
        keccak_round(state, other, kRoundConstants[round]);
        keccak_round(other, state, kRoundConstants[round + 1]);
    }
}

/// XORs `bytes` into the state from byte `at` on.
void absorb(State& state, std::size_t at, BytesView bytes) {
    std::size_t i = 0;
    for (; i < bytes.size() && (at + i) % 8 != 0; ++i) {
        state[(at + i) / 8] ^= std::uint64_t{bytes[i]} << (8 * ((at + i) % 8));
    }
    for (; i + 8 <= bytes.size(); i += 8) {
        std::uint64_t lane;
        std::memcpy(&lane, bytes.data() + i, sizeof lane);
        state[(at + i) / 8] ^= lane;
    }
    for (; i < bytes.size(); ++i) {
        state[(at + i) / 8] ^= std::uint64_t{bytes[i]} << (8 * ((at + i) % 8));
    }
}

}  // namespace

Keccak256& Keccak256::update(BytesView bytes) {
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), kRate - filled_));
        absorb(state_, filled_, piece);
        bytes = bytes.subspan(piece.size());
        filled_ += piece.size();
        if (filled_ == kRate) {
            permute(state_);
            filled_ = 0;
        }
    }
    return *this;
}

Digest Keccak256::finish() {
    state_[filled_ / 8] ^= std::uint64_t{0x01} << (8 * (filled_ % 8));
    state_[kRate / 8 - 1] ^= std::uint64_t{0x80} << 56;
    permute(state_);
    Digest digest;
    std::memcpy(digest.data(), state_.data(), Digest::kSize);
    *this = Keccak256{};
    return digest;
}

Digest keccak256(BytesView bytes) { return Keccak256{}.update(bytes).finish(); }

}  // namespace sennit::crypto
