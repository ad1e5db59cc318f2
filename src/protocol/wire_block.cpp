// SPDX-License-Identifier: MIT
#include "protocol/wire_block.hpp"

namespace sennit::protocol {

WireTransaction::WireTransaction(TransactionPtr transaction)
    : rlp{transaction, BytesView{transaction->rlp}},
      sender{transaction->sender},
      opened{std::move(transaction)} {}

TxId WireTransaction::id() const {
    return opened ? opened->id : transaction_id(bytes());
}

WireBlock::WireBlock(BlockPtr opened, CertificatePtr certificate)
    : opened_{std::move(opened)}, certificate_{std::move(certificate)} {
    SENNIT_ASSERT(opened_ != nullptr);
}

WireBlock::WireBlock(WireHeader header, std::vector<WireTransaction> transactions,
                     CertificatePtr certificate)
    : raw_{std::make_shared<const Raw>(Raw{std::move(header), std::move(transactions)})},
      certificate_{std::move(certificate)} {}

const Address* WireBlock::sender(std::size_t i) const {
    if (opened_) return &opened_->transactions[i]->sender;
    const auto& claimed = raw_->transactions[i].sender;
    return claimed ? &*claimed : nullptr;
}

WireTransaction WireBlock::wire_transaction(std::size_t i) const {
    return opened_ ? WireTransaction{opened_->transactions[i]} : raw_->transactions[i];
}

}  // namespace sennit::protocol
