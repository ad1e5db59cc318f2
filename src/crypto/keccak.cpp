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

/// The XOR of each column's lanes. Summed up while a round writes its lanes, because the next
/// round would otherwise have to read all of them again: a tenth of the time.
struct Parity {
    std::uint64_t c0, c1, c2, c3, c4;
};

/// One row of chi, from five lanes that rho and pi have put side by side.
inline void chi(std::uint64_t* row, Parity& sum, std::uint64_t b0, std::uint64_t b1,
                std::uint64_t b2, std::uint64_t b3, std::uint64_t b4) {
    row[0] = b0 ^ (~b1 & b2);
    row[1] = b1 ^ (~b2 & b3);
    row[2] = b2 ^ (~b3 & b4);
    row[3] = b3 ^ (~b4 & b0);
    row[4] = b4 ^ (~b0 & b1);
    sum.c0 ^= row[0];
    sum.c1 ^= row[1];
    sum.c2 ^= row[2];
    sum.c3 ^= row[3];
    sum.c4 ^= row[4];
}

/// One round from `a`, whose columns have parity `p`, into `e`; returns the parity of `e`. Written
/// out so that every lane and rotation is a constant, and inlined by force: through a call the
/// parity would pass through memory, and the whole take 1.7 times as long.
[[gnu::always_inline]] inline Parity keccak_round(const State& a, State& e, const Parity& p,
                                                  std::uint64_t constant) {
    const auto rot = [](std::uint64_t lane, int by) { return std::rotl(lane, by); };
    const std::uint64_t d0 = p.c4 ^ rot(p.c1, 1);
    const std::uint64_t d1 = p.c0 ^ rot(p.c2, 1);
    const std::uint64_t d2 = p.c1 ^ rot(p.c3, 1);
    const std::uint64_t d3 = p.c2 ^ rot(p.c4, 1);
    const std::uint64_t d4 = p.c3 ^ rot(p.c0, 1);
    Parity sum{constant, 0, 0, 0, 0};
    chi(&e[0], sum, a[0] ^ d0, rot(a[6] ^ d1, 44), rot(a[12] ^ d2, 43), rot(a[18] ^ d3, 21),
        rot(a[24] ^ d4, 14));
    e[0] ^= constant;
    chi(&e[5], sum, rot(a[3] ^ d3, 28), rot(a[9] ^ d4, 20), rot(a[10] ^ d0, 3), rot(a[16] ^ d1, 45),
        rot(a[22] ^ d2, 61));
    chi(&e[10], sum, rot(a[1] ^ d1, 1), rot(a[7] ^ d2, 6), rot(a[13] ^ d3, 25), rot(a[19] ^ d4, 8),
        rot(a[20] ^ d0, 18));
    chi(&e[15], sum, rot(a[4] ^ d4, 27), rot(a[5] ^ d0, 36), rot(a[11] ^ d1, 10),
        rot(a[17] ^ d2, 15), rot(a[23] ^ d3, 56));
    chi(&e[20], sum, rot(a[2] ^ d2, 62), rot(a[8] ^ d3, 55), rot(a[14] ^ d4, 39),
        rot(a[15] ^ d0, 41), rot(a[21] ^ d1, 2));
    return sum;
}

void permute(State& state) {
    const auto column = [&](std::size_t x) {
        return state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
    };
    Parity parity{column(0), column(1), column(2), column(3), column(4)};
    State other;
    for (std::size_t round = 0; round < kRoundConstants.size(); round += 2) {
        parity = keccak_round(state, other, parity, kRoundConstants[round]);
        parity = keccak_round(other, state, parity, kRoundConstants[round + 1]);
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

Digest keccak256(BytesView bytes) {
    return Keccak256{}.update(bytes).finish();
}

}  // namespace sennit::crypto
