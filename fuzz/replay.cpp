// SPDX-License-Identifier: MIT
/// Replays a fuzz target's corpus without libFuzzer, with a few thousand mutations of each file
/// from a fixed seed, so that every ordinary test run covers every decoder.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/rng.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMutationsTotal = 4000;

sennit::Bytes mutated(sennit::Bytes input, sennit::Rng& rng) {
    for (std::uint64_t edits = 1 + rng.below(4); edits > 0; --edits) {
        if (input.empty() || rng.chance(1, 8)) {
            input.push_back(static_cast<std::uint8_t>(rng.next()));
            continue;
        }
        const auto at = rng.below(input.size());
        switch (rng.below(4)) {
            case 0: input[at] = static_cast<std::uint8_t>(rng.next()); break;
            case 1: input[at] ^= static_cast<std::uint8_t>(1u << rng.below(8)); break;
            case 2: input.resize(at); break;
            default:
                input.insert(input.begin() + static_cast<std::ptrdiff_t>(at),
                             static_cast<std::uint8_t>(rng.next()));
        }
    }
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<sennit::Bytes> corpus{{}};
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) continue;
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator{argv[i]})
            files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        for (const auto& file : files) {
            std::ifstream in{file, std::ios::binary};
            corpus.emplace_back(std::istreambuf_iterator<char>{in},
                                std::istreambuf_iterator<char>{});
        }
    }
    sennit::Rng rng{std::uint64_t{1}};
    std::size_t runs = 0;
    for (const auto& input : corpus) {
        LLVMFuzzerTestOneInput(input.data(), input.size());
        ++runs;
        for (std::size_t i = 0; i < kMutationsTotal / corpus.size(); ++i) {
            const auto changed = mutated(input, rng);
            LLVMFuzzerTestOneInput(changed.data(), changed.size());
            ++runs;
        }
    }
    std::printf("%zu files, %zu runs\n", corpus.size() - 1, runs);
    return 0;
}
