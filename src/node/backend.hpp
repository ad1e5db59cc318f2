// SPDX-License-Identifier: MIT
#pragma once

#include "io/shared_question.hpp"
#include "node/config.hpp"
#include "node/engine_door.hpp"
#include "rpc/backend.hpp"

namespace sennit::node {

/// RPC's view of the node: finalised things from the database, newer ones from the engine's last
/// published view, the pool and the peers by asking the engine. Lives on the RPC thread, whose
/// executor `rpc` is.
class Backend : public rpc::Backend {
  public:
    using LatestView = std::function<engine::ViewPtr()>;

    Backend(const chain::Genesis& genesis, const chain::Store& store, LatestView view,
            EngineDoor& door, boost::asio::any_io_executor rpc,
            const std::optional<crypto::Ed25519Key>& validator);

    std::uint64_t chain_id() const override { return genesis_.chain_id; }
    std::uint64_t min_gas_price() const override { return genesis_.min_gas_price; }
    std::string client_version() const override;
    rpc::StatusAnswer status() const override;
    Result<std::optional<rpc::BlockAnswer>> block(const rpc::BlockRef& which) const override;
    void transaction(
        const TxId& id,
        std::function<void(Result<std::optional<rpc::TransactionAnswer>>)> then) const override;
    Result<std::optional<Account>> account(const Address& address,
                                           const rpc::BlockRef& at) const override;
    void pending_nonce(const Address& address,
                       std::function<void(Result<std::uint64_t>)> then) const override;
    Result<Bytes> call(const Address& to, BytesView data, const rpc::BlockRef& at) const override;
    std::uint64_t estimate_gas(const Address& to, BytesView data) const override;
    bool reserved(const Address& address) const override;
    void submit(Bytes rlp, std::function<void(Result<TxId>)> then) override;
    void peers(rpc::Shared<std::vector<rpc::PeerAnswer>> then) const override;
    void bans(rpc::Shared<std::vector<rpc::BanAnswer>> then) const override;
    void pool(rpc::Shared<rpc::PoolAnswer> then) const override;
    std::vector<ValidatorSetPtr> validators() const override;
    CertificatePtr finality() const override { return view_()->finality; }

  private:
    Result<std::optional<BlockId>> resolve(const engine::View& view,
                                           const rpc::BlockRef& which) const;
    Result<chain::StateViewPtr> state_at(const rpc::BlockRef& at) const;
    Result<std::optional<rpc::BlockAnswer>> answer(const BlockId& id) const;
    Result<Address> miner_of(const Block& block) const;
    Result<std::optional<rpc::TransactionAnswer>> mined(const TxId& id) const;

    const chain::Genesis& genesis_;
    const chain::Store& store_;
    LatestView view_;
    EngineDoor& door_;
    chain::Schedule schedule_;
    std::optional<ValidatorKey> validator_;
    // Lists: what takes the engine's thread more than a look into a map.
    template <class T>
    using List = io::SharedQuestion<Result<T>>;
    mutable List<std::vector<rpc::PeerAnswer>> peers_;
    mutable List<std::vector<rpc::BanAnswer>> bans_;
    mutable List<rpc::PoolAnswer> pool_;
};

}  // namespace sennit::node
