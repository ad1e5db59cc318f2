// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::crypto {

/// 32 bytes that only their holder may know: secret keys, shared secrets, keys of ciphers. Every
/// copy wipes itself when it ends.
///
/// There is no ==: it would take longer the more bytes agree, and nobody here needs one.
class Secret {
  public:
    static constexpr std::size_t kSize = 32;

    Secret() = default;
    explicit Secret(const std::array<std::uint8_t, kSize>& bytes) : bytes_{bytes} {}
    /// `raw` must hold exactly 32 bytes; the caller has checked.
    static Secret from(BytesView raw);

    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    ~Secret();

    BytesView view() const { return bytes_; }
    const std::uint8_t* data() const { return bytes_.data(); }
    std::uint8_t* data() { return bytes_.data(); }

  private:
    std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace sennit::crypto
