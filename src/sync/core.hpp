// SPDX-License-Identifier: MIT
#pragma once

#include "chain/trust.hpp"
#include "sync/block_stage.hpp"
#include "sync/branch_stage.hpp"
#include "sync/header_stage.hpp"
#include "sync/meter.hpp"

namespace sennit::sync {

/// Decides what is to be fetched, and passes inputs to the stage that they are for.
///
///     none -> proofs -> headers -> blocks -> none     somebody's finality is ahead of ours
///     none -> branch -> none                          somebody's head is better than ours
///
/// Whatever fails leads back to `none`, where another peer is chosen; what was kept on disk stays.
struct Sync::Core {
    Core(const chain::Genesis& genesis, const BlockId& genesis_id, const Options& options, Rng rng);

    void advance(Now now);
    void step(Now now);
    void decide(Now now);
    /// Notes whose head has become better than ours, and whose is no more.
    void watch_heads(Now now);
    bool start_anchored(Now now);
    bool start_branch(Now now);
    void step_proofs(Now now);
    void step_headers(Now now);
    void step_blocks(Now now);
    void step_branch(Now now);

    void enter(Stage next, Now now);
    /// Back to `none`, from wherever.
    void restart(Now now);
    /// Our base has reached the anchor.
    void overtaken(Now now);
    void halt(std::string why);

    void expire(Now now);
    void fail(const Request& request, bool busy, Now now);
    void refused(const Request& request, const protocol::Refused& why, Now now);
    Result<std::size_t> judge(const Request& request, const protocol::Message& answer, Now now);
    /// What an error of an answer costs: nothing but a pause where an honest peer can cause it.
    void disappoint(PeerRef peer, const Error& why, Now now);

    bool on_our_chain(const Source& source) const;
    bool leads(const Source& source) const;
    bool better(const Source& source) const;
    bool branch_due(const Source& source, Now now) const;
    bool can_anchor(const Source& source, Now now) const;
    bool can_branch(const Source& source, Now now) const;
    /// Another peer has waited long enough for what is being fetched from the branch's.
    bool turn_is_over(Now now) const;
    bool knows(const BlockId& id) const;
    bool trusts_base() const;
    /// The base is so old that proofs alone do not tell the true chain.
    bool lacks_trust(Now now) const;
    std::uint64_t lead_min() const { return forced ? 1 : options.anchor_gap + 1; }
    std::optional<Instant> deadline() const;
    Progress progress(Now now) const;

    const Options options;
    const chain::Genesis genesis;
    const BlockId genesis_id;
    Exchange exchange;
    ProofStage proofs;
    HeaderStage headers;
    BlockStage blocks;
    BranchStage branch;

    Stage stage{Stage::none};
    Phase resting{Phase::idle};  ///< the phase while nothing is fetched
    std::optional<Local> local;
    Known known;
    Anchor anchor;
    Height from;
    bool forced{
        false};  ///< a branch hangs on blocks that are final elsewhere: anchor, however short
    std::size_t disk_failures{0};  ///< in a row
    std::optional<Instant> stalled_since;
    Meter meter;
    std::string error;
    std::string advice;  ///< while peers lead and none may be followed
    Now last;            ///< of the newest input
};

}  // namespace sennit::sync
