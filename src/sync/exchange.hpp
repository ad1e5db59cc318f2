// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include "sync/header_chain.hpp"
#include "sync/sources.hpp"
#include "sync/sync.hpp"

/// Private to sync/: requests in flight, and the queue of what sync wants done.
namespace sennit::sync {

// What a request is for, so that its answer or its failure finds the way back.

struct ForProofs {};
struct ForHeaders {
    Range range;
    bool downwards{true};  ///< newest first; else the answer is a prefix from `range.low` upwards
    bool anchor{false};    ///< its top is the certified header: only who gave the proof is asked
};
struct ForBodies {
    std::vector<Height> heights;  ///< rising
    bool by_range{false};         ///< whole blocks by height, needed or not: matched by id
};
struct ForBranchHeaders {};
struct ForBranchBlocks {
    std::size_t first{0};  ///< index in the branch, oldest first
    std::size_t count{0};
};
using Purpose = std::variant<ForProofs, ForHeaders, ForBodies, ForBranchHeaders, ForBranchBlocks>;

struct Request {
    PeerRef peer;
    Purpose purpose;
    Instant sent;
    Instant overdue;
};

/// Asks, and keeps book of what was asked.
class Exchange {
  public:
    explicit Exchange(Rng rng) : sources_{std::move(rng)} {}

    Sources& sources() { return sources_; }
    const Sources& sources() const { return sources_; }

    template <class M>
    void ask(Source& source, M message, Purpose purpose, Now now) {
        send(source, protocol::make_message(std::move(message)), std::move(purpose), now);
    }
    /// Not wanted any more; its answer would not be blamed.
    void forget(protocol::RequestId id);
    /// All for which `which` holds.
    void forget_if(const std::function<bool(const Request&)>& which);
    void on_sent(protocol::RequestId id, Instant overdue);
    /// Ends a request; nullopt: it is not in flight, or another peer's.
    std::optional<Request> take(protocol::RequestId id, std::optional<PeerRef> peer = {});
    /// One that has waited too long.
    std::optional<protocol::RequestId> overdue(Instant now) const;
    /// One of a peer's.
    std::optional<protocol::RequestId> of(PeerRef peer) const;
    const std::map<protocol::RequestId, Request>& in_flight() const { return requests_; }
    std::optional<Instant> next_overdue() const;

    void blame(PeerRef peer, Blame::What what, std::string why, Now now);
    void out(Output output) { outputs_.push_back(std::move(output)); }
    std::optional<Output> poll();
    std::size_t waiting() const { return outputs_.size(); }

    void check_invariants() const;

  private:
    void send(Source& source, protocol::MessagePtr message, Purpose purpose, Now now);

    Sources sources_;
    std::map<protocol::RequestId, Request> requests_;
    std::deque<Output> outputs_;
    std::uint64_t next_{1};
};

/// Number of requests in flight with this purpose.
template <class P>
std::size_t count_for(const Exchange& exchange) {
    std::size_t count = 0;
    for (const auto& [id, request] : exchange.in_flight())
        count += std::holds_alternative<P>(request.purpose);
    return count;
}

}  // namespace sennit::sync
