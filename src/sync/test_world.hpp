// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "chain/test_chain.hpp"
#include "sync/sync.hpp"

/// A world for the tests of sync: one chain that is real in every signature, peers that follow a
/// script, a node that carries out what sync asks for, and time that jumps from event to event.
namespace sennit::sync::fixture {

/// What there is to be fetched: `final_height` blocks that are final and some above that are not.
class Source {
  public:
    struct Shape {
        std::uint64_t final_height{200};
        std::uint64_t unfinalised{0};
        std::uint64_t transfer_every{4};  ///< blocks between two that are not empty
        bool set_changes{false};          ///< a validator adds to its stake in every epoch
    };

    explicit Source(Shape shape);

    const chain::fixture::TestChain& keys() const { return chain_; }
    Height final_height() const { return Height{shape_.final_height}; }
    Height head_height() const { return Height{shape_.final_height + shape_.unfinalised}; }
    const BlockPtr& block(Height height) const { return blocks_.at(height.value); }
    chain::FactsPtr facts(Height height) const { return state_->facts(block(height)->id); }
    std::optional<Height> find(const BlockId& id) const;
    /// The certificate whose source is the block at `height`.
    CertificatePtr finality(Height height) const;
    /// What a peer says that has this much of it.
    protocol::Status status(Height finalised, Height head) const;
    /// Sets from `version` on, up to the one in force at `finalised`, each with its first proof.
    protocol::Certificates proofs(std::uint32_t version, Height finalised) const;

  private:
    std::vector<TransactionPtr> transactions(std::uint64_t height, std::uint64_t& transfers,
                                             std::uint64_t& stakes);

    Shape shape_;
    chain::fixture::TestChain chain_;
    std::unique_ptr<chain::Store> store_;
    std::unique_ptr<chain::State> state_;
    std::vector<BlockPtr> blocks_;  ///< by height; 0: genesis, header only
    std::map<BlockId, Height> heights_;
};

/// What a peer can be asked, when it speaks every word.
protocol::PeerTraits full_traits();

struct Peer {
    PeerRef ref;
    protocol::PeerTraits traits;
    Height finalised;
    Height head;
    Duration latency{std::chrono::milliseconds{50}};
    /// Of a list: an honest answer is cut to it.
    std::size_t items_max{2048};
    /// Turns the honest answer into what is sent; null: nothing is.
    std::function<protocol::MessagePtr(const protocol::Message& ask, protocol::MessagePtr honest)>
        bend;
    std::optional<protocol::Refusal> refuses;
    const Source* chain{nullptr};  ///< another than the world's
    std::size_t asked{0};
};

class World {
  public:
    World(const Source& source, Options options, std::uint64_t seed = 1);

    Peer& add(Height finalised, Height head);
    Peer& add() { return add(source_.final_height(), source_.head_height()); }
    void remove(PeerRef ref);
    /// It has more now, and says so.
    void tell(Peer& peer, Height finalised, Height head);

    /// Until `done` or nothing happens for so long; true if done.
    bool run(const std::function<bool()>& done, Duration limit = std::chrono::minutes{10});
    bool run_to(Height base) {
        return run([this, base] { return state->base()->height >= base; });
    }
    /// Finality moves by itself, past what sync has fetched.
    void overtake(Height height);
    /// An unfinalised block comes by the ordinary way.
    void hear(Height height);
    void ready(PeerRef peer);
    void say(PeerRef peer, const protocol::Status& status);
    /// For so long, whatever happens.
    void wait(Duration span);
    /// The process is killed and started again: what is on disk stays.
    void restart();

    std::size_t blamed(PeerRef peer, Blame::What what) const;
    std::size_t blamed(PeerRef peer) const;
    /// Requests that the engine would still keep book of.
    std::size_t unanswered() const { return in_flight_.size(); }

    const Source& source_;
    Now now{Instant{} + std::chrono::hours{1}, from_unix_seconds(1'700'000'100)};
    std::unique_ptr<chain::Store> store;
    std::unique_ptr<chain::State> state;
    std::map<Height, Bytes> rows;                         ///< unlinked headers
    Duration disk_latency{std::chrono::milliseconds{1}};  ///< of one write
    std::optional<Sync> sync;
    std::map<PeerRef, Peer> peers;
    std::vector<Blame> blames;
    std::size_t praises{0};
    std::size_t offers{0};
    std::size_t loads{0};
    std::size_t appending{0};                 ///< handed over and not executed yet
    std::map<std::string, std::size_t> asks;  ///< by kind of message
    Sync::Held most;                          ///< of each, the most that was held at once
    bool refuse_offers{false};
    Duration offer_latency{std::chrono::milliseconds{5}};
    bool damage_rows{false};
    /// Ordinary blocks that execute beside: the tree's.
    BlockId head;

  private:
    using Event = std::function<void()>;

    void write(Event event);
    void after(Duration wait, Event event) { events_.emplace(now.at + wait, std::move(event)); }
    bool step(Instant until);
    void settle();
    void tell_local();
    void start();
    const Source& chain_of(const Peer& peer) const {
        return peer.chain == nullptr ? source_ : *peer.chain;
    }
    protocol::MessagePtr answer(const Peer& peer, const protocol::Message& ask) const;

    void carry_out(const Ask& ask);
    void carry_out(const Forget& forget) { in_flight_.erase(forget.request); }
    void carry_out(const VerifyProof& verify);
    void carry_out(const KeepHeaders& keep);
    void carry_out(const LoadHeaders& load);
    void carry_out(const DropHeaders& drop);
    void carry_out(const Append& append);
    void carry_out(const Offer& offer);
    void carry_out(const Blame& blame) { blames.push_back(blame); }
    void carry_out(const Praise&) { ++praises; }

    Options options_;
    std::uint64_t seed_;
    std::uint64_t runs_{0};  ///< events of an earlier process do nothing
    std::multimap<Instant, Event> events_;
    Instant disk_free_{};
    std::set<protocol::RequestId> in_flight_;
    std::uint64_t appends_valid_from_{0};
    std::uint64_t appends_{0};
    std::uint64_t next_peer_{1};
    bool settling_{false};
};

}  // namespace sennit::sync::fixture
