// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/rng.hpp"
#include "chain/block_fixture.hpp"
#include "validator/validator.hpp"

/// A world of validators in virtual time: the very Tree, Votes and Validator of the product, real
/// headers, facts and signatures. Execution is replaced by the sets that rule 17 would give, the
/// network by delays, and some validators by an adversary who sees everything at once.
namespace sennit::validator::sim {

struct Options {
    std::uint64_t seed{0};
    std::uint32_t members{4};      ///< of set version 0
    std::uint32_t strangers{0};    ///< validators who may enter later
    std::uint32_t adversaries{0};  ///< the adversary's, spread over members and strangers
    std::uint32_t offline{0};      ///< the last members never start
    std::uint64_t epoch_slots{8};
    bool set_changes{false};
    /// Slots [first, second) in which a message may take until the end of the period.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> asynchrony{};
    /// In those periods two halves of the nodes hear nothing of each other, and each half's blocks
    /// wish for validators of that half: what joint quorums are there to survive.
    bool partitioned{false};
    std::uint64_t slots{40};
    /// What rule 13's limit does with a third block of one leader and slot that was asked for.
    bool refuse_third{false};
    bool only_parting{false};  ///< the adversary does nothing but show each node two other blocks
    std::uint64_t adversary_lead_slots_max{~std::uint64_t{0}};  ///< then it is silent
};

struct Outcome {
    std::uint64_t trace{0};      ///< of every event: equal for equal seeds
    std::uint64_t finalised{0};  ///< lowest finalised slot of honest nodes at the end
    std::uint64_t height{0};     ///< lowest head's height at the end
    std::uint64_t blocks_final{0};
    std::uint64_t worst_wait{0};      ///< slots between the clock and finality, when synchronous
    std::uint64_t versions{0};        ///< highest set version in force at a finalised block
    std::uint64_t equivocations{0};   ///< pieces of evidence that honest nodes found
    std::vector<std::string> broken;  ///< promises that were broken, as sentences
};

Outcome run(const Options& options);

using chain::FactsPtr;
using chain::fixture::BlockMaker;

struct SimBlock {
    Header header;
    BlockId id;
    Slot slot;
    CertificatePtr certificate;  ///< null unless its J is newer than its parent's
    std::size_t author{0};
};
using SimBlockPtr = std::shared_ptr<const SimBlock>;

/// One honest node: what the engine does, in a few lines.
struct Node {
    Node(std::size_t number, const BlockMaker& maker, const crypto::Ed25519Key& key, Now now);

    std::size_t number;
    chain::Tree tree;
    chain::Votes votes;
    Validator validator;
    std::map<BlockId, SimBlockPtr> blocks;
    std::map<BlockId, std::map<BlockId, SimBlockPtr>> orphans;  ///< by parent
    std::set<BlockId> wanted;
    std::set<std::pair<BlockId, std::size_t>> asked;
};

struct Event {
    enum class Kind : std::uint8_t { wake, block, vote, ask, adversary };
    Kind kind{};
    std::size_t node{0};
    std::size_t from{0};
    SimBlockPtr block{};
    std::shared_ptr<const Vote> vote{};
    BlockId id{};
};

class World;

/// Plays the keys that are not honest: equivocates, builds on stale parents with stale J, keeps
/// blocks and votes back and lets them go at the worst instants, votes for everything.
class Adversary {
  public:
    Adversary(World& world, std::set<std::size_t> numbers, Rng rng);

    void on_slot(Slot slot);
    void on_block(const SimBlockPtr& block);
    void on_vote(const Vote& vote);
    const std::set<std::size_t>& numbers() const { return numbers_; }

  private:
    void propose(Slot slot, const FactsPtr& parent);
    void send(const SimBlockPtr& block);
    void part(Slot slot, const FactsPtr& parent);
    void vote_for(const FactsPtr& target);
    void settle();

    World& world_;
    std::set<std::size_t> numbers_;
    Rng rng_;
    Node view_;  ///< sees every message when it is made
    std::uint64_t lead_slots_{0};
    std::uint64_t salt_{0};
    std::uint64_t habit_;  ///< of this run: how votes are cast
};

class World {
  public:
    explicit World(const Options& options);
    Outcome run();

    const Options& options() const { return options_; }
    const BlockMaker& maker() const { return maker_; }
    const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
    std::size_t validators() const { return options_.members + options_.strangers; }
    const ValidatorKey& key_of(std::size_t number) const { return keys_[number]; }
    UnixTime now() const { return now_; }
    UnixTime start_of(Slot slot) const;
    WallTimeline::duration slot_length() const;
    WallTimeline::duration delay_bound() const { return slot_length() / 3; }

    /// The facts as execution would give them: rule 17 at the first block of an epoch.
    FactsPtr execute(const FactsPtr& facts, const chain::Facts& parent);
    SimBlockPtr propose(const chain::Facts& parent, Slot slot, const chain::Facts& justified,
                        const CertificatePtr& certificate, std::size_t author, std::uint64_t salt);
    void schedule(UnixTime at, Event event);
    /// To every other node, each after its own delay.
    template <class Make>
    void broadcast(std::size_t from, Make&& make);
    UnixTime arrival(std::size_t from, std::size_t to);

  private:
    UnixTime local(std::size_t node) const { return now_ + offsets_[node]; }
    void handle(const Event& event);
    void on_wake(Node& node);
    void on_block(Node& node, const SimBlockPtr& block, std::size_t from);
    void accept(Node& node, const SimBlockPtr& block);
    void on_vote(Node& node, const Vote& vote);
    void count(Node& node, const Vote& vote);
    void cast(Node& node, const FactsPtr& block);
    void ask(Node& node, const BlockId& id, std::size_t from);
    void settle(Node& node);
    void check_votes();
    void check_light_client();
    void broke(std::string what);
    void watch_finality();
    std::map<std::size_t, std::uint64_t> wish(Rng& rng, const chain::Facts& parent) const;
    std::optional<ValidatorSet> decide(const chain::Facts& facts, const chain::Facts& parent) const;
    bool holds_adversary_below_third(const ValidatorSet& set) const;

    Options options_;
    BlockMaker maker_;
    std::vector<ValidatorKey> keys_;
    std::vector<Address> accounts_;
    Rng delays_;
    std::set<std::size_t> bad_;
    std::vector<bool> half_;                    ///< of each validator, when partitioned
    std::vector<std::unique_ptr<Node>> nodes_;  ///< null: the adversary's, or offline
    std::vector<WallTimeline::duration> offsets_;
    std::unique_ptr<Adversary> adversary_;
    UnixTime now_;
    std::map<std::pair<UnixTime, std::uint64_t>, Event> queue_;
    std::uint64_t sequence_{0};
    std::map<BlockId, std::size_t> authors_;
    std::map<BlockId, ValidatorSetPtr> decided_;
    std::map<Height, BlockId> finalised_;
    std::map<std::uint32_t, ValidatorSetPtr> sets_;  ///< of finalised blocks
    std::map<std::uint32_t, CertificatePtr> links_;
    std::map<std::size_t, std::vector<VoteLink>> honest_votes_;
    std::map<std::pair<std::size_t, Slot>, BlockId> honest_blocks_;
    Outcome outcome_;
};

}  // namespace sennit::validator::sim
