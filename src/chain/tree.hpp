// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>

#include "chain/facts.hpp"

namespace sennit::chain {

/// The unfinalised blocks and what is certified among them: fork choice and finality of `stake`
/// consensus (CHAIN rules 9, 10, 13), as bookkeeping without signatures, disk or clocks.
///
/// Lives on the engine's thread. Memory is bounded: at most `blocks_max` blocks beside the best
/// branch, two per (slot, leader) beside those that were asked for by name; what is finalised is
/// forgotten, but for the ancestors that J may still name. The best branch grows by a block a slot
/// for as long as finality waits: were there a bound, reaching it would be the chain's end, since
/// only new blocks can be voted for.
///
/// `head` and `certified_at` cost a look-up. A new certificate costs a walk over the blocks above
/// its target.
class Tree {
  public:
    struct Limits {
        std::size_t blocks_max{16384};  ///< four times as many of those that were asked for
    };

    /// `root` is the finalised, applied block; `recent` are the facts of ancestors down to
    /// J(J(root)), which later blocks may name as J.
    Tree(Genesis genesis, FactsPtr root, std::span<const FactsPtr> recent, Limits limits);

    const Facts& root() const { return *root_; }
    /// Greatest (slot of the highest certified ancestor-or-self, height), then smallest id, among
    /// executed blocks that descend from the root (rule 10). The root if there is none.
    FactsPtr head() const;
    /// Highest certified ancestor-or-self of a block (rule 11's J for a child of it).
    FactsPtr certified_at(const BlockId& id) const;
    /// A block of the tree, or one of the kept ancestors below the root.
    FactsPtr find(const BlockId& id) const;
    FactsLookup lookup() const;
    /// The root or a block above it. Ask this of a parent before deriving a block's facts: on an
    /// ancestor below the root nothing can stand any more, and what its J names may be gone.
    bool holds(const BlockId& id) const { return nodes_.contains(id); }
    bool executed(const BlockId& id) const;
    /// The executed blocks of one slot. Whoever votes asks at the slot's start: a block may come
    /// D/2 early (rule 1), and is then executed before anybody may vote for it.
    std::vector<FactsPtr> executed_at(Slot slot) const;
    bool descends(const BlockId& id, const BlockId& ancestor) const;

    enum class Standing : std::uint8_t { unknown, proposed, executed, failed, finalised };
    Standing standing(const BlockId& id) const;

    /// Why a block is here. A third block of one leader and slot is refused when somebody relays
    /// it, and taken when a certificate or a later block names it: were it refused then too, one
    /// leader could part honest nodes for ever by showing each of them two other blocks
    /// (docs/adr/0002).
    enum class Origin : std::uint8_t { relayed, wanted };

    /// A block whose header passed `derive_facts` and whose signature and certificate hold. Rule 5:
    /// without the certificate of its J it waits and does not come here; `certify` gets that
    /// certificate in the same step, before or after.
    /// A full tree takes what contends with its head all the same (rule 20).
    /// Errors: duplicate; busy (tree full, or the third block of this leader in this slot);
    /// not_found (parent unknown or below the root); invalid (descends from one that failed).
    Result<void> add(FactsPtr facts, const Header& header, Origin origin = Origin::relayed);
    /// Two different proposals of one slot by one leader, if `header` makes a second: evidence
    /// (rule 15a). The first one's header bytes and the second one's.
    std::optional<Evidence> double_proposal(const Facts& facts, const Header& header) const;

    /// Execution's answer; `facts` carry the sets. The parent must be executed. A block that was
    /// dropped or condemned meanwhile is ignored.
    void on_executed(FactsPtr facts);
    /// Condemns the block and its descendants; returns them.
    std::vector<BlockId> on_failed(const BlockId& id);

    /// Would it be the head, or the head's equal, once executed? The block must be in the tree.
    bool contends(const BlockId& id) const;
    /// Takes back an add(): there was no room to execute the block. It may come again.
    void withdraw(const BlockId& id);

    /// A certificate whose signatures hold. Returns true if the target was not certified before;
    /// of several the union is kept. One for the root is kept if none is held, and what lies below
    /// is known: both false. So is one for a block that finality dropped, which is looked at for
    /// conflicts only. Errors: not_found (target or source unknown); mismatch (a hint or link
    /// that is not the target's).
    Result<bool> certify(CertificatePtr certificate);
    CertificatePtr certificate(const BlockId& target) const;

    /// Known finality, rule 9: the highest block that a held certificate finalises.
    FactsPtr finalised_known() const;
    /// The block up to which finality can be applied now: known, and executed all the way from the
    /// root; null if that is the root already, and after a fault.
    FactsPtr to_apply() const;
    /// Moves the root up to a block at or below the known finality. Drops every branch that does
    /// not go through it and returns the ids of those blocks; the finalised ones between the old
    /// root and the new one are not among them.
    std::vector<BlockId> on_applied(const BlockId& id);
    /// The base moved to a block over others that were never here: begins anew on it. `between` are
    /// the facts of blocks from the old root, exclusive, to the new one, exclusive, as far down as
    /// J may name them. A fault stays, and what conflicts with later certificates.
    void rebase(FactsPtr root, std::span<const FactsPtr> between);

    /// Set when certificates finalise conflicting blocks or a certified block fails: the node
    /// stops voting, serves read-only, keeps both facts for its operator.
    struct Fault {
        std::string what;
        std::vector<CertificatePtr> certificates;
        std::vector<BlockId> blocks;
    };
    const std::optional<Fault>& fault() const { return fault_; }

    /// For each recent set version the finality link with the lowest target in it (rule 8), by
    /// version: what a light client needs to pass from the version before. Whoever stores them
    /// keeps the first for a version: after a start in the middle of a version this is a later one.
    std::vector<CertificatePtr> first_links() const;

    /// Blocks held, the root included.
    std::size_t size() const { return nodes_.size(); }
    /// Aborts if a rule between the parts is broken. For tests, fuzzing and simulation.
    void check_invariants() const;

  private:
    struct Node {
        FactsPtr facts;
        Header header;  // empty for the block that the tree began with
        Standing standing{Standing::proposed};
        CertificatePtr certificate;
        Checkpoint certified;  // highest certified ancestor-or-self
        std::set<BlockId> children;
    };
    using Nodes = std::map<BlockId, Node>;

    // Rule 10, best first.
    struct Rank {
        Slot certified;
        Height height;
        BlockId id;

        bool operator<(const Rank& other) const {
            if (certified != other.certified) return certified > other.certified;
            if (height != other.height) return height > other.height;
            return id < other.id;
        }
    };
    static Rank rank_of(const Node& node);

    void begin(FactsPtr root, std::span<const FactsPtr> below);
    bool reaches_head(Slot certified, Height height) const;
    Result<void> check_room(const Facts& facts, const Header& header, Origin origin) const;
    Result<void> check_link(const Facts& target, const Certificate& certificate) const;
    Result<bool> certify_dropped(const Facts& target, const CertificatePtr& certificate);
    void raise(const BlockId& id);
    void note_finality(const CertificatePtr& certificate);
    void note_first_link(const CertificatePtr& certificate);
    void set_conflict(const CertificatePtr& certificate);
    std::vector<BlockId> subtree(const BlockId& top, const BlockId* without = nullptr) const;
    void erase(const BlockId& id);
    void keep_dropped(FactsPtr facts);
    void prune_ancestors();
    void check_node(const BlockId& id, const Node& node) const;

    Genesis genesis_;
    FactsPtr root_;
    Limits limits_;
    Nodes nodes_;           // the root and all above it
    std::set<Rank> ranks_;  // of the executed ones and the root
    std::map<std::pair<Slot, ValidatorKey>, std::vector<BlockId>> proposals_;
    std::map<BlockId, FactsPtr> ancestors_;   // below the root, down to J(J(root))
    std::deque<BlockId> ancestors_order_;     // the same, oldest first
    std::map<Checkpoint, FactsPtr> dropped_;  // branches that lost, for conflicts that show late
    Checkpoint finalised_known_;
    CertificatePtr finalised_by_;  // null while that is the block that the tree began with
    std::map<std::uint32_t, CertificatePtr> first_links_;
    std::optional<Fault> fault_;
};

}  // namespace sennit::chain
