// SPDX-License-Identifier: MIT
#include "transport/tcp/send_queue.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace sennit::transport::tcp {
namespace {

SharedBytes bytes(Rng& rng, std::size_t size) {
    Bytes out(size);
    rng.fill(out);
    return std::make_shared<const Bytes>(std::move(out));
}

// Pushes and consumes at random; what comes out must be what went in, and the queue must let go
// of every byte string that has left.
TEST(send_queue, gives_what_was_pushed_in_order_for_every_cut) {
    Rng rng{1};
    SendQueue queue;
    Bytes expected;
    Bytes got;
    std::vector<std::weak_ptr<const Bytes>> pushed;
    for (int step = 0; step < 5000; ++step) {
        if (rng.chance(3, 5)) {
            auto next = bytes(rng, 1 + rng.below(rng.chance(1, 9) ? 2 * SendQueue::kSmallMax : 50));
            expected.insert(expected.end(), next->begin(), next->end());
            pushed.push_back(next);
            queue.push(std::move(next), rng.chance(1, 9));
        } else if (!queue.empty()) {
            SendQueue::Pieces storage;
            auto left = 1 + rng.below(std::min<std::size_t>(queue.size(), 200));
            std::size_t taken = 0;
            for (const auto& piece : queue.front(storage, SendQueue::kPiecesMax)) {
                const auto n = std::min(left - taken, piece.size());
                const auto* data = static_cast<const std::uint8_t*>(piece.data());
                got.insert(got.end(), data, data + n);
                taken += n;
            }
            queue.consume(taken);
        }
        ASSERT_EQ(expected.size() - got.size(), queue.size());
    }
    ASSERT_GT(got.size(), 10'000u);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), expected.begin()));
    queue.clear();
    EXPECT_TRUE(queue.empty());
    for (const auto& one : pushed) EXPECT_TRUE(one.expired());
}

TEST(send_queue, offers_one_piece_alone_when_asked_to) {
    Rng rng{2};
    SendQueue queue;
    queue.push(bytes(rng, 10), true);
    queue.push(bytes(rng, 20), true);
    SendQueue::Pieces storage;
    ASSERT_EQ(queue.front(storage, 1).size(), 1u);
    EXPECT_EQ(queue.front(storage, 1)[0].size(), 10u);
    queue.consume(4);
    EXPECT_EQ(queue.front(storage, 1)[0].size(), 6u);
    queue.consume(6);
    EXPECT_EQ(queue.front(storage, 1)[0].size(), 20u);
}

TEST(send_queue, small_pieces_share_buffers_and_large_ones_stay_as_they_are) {
    Rng rng{3};
    SendQueue queue;
    const auto large = bytes(rng, SendQueue::kSmallMax + 1);
    queue.push(large);
    for (std::size_t i = 0; i < 10'000; ++i) queue.push(bytes(rng, 5));
    SendQueue::Pieces storage;
    const auto pieces = queue.front(storage, SendQueue::kPiecesMax);
    EXPECT_EQ(pieces[0].data(), large->data());
    EXPECT_LE(pieces.size(), 2 + 50'000 / (SendQueue::kBufferSizeMax - 5));
}

}  // namespace
}  // namespace sennit::transport::tcp
