// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "trie/node.hpp"
#include "trie/path_trie.hpp"
#include "trie/reference_trie.hpp"

/// Ethereum's own trie tests (ethereum/tests, TrieTests), each as a sequence of single updates and
/// as one batch.
namespace sennit::trie {
namespace {

namespace json = boost::json;

Bytes bytes_of(std::string_view text) {
    if (!text.starts_with("0x")) return to_bytes(as_bytes(text));
    auto out = from_hex(text.substr(2));
    return out ? *out : Bytes{};
}

std::vector<std::pair<Path, Bytes>> writes_of(const json::value& in) {
    std::vector<std::pair<Path, Bytes>> out;
    const auto add = [&](std::string_view key, const json::value& value) {
        Path path;
        append_nibbles(bytes_of(key), path);
        out.emplace_back(path, value.is_null() ? Bytes{} : bytes_of(value.as_string()));
    };
    if (in.is_object()) {
        for (const auto& [key, value] : in.as_object()) add(key, value);
    } else {
        for (const auto& entry : in.as_array()) add(entry.at(0).as_string(), entry.at(1));
    }
    return out;
}

class TrieVectors : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Ethereum, TrieVectors, testing::Values("trietest", "trieanyorder"),
                         [](const auto& file) { return file.param; });

TEST_P(TrieVectors, give_the_roots_that_ethereum_gives) {
    const auto file = std::filesystem::path{SENNIT_EXTERNAL} / "ethereum-tests" / "TrieTests" /
                      (std::string{GetParam()} + ".json");
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "no public vectors here";
    std::ifstream stream{file};
    const auto cases = json::parse(std::string{std::istreambuf_iterator<char>{stream}, {}});
    ASSERT_GE(cases.as_object().size(), 5u);
    for (const auto& [name, test] : cases.as_object()) {
        SCOPED_TRACE(std::string{name});
        const std::string_view root = test.at("root").as_string();
        reference::NodeMap one_by_one;
        reference::Contents last;
        std::string reached;
        for (const auto& [path, value] : writes_of(test.at("in"))) {
            const auto update = update_paths(one_by_one.reader(), {{PathChange{path, value}}});
            ASSERT_TRUE(update) << update.error().text();
            one_by_one.apply(*update);
            reached = "0x" + to_hex(update->root);
            last[path] = value;
        }
        EXPECT_EQ(reached, root);

        std::vector<PathChange> batch;
        for (const auto& [path, value] : last) batch.push_back({path, value});
        const auto update = update_paths(reference::NodeMap{}.reader(), batch);
        ASSERT_TRUE(update) << update.error().text();
        EXPECT_EQ("0x" + to_hex(update->root), root);
    }
}

}  // namespace
}  // namespace sennit::trie
