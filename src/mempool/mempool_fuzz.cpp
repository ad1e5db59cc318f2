// SPDX-License-Identifier: MIT
/// Every four bytes are one thing that happens to a small pool: what, whose, which nonce, what for.
/// Its limits and its order must hold after each.
#include "base/bytes.hpp"
#include "mempool/fixture.hpp"

namespace {

using namespace sennit;
using mempool::Mempool;
using mempool::fixture::genesis;
using mempool::fixture::sender;
using mempool::fixture::transfer;

constexpr std::size_t kEventsMax = 500;

void check_offer(const Mempool& pool) {
    const std::size_t bytes_max = 3000;
    std::map<Address, std::uint64_t> next;
    std::size_t bytes = 0;
    for (const auto& tx : pool.best(20, bytes_max)) {
        const auto [at, first] = next.try_emplace(tx->sender, tx->tx.nonce);
        SENNIT_ASSERT(tx->tx.nonce == at->second++);
        SENNIT_ASSERT(pool.contains(tx->id));
        bytes += tx->rlp.size();
    }
    SENNIT_ASSERT(bytes <= bytes_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Mempool pool{genesis(), {.transactions_max = 20, .bytes_max = 6000, .per_sender_max = 6}};
    Now now{Instant{std::chrono::seconds{100}}, {}};
    for (std::size_t i = 0; i + 4 <= std::min(size, 4 * kEventsMax); i += 4) {
        const auto from = static_cast<std::uint8_t>(data[i + 1] % 8);
        const std::uint8_t detail = data[i + 3];
        const Mempool::AccountState account{data[i + 2] % 4u, Amount{21000} * detail};
        switch (data[i] % 8) {
            case 0: pool.on_account(sender(from), account); break;
            case 1:
                now.at += std::chrono::seconds{16 * detail};
                pool.on_time(now);
                break;
            case 2:
                if (const auto all = pool.all(); !all.empty())
                    pool.remove(all[detail % all.size()]->id);
                break;
            default: {
                const auto tx =
                    transfer(from, data[i + 2] % 16u, data[i] / 8u, 1, std::size_t{detail} * 4);
                const auto added = pool.add(tx, account, now);
                if (!added) break;
                SENNIT_ASSERT(pool.contains(tx->id));
                for (const auto& gone : added->removed) SENNIT_ASSERT(!pool.contains(gone->id));
            }
        }
        pool.check_invariants();
    }
    check_offer(pool);
    return 0;
}
