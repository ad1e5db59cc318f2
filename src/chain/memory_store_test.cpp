// SPDX-License-Identifier: MIT
#include "chain/store_conformance.hpp"

namespace sennit::chain {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         testing::Values(StoreUnderTest{"memory", make_memory_store}),
                         name_of_store);

TEST(Column, every_column_has_a_name_of_its_own) {
    std::map<std::string_view, std::size_t> names;
    for (std::size_t i = 0; i < kColumns; ++i) ++names[to_string(static_cast<Column>(i))];
    EXPECT_EQ(names.size(), kColumns);
    EXPECT_EQ(to_string(Column::trie_nodes), "trie_nodes");
    EXPECT_EQ(to_string(Column::pool), "pool");
}

}  // namespace
}  // namespace sennit::chain
