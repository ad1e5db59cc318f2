// SPDX-License-Identifier: MIT
#include "chain/layer.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"

// Layers are compared with a model: one map from key to value for each block of a tree of blocks.

namespace sennit::chain {
namespace {

Bytes key_of(std::uint64_t number) {
    return Bytes{static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

FactsPtr facts_at(std::uint64_t height) {
    auto facts = std::make_shared<Facts>();
    facts->height = Height{height};
    return facts;
}

LayerContentPtr content_at(std::uint64_t height, std::vector<Row> rows) {
    auto content = std::make_shared<LayerContent>();
    content->facts = facts_at(height);
    content->rows = sorted(std::move(rows));
    return content;
}

using Model = std::map<Bytes, std::optional<Bytes>>;

/// A chain of blocks with a few changes each, and what a reader at each of them should see.
class Branch {
  public:
    explicit Branch(std::uint64_t seed) : rng_{seed} {}

    void extend(std::uint64_t height) {
        std::map<Bytes, std::optional<Bytes>> changed;
        for (int i = 0; i < 3; ++i) {
            std::optional<Bytes> value;
            if (!rng_.chance(1, 4)) value = Bytes{static_cast<std::uint8_t>(rng_.next())};
            changed[key_of(rng_.below(kKeys))] = value;
        }
        std::vector<Row> rows;
        for (const auto& [key, value] : changed) {
            rows.push_back({Column::accounts, key, value});
            model_[key] = value;
        }
        top_ = std::make_shared<const Layer>(content_at(height, std::move(rows)), top_);
    }
    /// What a base that moved up to `height` does: new layers above it, same contents.
    void cut(std::uint64_t height) {
        std::vector<const Layer*> above;
        for (const Layer* layer = top_.get();
             layer != nullptr && layer->facts().height.value > height;
             layer = layer->parent().get()) {
            above.push_back(layer);
        }
        LayerPtr top;
        for (auto layer = above.rbegin(); layer != above.rend(); ++layer) {
            top = std::make_shared<const Layer>(**layer, top);
        }
        top_ = top;
    }
    const LayerPtr& top() const { return top_; }
    const Model& model() const { return model_; }
    static constexpr std::uint64_t kKeys = 400;

  private:
    Rng rng_;
    LayerPtr top_;
    Model model_;
};

TEST(Layer, the_newest_ancestor_wins_over_any_number_of_layers) {
    Branch branch{1};
    std::size_t worst = 0;
    for (std::uint64_t height = 5; height < 700; ++height) {
        branch.extend(height);
        for (std::uint64_t number = 0; number < Branch::kKeys; number += 7) {
            std::size_t visited = 0;
            const Row* found = branch.top()->find(Column::accounts, key_of(number), &visited);
            const auto expected = branch.model().find(key_of(number));
            ASSERT_EQ(found != nullptr, expected != branch.model().end()) << height;
            if (found != nullptr) {
                ASSERT_EQ(found->value, expected->second) << height;
            }
            worst = std::max(worst, visited);
        }
    }
    EXPECT_LE(worst, 15u + 15u + 2u);
    EXPECT_EQ(branch.top()->find(Column::slots, key_of(1)), nullptr);
}

TEST(Layer, a_fork_sees_its_own_ancestors_only) {
    LayerPtr trunk;
    for (std::uint64_t height = 1; height <= 20; ++height) {
        trunk = std::make_shared<const Layer>(
            content_at(height, {{Column::slots, key_of(height), Bytes{1}}}), trunk);
    }
    LayerPtr left = trunk;
    LayerPtr right = trunk;
    for (std::uint64_t height = 21; height <= 40; ++height) {
        left = std::make_shared<const Layer>(
            content_at(height, {{Column::slots, key_of(height), Bytes{2}}}), left);
        right = std::make_shared<const Layer>(
            content_at(height, {{Column::slots, key_of(height), Bytes{3}}}), right);
    }
    for (std::uint64_t height = 21; height <= 40; ++height) {
        EXPECT_EQ(left->find(Column::slots, key_of(height))->value, Bytes{2});
        EXPECT_EQ(right->find(Column::slots, key_of(height))->value, Bytes{3});
    }
    EXPECT_EQ(right->find(Column::slots, key_of(7))->value, Bytes{1});
}

// What the cut removes is the base's by then, so the base answers with the model of that height.
TEST(Layer, layers_cut_at_the_base_answer_as_before_together_with_it) {
    for (const std::uint64_t cut : {1u, 15u, 16u, 17u, 250u, 256u, 299u}) {
        Branch branch{2};
        Model base;
        for (std::uint64_t height = 1; height <= 300; ++height) {
            branch.extend(height);
            if (height == cut) base = branch.model();
        }
        branch.cut(cut);
        const auto check = [&](std::uint64_t height) {
            for (std::uint64_t number = 0; number < Branch::kKeys; ++number) {
                const auto key = key_of(number);
                const Row* found = branch.top()->find(Column::accounts, key);
                std::optional<Bytes> seen;
                if (found != nullptr) {
                    seen = found->value;
                } else if (const auto below = base.find(key); below != base.end()) {
                    seen = below->second;
                }
                const auto expected = branch.model().find(key);
                ASSERT_EQ(seen, expected == branch.model().end() ? std::nullopt : expected->second)
                    << "cut at " << cut << ", height " << height << ", key " << number;
            }
        };
        check(300);
        for (std::uint64_t height = 301; height <= 530; ++height) branch.extend(height);
        check(530);
    }
}

TEST(Layer, thousands_of_layers_end_without_exhausting_the_stack) {
    LayerPtr top;
    for (std::uint64_t height = 1; height <= 20'000; ++height) {
        top = std::make_shared<const Layer>(content_at(height, {}), std::move(top));
    }
    EXPECT_EQ(top->find(Column::accounts, key_of(1)), nullptr);
    top.reset();
}

TEST(Layer, its_bytes_give_it_back) {
    LayerContent content;
    content.rows = sorted({{Column::trie_nodes, Bytes{0, 3}, Bytes(300, 7)},
                           {Column::accounts, Bytes(32, 1), std::nullopt},
                           {Column::accounts, Bytes(32, 0), Bytes{}}});
    content.touched = {{Address{{1}}, 5, Amount{1} << 100}};
    content.transactions = {TxId{{9}}, TxId{{8}}};
    const auto bytes = encode_layer(content);
    const auto decoded = decode_layer(bytes);
    ASSERT_TRUE(decoded) << decoded.error().text();
    ASSERT_EQ(decoded->rows.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(decoded->rows[i].column, content.rows[i].column);
        EXPECT_EQ(decoded->rows[i].key, content.rows[i].key);
        EXPECT_EQ(decoded->rows[i].value, content.rows[i].value);
    }
    ASSERT_EQ(decoded->touched.size(), 1u);
    EXPECT_EQ(decoded->touched[0].nonce, 5u);
    EXPECT_TRUE(decoded->touched[0].balance == Amount{1} << 100);
    EXPECT_EQ(decoded->transactions, content.transactions);
    EXPECT_EQ(encode_layer(*decoded), bytes);
}

TEST(Layer, damaged_bytes_are_refused) {
    LayerContent content;
    content.rows = {{Column::slots, Bytes{2}, Bytes{1}}, {Column::slots, Bytes{1}, Bytes{1}}};
    EXPECT_EQ(decode_layer(encode_layer(content)).error().code, Errc::malformed)
        << "rows out of order";
    content.rows = sorted(std::move(content.rows));
    const auto bytes = encode_layer(content);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_layer(BytesView{bytes}.first(size))) << size;
    }
}

}  // namespace
}  // namespace sennit::chain
