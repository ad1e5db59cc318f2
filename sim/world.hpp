// SPDX-License-Identifier: MIT
#pragma once

#include "chain/test_chain.hpp"
#include "sim/node.hpp"

/// Whole nodes in virtual time, on one thread: the real engine, protocol and chain; links, disks
/// and clocks are made of events. One seed gives one run, bit for bit.
namespace sennit::sim {

/// Its own consistency is watched after every event: see `violations`.
class World {
  public:
    struct Options {
        std::uint64_t seed{1};
        std::vector<std::uint64_t> stakes{1, 1, 1, 1};  ///< of the genesis validators, in coins
        std::uint64_t epoch_slots{64};
        std::uint64_t unbonding_seconds{1'000'000};  ///< nobody is away for half of it
        Line line;
        Costs costs;
        chain::State::Limits state{};  ///< of every node
        bool check_invariants{true};
    };

    World() : World{Options{}} {}
    explicit World(Options options);

    // Who is there. Hosts are numbered from 0; nothing runs before `start`.

    /// A validator with the fixture's key of that number; every node knows all added before it.
    SimNode& add_validator(std::uint32_t number, Duration clock_skew = {});
    SimNode& add_observer(std::vector<HostId> bootstrap = {},
                          std::optional<Checkpoint> trusted = {});
    /// The validators of the genesis, started.
    void start_validators();
    SimNode& node(std::uint32_t host) { return *nodes_.at(host); }
    std::span<const std::unique_ptr<SimNode>> nodes() const { return nodes_; }
    void start(SimNode& node) { node.start(); }

    // What happens to them.

    void run_for(Duration time);
    void run_slots(std::uint64_t slots);
    void partition(const std::vector<std::vector<std::uint32_t>>& groups, Cut cut = Cut::reset);
    void heal() { network_.heal(); }
    void reset_links() { network_.reset_links(); }

    // What can be seen.

    const chain::fixture::TestChain& chain() const { return chain_; }
    Now now() const { return scheduler_.now(); }
    Slot slot() const;
    /// Broken promises, in words: two finalised blocks of one height, a node that halted or that
    /// found a fault of consensus. Empty in an honest world.
    const std::vector<std::string>& violations() const { return violations_; }
    /// Lines for operators, warnings and worse, that contain `text`.
    std::size_t heard(std::string_view text) const;
    std::vector<std::string> lines() const { return lines_; }
    /// Over every change of every head, with its time.
    Digest digest() const { return digest_; }

  private:
    SimNode& add(NodeOptions options);
    void on_view(HostId host);
    void note_final(HostId host, Height height, const BlockId& id);

    Options options_;
    Rng rng_;
    chain::fixture::TestChain chain_;
    Scheduler scheduler_;
    Network network_;
    std::vector<std::unique_ptr<SimNode>> nodes_;
    std::map<HostId, BlockId> heads_;
    std::map<HostId, Height> checked_up_to_;
    std::map<Height, BlockId> final_;
    std::vector<std::string> violations_;
    std::vector<std::string> lines_;
    Digest digest_;
};

}  // namespace sennit::sim
