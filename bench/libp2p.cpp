// SPDX-License-Identifier: MIT
/// libp2p's hot paths: both sides of a connection in one process on one core, beside the cipher and
/// the signatures that bound them.
#include <benchmark/benchmark.h>

#include "crypto/chacha20_poly1305.hpp"
#include "libp2p/connection/pair.hpp"

namespace sennit::libp2p {
namespace {

/// One read of a socket, about.
constexpr std::size_t kRead = 65536;

void limit_seal_and_open_64_kib(benchmark::State& state) {
    crypto::ChaCha20Poly1305 cipher{crypto::Secret{}};
    const Bytes plain(65519, 1);
    Bytes sealed(plain.size() + 16);
    Bytes opened(plain.size());
    const crypto::ChaCha20Poly1305::Nonce nonce{};
    for (auto _ : state) {
        cipher.seal(nonce, {}, plain, sealed);
        benchmark::DoNotOptimize(cipher.open(nonce, {}, sealed, opened));
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(plain.size()) * state.iterations());
}
BENCHMARK(limit_seal_and_open_64_kib);

/// Written on one side, read on the other: noise and yamux of both.
void one_stream(benchmark::State& state) {
    testing::Pair pair{kRead};
    pair.run();
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    pair.run();
    const Bytes text(kRead, 7);
    std::size_t written = 0;
    Bytes out;
    const auto carry = [&](Connection& from, Connection& to) {
        while (from.poll_event(pair.now)) {
        }
        out.clear();
        from.transmit(noise::Channel::kFrameMax, pair.now, out);
        to.on_bytes(out, pair.now);
        while (to.poll_event(pair.now)) {
        }
    };
    for (auto _ : state) {
        written += pair.dialler.connection->write(id, text);
        carry(*pair.dialler.connection, *pair.listener.connection);
        for (;;) {
            const auto piece = pair.listener.connection->readable(id);
            if (piece.empty()) break;
            pair.listener.connection->consume(id, piece.size(), pair.now);
        }
        carry(*pair.listener.connection, *pair.dialler.connection);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(written));
}
BENCHMARK(one_stream);

/// Both sides: four key agreements, two signatures, two verifications, and the muxer.
void upgrade(benchmark::State& state) {
    for (auto _ : state) {
        testing::Pair pair{kRead};
        pair.run();
        if (!pair.dialler.ready) state.SkipWithError("not ready");
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(upgrade);

void new_stream_and_echo(benchmark::State& state) {
    testing::Pair pair{kRead};
    pair.run();
    for (auto _ : state) {
        const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
        pair.dialler.connection->write(id, Bytes(32, 1));
        pair.dialler.connection->close_write(id);
        pair.run();
        if (pair.dialler.received[id].size() != 32) state.SkipWithError("no echo");
        pair.dialler.received.clear();
        pair.dialler.agreed.clear();
        pair.dialler.remote_closed.clear();
        pair.listener.protocols.clear();
        pair.listener.remote_closed.clear();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(new_stream_and_echo);

}  // namespace
}  // namespace sennit::libp2p

BENCHMARK_MAIN();
