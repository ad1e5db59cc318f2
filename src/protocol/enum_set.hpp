// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace sennit::protocol {

/// A set of the enumerators 0 to N - 1, in 64 bits.
template <class E, std::size_t N>
class EnumSet {
    static_assert(N <= 64);

  public:
    constexpr EnumSet() = default;
    constexpr EnumSet(std::initializer_list<E> items) {
        for (const E item : items) add(item);
    }
    static constexpr EnumSet all() {
        EnumSet set;
        set.bits_ = N == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << N) - 1;
        return set;
    }

    constexpr EnumSet& add(E item) {
        bits_ |= bit(item);
        return *this;
    }
    constexpr EnumSet& remove(E item) {
        bits_ &= ~bit(item);
        return *this;
    }
    constexpr bool has(E item) const { return (bits_ & bit(item)) != 0; }
    constexpr bool has_all(EnumSet other) const { return (other.bits_ & ~bits_) == 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr EnumSet operator|(EnumSet other) const { return from(bits_ | other.bits_); }
    constexpr EnumSet operator&(EnumSet other) const { return from(bits_ & other.bits_); }
    constexpr bool operator==(const EnumSet&) const = default;

  private:
    static constexpr std::uint64_t bit(E item) {
        return std::uint64_t{1} << static_cast<unsigned>(item);
    }
    static constexpr EnumSet from(std::uint64_t bits) {
        EnumSet set;
        set.bits_ = bits;
        return set;
    }

    std::uint64_t bits_{0};
};

}  // namespace sennit::protocol
