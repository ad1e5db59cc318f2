// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/connection/config.hpp"
#include "libp2p/tls/secure_channel.hpp"

namespace sennit::libp2p {

/// The channel of whichever security was agreed on. What its calls do and which errors they have,
/// noise::Channel and tls::Channel say.
class SecureChannel {
  public:
    explicit SecureChannel(noise::Channel channel) : channel_{std::move(channel)} {}
    explicit SecureChannel(tls::Channel channel) : channel_{std::move(channel)} {}

    Result<void> seal(BytesView plain, Bytes& out);
    /// The error says which of the two it was.
    Result<void> open(BytesView& in, Bytes& plain);

    /// The other side closed it in order, after all that it had to say. Only TLS has that.
    bool ended() const;

    /// Of the text that one frame holds, bytes.
    std::size_t plain_max() const;
    /// What `seal` adds at most to the text of the next frame, bytes.
    std::size_t overhead() const;

    Security security() const;
    void check_invariants() const;

  private:
    std::variant<noise::Channel, tls::Channel> channel_;
};

}  // namespace sennit::libp2p
