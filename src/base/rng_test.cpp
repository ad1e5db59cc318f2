// SPDX-License-Identifier: MIT
#include "base/rng.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace sennit {
namespace {

TEST(Rng, is_chacha20_with_a_zero_key_as_published) {
    // RFC 8439, A.1, test vector 1: the first block of keystream for a zero key and nonce.
    Rng rng{Rng::Seed{}};
    Bytes out(32);
    rng.fill(out);
    EXPECT_EQ(to_hex(out), "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
}

TEST(Rng, forks_by_name_without_moving_the_parent) {
    Rng parent{std::uint64_t{7}};
    Rng untouched{std::uint64_t{7}};
    EXPECT_EQ(parent.fork("relay").next(), parent.fork("relay").next());
    EXPECT_NE(parent.fork("relay").next(), parent.fork("sync").next());
    EXPECT_NE(parent.fork("relay").next(), parent.fork(std::string_view{"relay\0", 6}).next());
    EXPECT_EQ(parent.next(), untouched.next());
}

TEST(Rng, stays_below_its_bound_and_reaches_every_value) {
    Rng rng{std::uint64_t{1}};
    std::array<int, 6> seen{};
    for (int i = 0; i < 6000; ++i) ++seen.at(rng.below(6));
    for (const int count : seen) EXPECT_GT(count, 800);
}

}  // namespace
}  // namespace sennit
