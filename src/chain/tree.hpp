// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "chain/facts.hpp"

namespace sennit::chain {

/// The unfinalised blocks and what is certified among them: fork choice and finality of `stake`
/// consensus (CHAIN rules 9, 10, 13), as bookkeeping without signatures, disk or clocks.
///
/// Lives on the engine's thread. Memory is bounded: at most `blocks_max` blocks, two per (slot,
/// leader); what is finalised is forgotten, but for the ancestors that J may still name.
class Tree {
  public:
    struct Limits {
        std::size_t blocks_max{16384};
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
    FactsPtr find(const BlockId& id) const;
    FactsLookup lookup() const;
    bool executed(const BlockId& id) const;
    bool descends(const BlockId& id, const BlockId& ancestor) const;

    enum class Standing : std::uint8_t { unknown, proposed, executed, failed, finalised };
    Standing standing(const BlockId& id) const;

    /// A block whose header passed `derive_facts` and whose signature and certificate hold.
    /// Errors: duplicate; busy (tree full, or the third block of this leader in this slot);
    /// not_found (parent unknown or below the root).
    Result<void> add(FactsPtr facts, const Header& header);
    /// Two different proposals of one slot by one leader, if `header` makes a second: evidence
    /// (rule 15a). The first one's header bytes and the second one's.
    std::optional<Evidence> double_proposal(const Facts& facts, const Header& header) const;

    /// Execution's answer; `facts` carry the sets.
    void on_executed(FactsPtr facts);
    /// Condemns the block and its descendants; returns them.
    std::vector<BlockId> on_failed(const BlockId& id);

    /// A certificate whose signatures hold and whose link equals `link_for` its target. Returns
    /// true if the target was not certified before. Errors: not_found; mismatch (a hint or link
    /// that is not the target's).
    Result<bool> certify(CertificatePtr certificate);
    CertificatePtr certificate(const BlockId& target) const;

    /// Known finality, rule 9: the highest block that a held certificate finalises.
    FactsPtr finalised_known() const;
    /// The block up to which finality can be applied now: known, and executed all the way from the root;
    /// null if that is the root already. A certified block that failed execution stops this for good: see `fault`.
    FactsPtr to_apply() const;
    /// Moves the root up; drops every block that does not descend from it and returns those ids.
    std::vector<BlockId> on_applied(const BlockId& id);

    /// Set when certificates finalise conflicting blocks or a certified block fails: the node
    /// stops voting, serves read-only, keeps both facts for its operator.
    struct Fault {
        std::string what;
        std::vector<CertificatePtr> certificates;
        std::vector<BlockId> blocks;
    };
    const std::optional<Fault>& fault() const { return fault_; }

    std::size_t size() const { return nodes_.size(); }
    /// Aborts if a rule between the parts is broken. For tests, fuzzing and simulation.
    void check_invariants() const;

  private:
    struct Node {
        FactsPtr facts;
        Header header;
        Standing standing{Standing::proposed};
        CertificatePtr certificate;
        std::set<BlockId> children;
    };

    Genesis genesis_;
    FactsPtr root_;
    Limits limits_;
    std::map<BlockId, Node> nodes_;
    std::map<BlockId, FactsPtr> ancestors_;
    FactsPtr finalised_known_;
    std::optional<Fault> fault_;
};

}  // namespace sennit::chain
