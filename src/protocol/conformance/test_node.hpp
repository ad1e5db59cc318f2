// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <set>

#include "protocol/conformance/test_chain.hpp"
#include "protocol/registry.hpp"

namespace sennit::protocol::conformance {

/// The engine's place in a test: keeps what one protocol instance says, serves requests from a
/// `TestChain`, settles receipts, and fails the test when an output breaks the contract's order.
class TestNode {
  public:
    struct Inbound {
        PeerId peer;
        ReceiptId receipt;
        MessagePtr message;
        std::optional<RequestId> answers;
    };

    TestNode(std::string name, std::unique_ptr<Protocol> protocol, TestChain chain);

    Protocol& protocol() { return *protocol_; }
    const std::string& name() const { return name_; }
    const TestChain& chain() const { return chain_; }
    ChainViewPtr view() const;
    void set_candidates(std::vector<Candidate> candidates) { candidates_ = std::move(candidates); }

    /// What to answer at once; nullopt leaves the receipt open. Accepts everything by default.
    std::function<std::optional<Verdict>(const Inbound&)> judge;
    /// False: requests get no answer.
    bool serves{true};

    void handle(const Input& input, Now now);
    Sent send(PeerId peer, Outgoing outgoing, Now now);
    /// By announce or by send to all peers that can read it, as the traits say.
    void publish(MessagePtr message, Now now, Priority priority = Priority::urgent);
    void settle(ReceiptId receipt, Verdict verdict, Now now);

    /// The next output that is the carriers' or workers' concern; the rest is kept below.
    std::optional<Output> poll(Now now);

    const std::map<PeerId, PeerFacts>& peers() const { return peers_; }
    std::optional<PeerId> any_peer() const;
    std::vector<Inbound> received;
    std::vector<PeerDown> downs;
    std::vector<Found> found;
    std::vector<Unreachable> unreachable;
    std::vector<Misbehaved> misbehaved;
    std::vector<Ended> ended;
    std::vector<PeerId> ready;
    SavedValues saved;
    std::set<ReceiptId> unsettled;

    /// Messages of kind T, in the order in which they came.
    template <class T>
    std::vector<T> all() const {
        std::vector<T> found_messages;
        for (const auto& inbound : received) {
            if (const auto* message = std::get_if<T>(inbound.message.get())) {
                found_messages.push_back(*message);
            }
        }
        return found_messages;
    }
    /// Ids of all transactions that came outside of blocks.
    std::set<TxId> transaction_ids() const;

  private:
    void on(PeerUp& up);
    void on(PeerChanged& changed);
    void on(PeerDown& down);
    void on(Received& item, Now now);
    void serve(const Inbound& inbound, Now now);
    MessagePtr answer(const Message& request) const;

    std::string name_;
    std::unique_ptr<Protocol> protocol_;
    TestChain chain_;
    std::vector<Candidate> candidates_;
    std::map<PeerId, PeerFacts> peers_;
    std::set<ReceiptId> receipts_;
    std::uint64_t last_peer_{0};
};

}  // namespace sennit::protocol::conformance
