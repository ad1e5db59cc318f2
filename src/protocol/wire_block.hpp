// SPDX-License-Identifier: MIT
#pragma once

#include "primitives/vote.hpp"

namespace sennit::protocol {

/// Bytes inside something bigger that stays alive as long as the slice does: a transaction in a
/// frame that came in, in a body read from disk, or in a transaction of the pool. Nothing is
/// copied.
class SharedSlice {
  public:
    SharedSlice() = default;
    /// Owns `bytes` from now on.
    explicit SharedSlice(Bytes bytes) {
        auto kept = std::make_shared<const Bytes>(std::move(bytes));
        bytes_ = *kept;
        owner_ = std::move(kept);
    }
    /// `bytes` must lie in what `owner` keeps alive.
    SharedSlice(std::shared_ptr<const void> owner, BytesView bytes)
        : owner_{std::move(owner)}, bytes_{bytes} {}

    BytesView view() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }

  private:
    std::shared_ptr<const void> owner_;
    BytesView bytes_;
};

/// A transaction on its way in or out: its RLP, and what is known without recovering a signature.
///
/// One that came in has no `opened`: the sender is recovered by workers, later, and `sender` is
/// what the protocol's `from` field claims, if it has one. One that goes out carries the sender
/// that storage or pool knows, so that such protocols never recover a key to serve.
struct WireTransaction {
    SharedSlice rlp;
    std::optional<Address> sender;
    TransactionPtr opened;

    WireTransaction() = default;
    explicit WireTransaction(TransactionPtr transaction);
    WireTransaction(SharedSlice bytes, std::optional<Address> from)
        : rlp{std::move(bytes)}, sender{from} {}

    BytesView bytes() const { return rlp.view(); }
    /// Hashes, unless the transaction is open.
    TxId id() const;
};

/// A header with its id, computed once where it came in.
struct WireHeader {
    Header header;
    BlockId id;

    WireHeader() = default;
    explicit WireHeader(Header h) : header{std::move(h)}, id{header_id(header)} {}
    /// `known` must be the header's id.
    WireHeader(Header h, const BlockId& known) : header{std::move(h)}, id{known} {}

    bool operator==(const WireHeader&) const = default;
};

/// A block on its way in or out, with the certificate that travels with it. Copies share.
///
/// One that came in is opened by workers; nothing in it is checked but the form of the header, and
/// `id` is the header's, so a wrong body does not condemn the id (CONTRACT rule 7).
class WireBlock {
  public:
    WireBlock() = default;
    /// Out: nothing is copied or hashed. `certificate` may be null.
    explicit WireBlock(BlockPtr opened, CertificatePtr certificate = nullptr);
    /// In, or out of storage undecoded. `certificate` may be null.
    WireBlock(WireHeader header, std::vector<WireTransaction> transactions,
              CertificatePtr certificate = nullptr);

    /// False for a default-made one, of which nothing but this may be asked.
    bool has_value() const { return opened_ || raw_; }
    const Header& header() const { return opened_ ? opened_->header : raw_->header.header; }
    const BlockId& id() const { return opened_ ? opened_->id : raw_->header.id; }
    Height height() const { return header().height; }
    std::size_t size() const {
        return opened_ ? opened_->transactions.size() : raw_->transactions.size();
    }
    /// RLP of the i-th transaction.
    BytesView transaction(std::size_t i) const {
        return opened_ ? BytesView{opened_->transactions[i]->rlp} : raw_->transactions[i].bytes();
    }
    /// Known (out) or claimed (in); null where the protocol says nothing.
    const Address* sender(std::size_t i) const;
    /// A copy that shares the bytes.
    WireTransaction wire_transaction(std::size_t i) const;

    /// Null until workers have opened it.
    const BlockPtr& opened() const { return opened_; }
    const CertificatePtr& certificate() const { return certificate_; }

  private:
    struct Raw {
        WireHeader header;
        std::vector<WireTransaction> transactions;
    };

    BlockPtr opened_;
    std::shared_ptr<const Raw> raw_;
    CertificatePtr certificate_;
};

}  // namespace sennit::protocol
