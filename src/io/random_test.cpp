// SPDX-License-Identifier: MIT
#include "io/random.hpp"

#include <gtest/gtest.h>

namespace sennit::io {
namespace {

TEST(random, two_seeds_differ_and_neither_is_zero) {
    const auto a = system_seed();
    const auto b = system_seed();
    EXPECT_NE(a, b);
    EXPECT_NE(a, Rng::Seed{});
    EXPECT_NE(b, Rng::Seed{});
}

}  // namespace
}  // namespace sennit::io
