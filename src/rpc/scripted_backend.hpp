// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "rpc/backend.hpp"

namespace sennit::rpc::testing {

/// A node that answers what the test wrote down, and keeps what it was asked.
class ScriptedBackend : public Backend {
  public:
    std::uint64_t chain{1};
    std::uint64_t price{1'000'000'000};
    StatusAnswer where;
    std::vector<BlockAnswer> blocks;  ///< by height
    std::size_t safe{0};              ///< places in `blocks`; the last one is the head
    std::size_t finalised{0};
    std::map<TxId, TransactionAnswer> transactions;
    std::map<Address, Account> accounts;
    Address system;  ///< has code, and views that answer with their input
    std::uint64_t nonce_with_pool{0};
    std::uint64_t gas{21'000};
    std::vector<PeerAnswer> connected;
    std::vector<BanAnswer> banned;
    PoolAnswer waiting;
    std::vector<ValidatorSetPtr> sets;
    CertificatePtr proof;
    /// What can fail, fails with it.
    std::optional<Error> trouble;
    /// Callbacks wait in `held` until the test runs them.
    bool hold{false};

    mutable std::vector<BlockRef> asked;
    std::vector<Bytes> submitted;
    mutable std::vector<std::function<void()>> held;

    std::uint64_t chain_id() const override { return chain; }
    std::uint64_t min_gas_price() const override { return price; }
    std::string client_version() const override { return "sennit/test"; }
    StatusAnswer status() const override { return where; }

    Result<std::optional<BlockAnswer>> block(const BlockRef& which) const override {
        asked.push_back(which);
        if (trouble) return *trouble;
        const auto place = place_of(which);
        return place < blocks.size() ? std::optional{blocks[place]} : std::nullopt;
    }
    void transaction(
        const TxId& id,
        std::function<void(Result<std::optional<TransactionAnswer>>)> then) const override {
        using Found = Result<std::optional<TransactionAnswer>>;
        const auto at = transactions.find(id);
        Found found{at == transactions.end() ? std::optional<TransactionAnswer>{}
                                             : std::optional{at->second}};
        answer([then = std::move(then), found = trouble ? Found{*trouble} : std::move(found)] {
            then(found);
        });
    }

    Result<std::optional<Account>> account(const Address& address,
                                           const BlockRef& at) const override {
        asked.push_back(at);
        if (trouble) return *trouble;
        const auto found = accounts.find(address);
        return found == accounts.end() ? std::optional<Account>{} : std::optional{found->second};
    }
    void pending_nonce(const Address&,
                       std::function<void(Result<std::uint64_t>)> then) const override {
        answer([then = std::move(then), nonce = nonce_with_pool] { then(nonce); });
    }
    Result<Bytes> call(const Address& to, BytesView data, const BlockRef& at) const override {
        asked.push_back(at);
        if (trouble) return *trouble;
        return to == system ? to_bytes(data) : Bytes{};
    }
    std::uint64_t estimate_gas(const Address&, BytesView data) const override {
        return gas + 16 * data.size();
    }
    bool reserved(const Address& address) const override { return address == system; }

    void submit(Bytes rlp, std::function<void(Result<TxId>)> then) override {
        submitted.push_back(rlp);
        answer([then = std::move(then),
                id = trouble ? Result<TxId>{*trouble} : Result<TxId>{transaction_id(rlp)}] {
            then(id);
        });
    }

    void bans(Shared<std::vector<BanAnswer>> then) const override {
        answer([then = std::move(then), bans = scripted(banned)] { then(bans); });
    }
    void peers(Shared<std::vector<PeerAnswer>> then) const override {
        answer([then = std::move(then), list = scripted(connected)] { then(list); });
    }
    void pool(Shared<PoolAnswer> then) const override {
        answer([then = std::move(then), pool = scripted(waiting)] { then(pool); });
    }
    std::vector<ValidatorSetPtr> validators() const override { return sets; }
    CertificatePtr finality() const override { return proof; }

  private:
    template <class T>
    Result<T> scripted(const T& answer) const {
        return trouble ? Result<T>{*trouble} : Result<T>{answer};
    }
    std::size_t place_of(const BlockRef& which) const {
        if (const auto* height = std::get_if<Height>(&which)) return height->value;
        if (const auto* id = std::get_if<BlockId>(&which)) {
            for (std::size_t n = 0; n < blocks.size(); ++n) {
                if (blocks[n].block->id == *id) return n;
            }
            return blocks.size();
        }
        switch (std::get<Tag>(which)) {
            case Tag::earliest: return 0;
            case Tag::safe: return safe;
            case Tag::finalized: return finalised;
            default: return blocks.empty() ? 0 : blocks.size() - 1;
        }
    }
    void answer(std::function<void()> now) const {
        if (hold) {
            held.push_back(std::move(now));
        } else {
            now();
        }
    }
};

/// EIP-155's own example: chain 1, nonce 9, 10^18 from 0x9d8a… to 0x3535….
inline TransactionPtr eip155_example() {
    const auto raw = from_hex(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000"
        "8025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f"
        "761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83");
    return *open_transaction(*raw, 1);
}

/// Genesis and one block above it, which holds EIP-155's example and is not final yet.
inline void script_two_blocks(ScriptedBackend& backend) {
    const auto genesis = make_block(Header{}, {});
    Header header;
    header.height = Height{1};
    header.timestamp = 1'700'000'002;
    header.previous_hash = genesis->id;
    header.validator.bytes.fill(0xaa);
    header.signature.bytes.fill(0xbb);
    header.gas_used = 21'000;
    header.gas_limit = 30'000'000;
    header.extra_data = {1, 0};
    const auto tx = eip155_example();
    Address miner;
    miner.bytes.fill(0x77);
    backend.blocks = {{genesis, {}, {}}, {make_block(header, {tx}), miner, {{1, 21'000}}}};
    backend.transactions = {{tx->id, {tx, backend.blocks[1], 0}}};
    backend.where.head = Height{1};
}

}  // namespace sennit::rpc::testing
