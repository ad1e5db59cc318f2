// SPDX-License-Identifier: MIT
#include "node/executor.hpp"

#include <boost/asio/post.hpp>

namespace sennit::node {

namespace {

/// Enough that a thread never waits for the driver's next turn.
constexpr std::size_t kQueueMax = 256;

}  // namespace

Executor::Executor(boost::asio::io_context& driver, engine::JobContext context, chain::Store& store,
                   std::size_t workers, Sink sink)
    : driver_{driver},
      context_{context},
      store_{store},
      sink_{std::move(sink)},
      workers_{{"sennit-worker", workers, kQueueMax}, {}},
      chain_{{"sennit-chain", 1, kQueueMax}, {}},
      disk_{{"sennit-disk", 1, kQueueMax}, {}} {}

Executor::~Executor() = default;

void Executor::run(engine::Run run) {
    auto& lane = run.lane == engine::Lane::chain ? chain_ : workers_;
    auto job = std::make_shared<engine::Job>(std::move(run.job));
    submit(lane, [this, id = run.id, job] {
        return engine::JobDone{id, engine::run(*job, context_)};
    });
}

void Executor::write(engine::Store store) {
    auto batch = std::make_shared<chain::Batch>(std::move(store.batch));
    submit(disk_,
           [this, batch, ticket = store.ticket, durability = store.durability]() -> engine::Event {
               auto written = store_.write(*batch, durability);
               if (!written) return engine::DiskFailed{written.error()};
               return engine::Stored{ticket};
           });
}

void Executor::submit(LaneQueue& lane, Work work) {
    ++pending_;
    auto shared = std::make_shared<Work>(std::move(work));
    if (!lane.waiting.empty() || !post(lane, shared)) lane.waiting.push_back(std::move(shared));
}

bool Executor::post(LaneQueue& lane, std::shared_ptr<Work> work) {
    return lane.pool.post([this, &lane, work = std::move(work)] {
        auto event = std::make_shared<engine::Event>((*work)());
        boost::asio::post(driver_, [this, &lane, event] {
            --pending_;
            feed(lane);
            sink_(std::move(*event));
        });
    });
}

void Executor::feed(LaneQueue& lane) {
    while (!lane.waiting.empty() && post(lane, lane.waiting.front())) lane.waiting.pop_front();
}

}  // namespace sennit::node
