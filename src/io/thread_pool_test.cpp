// SPDX-License-Identifier: MIT
#include "io/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

namespace sennit::io {
namespace {

TEST(thread_pool, runs_every_accepted_job_before_it_is_destroyed) {
    std::atomic<int> ran{0};
    {
        ThreadPool pool{"test", 3, 1000};
        for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pool.post([&ran] { ++ran; }));
    }
    EXPECT_EQ(ran, 1000);
}

TEST(thread_pool, refuses_a_job_when_its_queue_is_full) {
    std::latch release{1};
    std::latch started{1};
    std::atomic<int> ran{0};
    {
        ThreadPool pool{"test", 1, 2};
        ASSERT_TRUE(pool.post([&] {
            started.count_down();
            release.wait();
        }));
        started.wait();
        EXPECT_TRUE(pool.post([&ran] { ++ran; }));
        EXPECT_TRUE(pool.post([&ran] { ++ran; }));
        EXPECT_FALSE(pool.post([&ran] { ran = 100; }));
        EXPECT_EQ(pool.jobs_waiting(), 2u);
        release.count_down();
    }
    EXPECT_EQ(ran, 2);
}

TEST(thread_pool, runs_what_is_urgent_before_what_came_earlier_and_is_not) {
    std::latch release{1};
    std::latch started{1};
    std::string order;
    {
        ThreadPool pool{"test", 1, 2};
        ASSERT_TRUE(pool.post([&] {
            started.count_down();
            release.wait();
        }));
        started.wait();
        for (const char name : {'a', 'b'}) {
            EXPECT_TRUE(pool.post([&order, name] { order += name; }));
        }
        EXPECT_FALSE(pool.post([] {}));
        const auto urgent = ThreadPool::Urgency::urgent;
        for (const char name : {'x', 'y'}) {
            EXPECT_TRUE(pool.post([&order, name] { order += name; }, urgent)) << "its own room";
        }
        EXPECT_FALSE(pool.post([] {}, urgent));
        release.count_down();
    }
    EXPECT_EQ(order, "xyab");
}

TEST(thread_pool, uses_all_of_its_threads_at_once) {
    constexpr int kThreads = 4;
    std::latch all_inside{kThreads};
    ThreadPool pool{"a name longer than Linux keeps", kThreads, kThreads};
    for (int i = 0; i < kThreads; ++i) {
        ASSERT_TRUE(pool.post([&all_inside] { all_inside.arrive_and_wait(); }));
    }
    all_inside.wait();
}

TEST(thread_pool, takes_jobs_from_many_threads) {
    std::atomic<int> ran{0};
    {
        ThreadPool pool{"test", 2, 4000};
        std::vector<std::thread> posters;
        for (int p = 0; p < 4; ++p) {
            posters.emplace_back([&] {
                for (int i = 0; i < 1000; ++i) EXPECT_TRUE(pool.post([&ran] { ++ran; }));
            });
        }
        for (auto& poster : posters) poster.join();
    }
    EXPECT_EQ(ran, 4000);
}

TEST(worker_thread, runs_jobs_in_order_on_one_thread_that_is_not_ours) {
    std::vector<int> order;
    std::vector<std::thread::id> threads;
    {
        WorkerThread worker{"chain", 100};
        for (int i = 0; i < 100; ++i) {
            ASSERT_TRUE(worker.post([&, i] {
                order.push_back(i);
                threads.push_back(std::this_thread::get_id());
            }));
        }
    }
    ASSERT_EQ(order.size(), 100u);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    for (const auto id : threads) EXPECT_EQ(id, threads.front());
    EXPECT_NE(threads.front(), std::this_thread::get_id());
}

TEST(thread_pool, drops_what_waits_and_nothing_that_runs) {
    std::promise<void> started;
    std::promise<void> go_on;
    std::atomic<int> ran{0};
    {
        ThreadPool pool{"pool", 1, 8};
        EXPECT_TRUE(pool.post([&] {
            started.set_value();
            go_on.get_future().wait();
            ++ran;
        }));
        started.get_future().wait();
        EXPECT_TRUE(pool.post([&] { ++ran; }));
        EXPECT_TRUE(pool.post([&] { ++ran; }, ThreadPool::Urgency::urgent));
        EXPECT_EQ(pool.drop_waiting(), 2u);
        EXPECT_EQ(pool.jobs_waiting(), 0u);
        go_on.set_value();
    }
    EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace sennit::io
