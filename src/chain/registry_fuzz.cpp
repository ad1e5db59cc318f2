// SPDX-License-Identifier: MIT
/// The first byte picks who reads the rest: the genesis file, a stored validator set, the registry
/// as a call and as a view, or the judge of evidence. A call may fail; the registry's balance must
/// be what it owes either way.
#include "chain/genesis_fixture.hpp"
#include "chain/registry.hpp"
#include "chain/registry_evidence.hpp"
#include "chain/registry_sets.hpp"

namespace {

using namespace sennit;
using namespace sennit::chain;

class EmptyState : public StateReader {
  public:
    Result<std::optional<Account>> account(const Address&) const override {
        return std::optional<Account>{};
    }
    Result<Word> slot(const Address&, const Word&) const override { return Word{}; }
};

void check_genesis_file(BytesView bytes) {
    const auto genesis = parse_genesis(as_text(bytes));
    if (!genesis) return;
    const auto again = parse_genesis(canonical_json(*genesis));
    SENNIT_ASSERT(again && *again == *genesis);
}

void check_set(BytesView bytes) {
    const auto set = decode_validator_set(bytes);
    if (set) SENNIT_ASSERT(encode(*set) == to_bytes(bytes));
}

/// What the genesis validators own, in the registry's books.
Amount owed(Overlay& state, const Genesis& genesis) {
    RegistryStore store{state};
    Amount sum = 0;
    for (const auto& validator : genesis.validators) {
        const auto candidate = store.candidate(validator.account);
        sum += candidate->stake + candidate->unbonding;
    }
    return sum;
}

void check_call(BytesView bytes, const Genesis& genesis) {
    const EmptyState nothing;
    Overlay state{nothing};
    SENNIT_ASSERT(write_genesis_state(state, genesis).has_value());
    BlockContext context;
    context.timestamp = genesis.genesis_time + 3;
    const BlockId genesis_id{};
    Registry registry{state, genesis, genesis_id, context};
    const auto& sender = genesis.validators.front().account;
    state.begin();
    if (registry.call(sender, 0, bytes)) {
        state.commit();
    } else {
        state.rollback();
    }
    SENNIT_ASSERT(state.account(kRegistryAddress)->balance == owed(state, genesis));
    const auto answer = registry_view(state, bytes);
    SENNIT_ASSERT(!answer || answer->size() % Word::kSize == 0);
}

void check_evidence(BytesView bytes, const Genesis& genesis) {
    const auto half = bytes.size() / 2;
    const auto offence = judge(bytes.first(half), bytes.subspan(half), genesis, BlockId{});
    SENNIT_ASSERT(!offence || fixture::number_of(offence->key) < 1000);  // nobody else signed
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Genesis genesis = fixture::genesis({4, 5, 6});
    if (size == 0) return 0;
    const BytesView rest{data + 1, size - 1};
    switch (data[0] % 4) {
        case 0: check_genesis_file(rest); break;
        case 1: check_set(rest); break;
        case 2: check_call(rest, genesis); break;
        default: check_evidence(rest, genesis); break;
    }
    return 0;
}
