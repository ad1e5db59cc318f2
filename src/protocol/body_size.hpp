// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/wire_block.hpp"

/// How much a body that came in is, before anything of it is opened.
namespace sennit::protocol {

struct BodySize {
    std::size_t transactions{0};
    std::size_t bytes{0};  ///< of their RLP

    /// In memory: what holds a transaction is many times the one byte of an empty item.
    std::size_t held() const { return bytes + transactions * sizeof(WireTransaction); }
    /// False: no block of the chain can have it. Blocks are counted in LuxTensor's form, in which
    /// even a transaction without data has its size; RLP is shorter.
    bool fits(std::size_t block_bytes_max) const {
        return bytes <= block_bytes_max &&
               transactions <= block_bytes_max / luxtensor_size(Transaction{});
    }
};

inline BodySize size_of(std::span<const WireTransaction> body) {
    BodySize size{body.size(), 0};
    for (const auto& transaction : body) size.bytes += transaction.bytes().size();
    return size;
}

inline BodySize size_of(const WireBlock& block) {
    BodySize size{block.size(), 0};
    for (std::size_t i = 0; i < block.size(); ++i) size.bytes += block.transaction(i).size();
    return size;
}

}  // namespace sennit::protocol
