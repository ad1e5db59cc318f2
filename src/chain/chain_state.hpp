// SPDX-License-Identifier: MIT
#pragma once

#include "chain/facts_store.hpp"
#include "chain/rows.hpp"

namespace sennit::chain {

/// `State` over a `Store`: all unfinalised layers in memory and on disk, base rows behind a cache.
class ChainState final : public State {
  public:
    ChainState(Store& store, const Genesis& genesis, Limits limits)
        : store_{store},
          genesis_{genesis},
          limits_{limits},
          rows_{store, limits.cache_bytes},
          finalised_{store} {}

    /// Writes the genesis or resumes where the database stands. Call once, first.
    Result<void> start();

    const BlockId& genesis_id() const override { return genesis_id_; }
    const Header& genesis_header() const override { return genesis_header_; }
    FactsPtr base() const override { return base_; }
    std::vector<FactsPtr> layers() const override;
    FactsPtr facts(const BlockId& id) const override;
    Result<ExecutedBlock> execute(const BlockPtr& block, Room room) override;
    std::size_t layers_bytes() const override { return layers_bytes_; }
    Result<void> finalise(const BlockId& id) override;
    Result<Appended> append_final(std::span<const BlockPtr> blocks) override;
    Result<BuiltBlock> build(const BuildOrder& order) override;
    Result<StateViewPtr> view(const BlockId& id) const override;

  private:
    /// Ancestors for the rules of consensus, which take a block that cannot be read for one that
    /// is not there: the disk's error is kept aside and wins.
    class Ancestors {
      public:
        explicit Ancestors(const ChainState& state) : state_{state} {}
        /// Executed in this call, not written yet.
        void add(FactsPtr facts) { fresh_.insert_or_assign(facts->id, std::move(facts)); }
        FactsLookup lookup();
        const std::optional<Error>& failed() const { return failed_; }

      private:
        const ChainState& state_;
        std::map<BlockId, FactsPtr> fresh_;
        std::optional<Error> failed_;
    };

    /// What executing a block came to.
    struct Execution {
        FactsPtr facts;
        std::vector<Receipt> receipts;
        Settled settled;
    };
    /// A block whose parent is the base or a layer: the parent's facts and layer (null: the base).
    struct Place {
        FactsPtr facts;
        const Layer* layer{nullptr};
    };

    class Selection;

    Result<void> write_genesis(const std::vector<Row>& rows);
    Result<void> resume();
    Result<void> load_layers();
    Result<LayerPtr> load_layer(const BlockId& id, BytesView bytes, const LayerPtr& parent,
                                FactsPtr facts) const;

    Result<Place> place(const BlockId& id) const;
    Result<FactsPtr> find_facts(const BlockId& id) const;
    Result<Execution> run(const Block& block, const Facts& parent, const RowReader& before,
                          Ancestors& ancestors);
    Result<FactsPtr> derive(const Facts& parent, const Header& header, const BlockId& id,
                            Ancestors& ancestors);
    Result<void> check_body(const Block& block) const;

    void put_body(Batch& batch, const Block& block, std::span<const Receipt> receipts) const;
    void put_final(Batch& batch, const Facts& facts, BytesView header,
                   std::span<const TxId> transactions) const;
    void drop_block(Batch& batch, const BlockId& id) const;
    void move_base(std::span<const LayerPtr> path, std::map<BlockId, LayerPtr> kept);
    Result<std::size_t> finalise_known(std::span<const BlockPtr> blocks);
    Result<void> commit_appended(Batch& batch, std::span<const FactsPtr> fresh);

    void add_layer(LayerPtr layer);

    Store& store_;
    Genesis genesis_;
    Limits limits_;
    BlockId genesis_id_;
    Header genesis_header_;
    BaseRows rows_;
    mutable FactsStore finalised_;  ///< a cache: reading fills it
    FactsPtr base_;
    std::map<BlockId, LayerPtr> layers_;
    std::size_t layers_bytes_{0};
};

}  // namespace sennit::chain
