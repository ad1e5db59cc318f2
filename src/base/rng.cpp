// SPDX-License-Identifier: MIT
#include "base/rng.hpp"

#include <bit>

namespace sennit {

namespace {

void quarter_round(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d) {
    a += b, d = std::rotl(d ^ a, 16);
    c += d, b = std::rotl(b ^ c, 12);
    a += b, d = std::rotl(d ^ a, 8);
    c += d, b = std::rotl(b ^ c, 7);
}

std::array<std::uint32_t, 16> chacha20_block(const std::array<std::uint32_t, 8>& key,
                                             std::uint64_t counter, std::uint64_t nonce) {
    std::array<std::uint32_t, 16> in{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (std::size_t i = 0; i < 8; ++i) in[4 + i] = key[i];
    in[12] = static_cast<std::uint32_t>(counter);
    in[13] = static_cast<std::uint32_t>(counter >> 32);
    in[14] = static_cast<std::uint32_t>(nonce);
    in[15] = static_cast<std::uint32_t>(nonce >> 32);
    auto x = in;
    for (int round = 0; round < 10; ++round) {
        for (std::size_t i = 0; i < 4; ++i) quarter_round(x[i], x[4 + i], x[8 + i], x[12 + i]);
        for (std::size_t i = 0; i < 4; ++i) {
            quarter_round(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
        }
    }
    for (std::size_t i = 0; i < 16; ++i) x[i] += in[i];
    return x;
}

}  // namespace

Rng::Rng(const Seed& seed) {
    for (std::size_t i = 0; i < 32; ++i) {
        key_[i / 4] |= static_cast<std::uint32_t>(seed[i]) << (8 * (i % 4));
    }
}

Rng::Rng(std::uint64_t seed) {
    key_[0] = static_cast<std::uint32_t>(seed);
    key_[1] = static_cast<std::uint32_t>(seed >> 32);
}

Rng Rng::fork(std::string_view name) const {
    // The child's key is the parent's keystream under a nonce that is not zero, stirred once for
    // every eight bytes of the name: a prefix, or another length, gives another key.
    auto key = key_;
    std::uint64_t position = 0;
    auto stir = [&](std::uint64_t word) {
        const auto block = chacha20_block(key, word, ~position++);
        for (std::size_t i = 0; i < 8; ++i) key[i] = block[i] ^ block[8 + i];
    };
    for (std::size_t i = 0; i < name.size(); i += 8) {
        std::uint64_t word = 0;
        for (std::size_t j = i; j < name.size() && j < i + 8; ++j) {
            word = word << 8 | static_cast<std::uint8_t>(name[j]);
        }
        stir(word);
    }
    stir(name.size());
    Rng child{std::uint64_t{0}};
    child.key_ = key;
    return child;
}

void Rng::refill() {
    const auto words = chacha20_block(key_, counter_++, 0);
    for (std::size_t i = 0; i < 8; ++i) {
        block_[i] = static_cast<std::uint64_t>(words[2 * i + 1]) << 32 | words[2 * i];
    }
    used_ = 0;
}

std::uint64_t Rng::next() {
    if (used_ == block_.size()) refill();
    return block_[used_++];
}

std::uint64_t Rng::below(std::uint64_t bound) {
    SENNIT_ASSERT(bound != 0);
    // Draws above the largest multiple of `bound` are thrown away: modulo alone would be biased.
    const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound + 1) % bound;
    std::uint64_t draw = next();
    while (draw > limit) draw = next();
    return draw % bound;
}

void Rng::fill(std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size();) {
        std::uint64_t word = next();
        for (std::size_t j = 0; j < 8 && i < out.size(); ++j, ++i) {
            out[i] = static_cast<std::uint8_t>(word);
            word >>= 8;
        }
    }
}

}  // namespace sennit
