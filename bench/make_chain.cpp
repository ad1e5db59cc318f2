// SPDX-License-Identifier: MIT
/// bench_make_chain DIR BLOCKS TRANSFERS [VALIDATORS]: a node's directory with a finished chain,
/// for sync.py and for tests that want a long one at once (a slot lasts two seconds at least).
///
/// All keys are the test fixture's. Only the last two blocks have stored certificates: the finality
/// of the last but one vouches for all below it. With one validator, a node that is given
/// validator.key goes on with the chain; faucet.key is an account with money.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "chain/test_chain.hpp"
#include "storage/open_store.hpp"

namespace sennit {
namespace {

using chain::fixture::TestChain;

chain::Genesis bench_genesis(std::uint64_t validators) {
    auto genesis = chain::fixture::genesis(std::vector<std::uint64_t>(validators, 1));
    // A year: a long synthetic chain must not look like one that its validators have left.
    genesis.stake.unbonding_seconds = 366ull * 24 * 3600;
    return genesis;
}

void put(chain::Store& store, const Certificate& certificate) {
    const auto& target = certificate.link.target;
    Writer key{40};
    key.be(target.slot.value).hash(target.id);
    chain::Batch batch;
    batch.put(chain::Column::certificates, key.bytes(), encode(certificate));
    SENNIT_ASSERT(store.write(batch, chain::Durability::synced));
}

void make(const std::string& directory, std::uint64_t blocks, std::uint64_t transfers,
          std::uint64_t validators) {
    std::filesystem::create_directories(directory);
    const TestChain chain{bench_genesis(validators)};
    std::ofstream{directory + "/genesis.json"} << chain::pretty_json(chain.genesis());
    std::ofstream{directory + "/validator.key"} << to_hex(chain::fixture::validator_key(0).seed())
                                                << "\n";
    std::ofstream{directory + "/faucet.key"} << to_hex(chain::fixture::account_key(100).secret())
                                             << "\n";
    storage::Options options;
    options.path = directory + "/db";
    options.create = true;
    auto opened = storage::open_store(options);
    SENNIT_ASSERT(opened);
    auto& store = **opened;
    auto state = chain.open(store);
    // The slots end shortly before now, as those of a chain that lives.
    const auto schedule = chain.schedule();
    const auto slots_now =
        (static_cast<std::uint64_t>(std::time(nullptr)) - schedule.timestamp(Slot{0})) /
        schedule.slot_seconds();
    const Slot first{slots_now - blocks - 100};
    std::uint64_t nonce = 0;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        std::vector<TransactionPtr> list;
        for (std::uint64_t t = 0; t < transfers; ++t) {
            const auto to = chain::fixture::address(
                static_cast<std::uint32_t>(1000 + (i * transfers + t) % 20'000));
            list.push_back(
                chain.transfer(100 + static_cast<std::uint32_t>(t % 4), to, 1, nonce + t / 4));
        }
        nonce += (transfers + 3) / 4;
        // As in ordinary times: every block names its parent as J. The first cannot: genesis is J.
        const auto base = state->base();
        const auto justified = i == 0 ? nullptr : base;
        const auto block = chain.propose(*state, {base->id, first + i, justified, std::move(list)});
        SENNIT_ASSERT(block->transactions.size() == transfers);
        const auto appended = state->append_final({&block, 1});
        SENNIT_ASSERT(appended && appended->applied == 1);
        if (i % 10'000 == 0)
            std::fprintf(stderr, "%llu blocks\n", static_cast<unsigned long long>(i));
    }
    const auto base = state->base();
    const auto top = chain.propose(*state, {base->id, first + blocks, base, {}});
    SENNIT_ASSERT(state->execute(top));
    put(store, *chain.certify(*state, *base));
    put(store, *chain.certify(*state, *state->facts(top->id)));
}

}  // namespace
}  // namespace sennit

int main(int argc, char** argv) {
    const auto number = [&](int at) { return std::strtoull(argv[at], nullptr, 10); };
    const auto validators = argc == 5 ? number(4) : 4;
    if (argc < 4 || argc > 5 || validators < 1 || validators > 100) {
        std::fprintf(stderr,
                     "bench_make_chain DIRECTORY BLOCKS TRANSFERS_EACH [VALIDATORS, 1 to 100]\n");
        return 2;
    }
    sennit::make(argv[1], number(2), number(3), validators);
    return 0;
}
