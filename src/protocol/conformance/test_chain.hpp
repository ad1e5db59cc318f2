// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/message.hpp"

namespace sennit::protocol::conformance {

constexpr std::uint64_t kTestChainId = 4711;
constexpr std::uint64_t kTestGenesisTime = 1'700'000'000;
constexpr std::uint32_t kTestSlotSeconds = 6;

/// A chain of well-formed blocks for protocols to carry: linked headers, genuinely signed
/// transactions, certificates of the right shape. No rule of the chain was applied to it.
class TestChain {
  public:
    /// Block 0 and `length` more; every third one is empty.
    explicit TestChain(std::size_t length);

    const BlockPtr& block(std::size_t height) const { return blocks_.at(height); }
    const BlockPtr& tip() const { return blocks_.back(); }
    std::size_t length() const { return blocks_.size() - 1; }
    const BlockPtr* find(const BlockId& id) const;
    WireBlock wire(std::size_t height) const {
        return WireBlock{block(height), certificate(height)};
    }
    WireHeader wire_header(std::size_t height) const {
        return WireHeader{block(height)->header, block(height)->id};
    }
    CertificatePtr certificate(std::size_t height) const;
    BlockRef ref(std::size_t height) const;
    Status status() const;

  private:
    std::vector<BlockPtr> blocks_;
};

/// Distinct for each `seed`, signed by an account that depends on it.
TransactionPtr test_transaction(std::uint64_t seed, std::size_t data_size = 0);
/// Distinct for each `seed`; its signature is noise.
Vote test_vote(std::uint64_t seed, const TestChain& chain);

}  // namespace sennit::protocol::conformance
