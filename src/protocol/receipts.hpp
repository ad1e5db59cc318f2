// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/protocol.hpp"

namespace sennit::protocol {

/// What was handed to the engine and awaits its judgement.
struct Receipt {
    PeerId peer;
    Kind kind{Kind::status};
    std::size_t bytes{0};  ///< counted against the peer
    std::uint64_t tag{0};  ///< the protocol's own: a wire id to answer under, a message to forward
};

/// The receipts of one instance (CONTRACT rule 1).
///
/// Keeps for each peer how much is unsettled, so that the protocol can stop reading, and for ten
/// minutes after it left whom to blame. Each receipt counts `kOverhead` besides its bytes, which
/// bounds their number: a flood of one-byte messages holds the sender as surely as big blocks do.
class Receipts {
  public:
    static constexpr std::size_t kOverhead = 128;

    void peer_up(PeerId peer, Identity identity, NetAddress address);
    void peer_changed(PeerId peer, Identity identity, NetAddress address);
    void peer_down(PeerId peer, Instant now);

    /// The peer must be up.
    ReceiptId issue(PeerId peer, Kind kind, std::size_t bytes, std::uint64_t tag = 0);
    /// nullptr: settled, too old, or never issued.
    const Receipt* find(ReceiptId id) const;

    struct Settled {
        Receipt receipt;
        bool peer_is_up{false};
        std::optional<Misbehaved> blame;  ///< set iff rejected
    };
    /// nullopt as for `find`: counted by the caller, never an error, since age makes it honest.
    std::optional<Settled> settle(ReceiptId id, Verdict verdict);

    std::size_t unsettled(PeerId peer) const;
    std::size_t size() const { return receipts_.size(); }

    /// Forgets peers that left more than ten minutes ago, with their receipts.
    void expire(Instant now);
    std::optional<Instant> deadline() const;
    void check_invariants() const;

  private:
    struct Sender {
        Identity identity;
        NetAddress address;
        std::size_t unsettled{0};
        std::size_t count{0};
        std::optional<Instant> left;
    };

    std::map<PeerId, Sender> senders_;
    std::map<ReceiptId, Receipt> receipts_;
    std::map<Instant, std::vector<PeerId>> departed_;
    std::uint64_t last_id_{0};
};

}  // namespace sennit::protocol
