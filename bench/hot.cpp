// SPDX-License-Identifier: MIT
/// Hot paths, each next to the limit that bounds it on the same machine in the same run.
#include <benchmark/benchmark.h>

#include "base/rng.hpp"
#include "chain/genesis_fixture.hpp"
#include "crypto/keccak.hpp"
#include "primitives/block.hpp"
#include "protocol/framing/frame_reader.hpp"
#include "protocol/moderntensor/codec.hpp"
#include "protocol/moderntensor/hello.hpp"
#include "trie/trie.hpp"

namespace sennit {
namespace {

namespace tensor = protocol::moderntensor;

void count(benchmark::State& state, std::size_t each = 1) {
    state.SetItemsProcessed(static_cast<std::int64_t>(each) * state.iterations());
}

constexpr std::size_t kFrames = 512;  // one read of a socket, about

Bytes frames_of_100_bytes() {
    Bytes out;
    for (std::size_t i = 0; i < kFrames; ++i) {
        tensor::append_frame(out, tensor::Type::transactions,
                             Bytes(95, static_cast<std::uint8_t>(i)));
    }
    return out;
}

void limit_copy_100_bytes(benchmark::State& state) {
    const auto from = frames_of_100_bytes();
    Bytes to(from.size());
    for (auto _ : state) {
        for (std::size_t at = 0; at < from.size(); at += 100) std::memcpy(&to[at], &from[at], 100);
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    count(state, kFrames);
}
BENCHMARK(limit_copy_100_bytes);

void decode_100_byte_frames(benchmark::State& state) {
    const auto bytes = frames_of_100_bytes();
    tensor::Layout layout;
    layout.handshaking = false;
    protocol::FrameBudget budget;
    protocol::FrameReader reader{layout, budget};
    for (auto _ : state) {
        BytesView input{bytes};
        while (!input.empty()) benchmark::DoNotOptimize(reader.feed(input, Instant{}));
    }
    count(state, kFrames);
}
BENCHMARK(decode_100_byte_frames);

void encode_100_byte_frames(benchmark::State& state) {
    const Bytes payload(95, 7);
    Bytes out;
    for (auto _ : state) {
        out.clear();
        for (std::size_t i = 0; i < kFrames; ++i) {
            tensor::append_frame(out, tensor::Type::transactions, payload);
        }
        benchmark::DoNotOptimize(out.data());
    }
    count(state, kFrames);
}
BENCHMARK(encode_100_byte_frames);

tensor::Hello hello() {
    tensor::Hello out;
    out.protocol_version = 1;
    out.network_id = 1337;
    out.genesis_hash = Bytes(32, 1);
    out.best_height = 100;
    out.best_hash = Bytes(32, 2);
    out.listen_port = 30303;
    out.node_id = Bytes(32, 3);
    out.capabilities = {"sync", "relay"};
    return out;
}

void encode_hello(benchmark::State& state) {
    const auto value = hello();
    for (auto _ : state) benchmark::DoNotOptimize(tensor::write_hello(value));
    count(state);
}
BENCHMARK(encode_hello);

void decode_hello(benchmark::State& state) {
    const auto text = tensor::write_hello(hello());
    for (auto _ : state) benchmark::DoNotOptimize(tensor::parse_hello(as_bytes(text)));
    count(state);
}
BENCHMARK(decode_hello);

void limit_keccak_of_a_header(benchmark::State& state) {
    const Bytes header(kHeaderSizeMin, 1);
    for (auto _ : state) benchmark::DoNotOptimize(crypto::keccak256(header));
    count(state);
}
BENCHMARK(limit_keccak_of_a_header);

void decode_and_identify_header(benchmark::State& state) {
    const auto bytes = encode(Header{});
    for (auto _ : state) {
        benchmark::DoNotOptimize(decode_header(bytes));
        benchmark::DoNotOptimize(header_id(bytes));
    }
    count(state);
}
BENCHMARK(decode_and_identify_header);

void limit_ed25519_verify(benchmark::State& state) {
    const auto key = chain::fixture::validator_key(1);
    const Bytes message(100, 1);
    const auto signature = key.sign(message);
    const auto id = key.public_key<NodeId>();
    for (auto _ : state) {
        benchmark::DoNotOptimize(crypto::ed25519_verify(id.view(), message, signature.view()));
    }
    count(state);
}
BENCHMARK(limit_ed25519_verify);

void limit_secp256k1_recover(benchmark::State& state) {
    const auto digest = crypto::keccak256(as_bytes("x"));
    const auto signature = chain::fixture::account_key(1).sign(digest);
    for (auto _ : state) benchmark::DoNotOptimize(crypto::recover_address(digest, signature));
    count(state);
}
BENCHMARK(limit_secp256k1_recover);

void update_200_of_100000_accounts(benchmark::State& state) {
    std::map<trie::Path, Bytes> nodes;
    const trie::NodeReader read = [&](BytesView path) -> Result<std::optional<Bytes>> {
        const auto found = nodes.find(to_bytes(path));
        if (found == nodes.end()) return std::optional<Bytes>{};
        return std::optional{found->second};
    };
    Rng rng{std::uint64_t{1}};
    const auto batch = [&](std::size_t size) {
        std::map<Digest, Bytes> changes;
        while (changes.size() < size) {
            Writer number;
            number.le(rng.below(100'000));
            changes[crypto::keccak256(number.bytes())] =
                Bytes(78, static_cast<std::uint8_t>(1 + rng.below(255)));
        }
        std::vector<trie::Change> out;
        for (auto& [key, value] : changes) out.push_back({key, std::move(value)});
        return out;
    };
    const auto apply = [&](const std::vector<trie::Change>& changes) {
        auto done = trie::update(read, changes);
        for (auto& [path, node] : done->nodes) {
            if (node) {
                nodes[path] = *std::move(node);
            } else {
                nodes.erase(path);
            }
        }
    };
    apply(batch(60'000));
    for (auto _ : state) {
        state.PauseTiming();
        const auto changes = batch(200);
        state.ResumeTiming();
        apply(changes);
    }
    count(state, 200);
}
BENCHMARK(update_200_of_100000_accounts)->Iterations(500);

}  // namespace
}  // namespace sennit

BENCHMARK_MAIN();
