// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "storage/open_store.hpp"
#include "storage/temporary_directory.hpp"

/// Kills a process that writes, and looks at what it leaves. gtest's "threadsafe" death tests start
/// this program anew for the child, so that RocksDB's threads are never forked; the directory
/// reaches the child through the environment.
namespace sennit::storage {
namespace {

using chain::Batch;
using chain::Column;
using chain::Durability;

constexpr const char* kDirectoryVariable = "SENNIT_STORAGE_CRASH_DIRECTORY";

class Crash : public testing::Test {
  protected:
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        if (const char* inherited = std::getenv(kDirectoryVariable)) {
            path = inherited;
            return;
        }
        directory.emplace();
        path = directory->path();
        ASSERT_EQ(::setenv(kDirectoryVariable, path.c_str(), 1), 0);
    }
    void TearDown() override { ::unsetenv(kDirectoryVariable); }

    Options options() const { return {.path = path + "/db", .create = true}; }

    std::optional<TemporaryDirectory> directory;
    std::string path;
};

// How far the child got, in memory that outlives it.
class Progress {
  public:
    explicit Progress(const std::string& file) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT, 0600);
        if (descriptor < 0 || ::ftruncate(descriptor, sizeof *acknowledged_) != 0) std::abort();
        void* memory = ::mmap(nullptr, sizeof *acknowledged_, PROT_READ | PROT_WRITE, MAP_SHARED,
                              descriptor, 0);
        ::close(descriptor);
        if (memory == MAP_FAILED) std::abort();
        acknowledged_ = static_cast<std::atomic<std::uint64_t>*>(memory);
    }
    ~Progress() { ::munmap(acknowledged_, sizeof *acknowledged_); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    std::atomic<std::uint64_t>& acknowledged() { return *acknowledged_; }

  private:
    std::atomic<std::uint64_t>* acknowledged_{nullptr};
};

Batch numbered(std::uint64_t n) {
    Batch batch;
    const auto key = Writer{sizeof n}.be(n).bytes();
    batch.put(Column::headers, key, BytesView{key});
    batch.put(Column::bodies, key, Bytes(2000, static_cast<std::uint8_t>(n)));
    batch.put(Column::meta, as_bytes("head"), key);
    return batch;
}

std::uint64_t head_of(const chain::Snapshot& store) {
    const auto row = store.get(Column::meta, as_bytes("head"));
    EXPECT_TRUE(row && *row);
    if (!row || !*row) return 0;
    return *Reader{**row}.be<std::uint64_t>();
}

[[noreturn]] void write_and_exit(const Options& options) {
    auto store = open_store(options);
    SENNIT_ASSERT(store.has_value());
    for (std::uint64_t n = 1; n <= 100; ++n) {
        SENNIT_ASSERT((*store)->write(numbered(n), Durability::buffered).has_value());
    }
    ::_exit(0);
}

TEST_F(Crash, a_process_that_ends_without_closing_has_lost_nothing) {
    ASSERT_EXIT(write_and_exit(options()), testing::ExitedWithCode(0), "");
    const auto store = open_store(options());
    ASSERT_TRUE(store) << store.error().text();
    EXPECT_EQ(head_of(**store), 100u);
}

[[noreturn]] void write_until_killed(const Options& options, Progress& progress) {
    auto small = options;
    small.write_buffer_bytes = std::size_t{1} << 20;  // flushes and new logs all the while
    auto store = open_store(small);
    SENNIT_ASSERT(store.has_value());
    std::thread killer{[&progress] {
        while (progress.acknowledged() < 5000) {
            std::this_thread::yield();
        }
        std::raise(SIGKILL);
    }};
    for (std::uint64_t n = 1;; ++n) {
        SENNIT_ASSERT((*store)->write(numbered(n), Durability::buffered).has_value());
        progress.acknowledged() = n;
    }
}

// The kill comes from another thread, anywhere within a write or a flush.
TEST_F(Crash, a_killed_process_leaves_every_acknowledged_batch_and_no_half_of_one) {
    Progress progress{path + "/progress"};
    ASSERT_EXIT(write_until_killed(options(), progress), testing::KilledBySignal(SIGKILL), "");
    const auto store = open_store(options());
    ASSERT_TRUE(store) << store.error().text();
    const auto head = head_of(**store);
    EXPECT_GE(head, progress.acknowledged());
    EXPECT_LE(head, progress.acknowledged() + 1);
    for (const auto column : {Column::headers, Column::bodies}) {
        std::uint64_t count = 0;
        ASSERT_TRUE((*store)->scan(column, {}, [&](BytesView key, BytesView) {
            ++count;
            return *Reader{key}.be<std::uint64_t>() == count;
        }));
        EXPECT_EQ(count, head) << to_string(column);
    }
}

[[noreturn]] void open_while_taken(const Options& options) {
    const auto store = open_store(options);
    ::_exit(!store && store.error().code == Errc::busy ? 0 : 1);
}

TEST_F(Crash, another_process_cannot_open_what_is_open) {
    const bool child = !directory.has_value();
    std::unique_ptr<chain::Store> store;
    if (!child) {
        auto opened = open_store(options());
        ASSERT_TRUE(opened) << opened.error().text();
        store = std::move(*opened);
    }
    ASSERT_EXIT(open_while_taken(options()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sennit::storage
