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
    const auto urgency = engine::is_urgent(run.job) ? Urgency::urgent : Urgency::ordinary;
    auto job = std::make_shared<engine::Job>(std::move(run.job));
    submit(lane, urgency, [this, id = run.id, job] {
        return engine::JobDone{id, engine::run(*job, context_)};
    });
}

void Executor::write(engine::Store store) {
    auto batch = std::make_shared<chain::Batch>(std::move(store.batch));
    submit(disk_, Urgency::ordinary,
           [this, batch, ticket = store.ticket, durability = store.durability]() -> engine::Event {
               auto written = store_.write(*batch, durability);
               if (!written) return engine::DiskFailed{written.error()};
               return engine::Stored{ticket};
           });
}

void Executor::submit(LaneQueue& lane, Urgency urgency, Work work) {
    ++pending_;
    auto shared = std::make_shared<Work>(std::move(work));
    auto& waiting = lane.waiting[static_cast<std::size_t>(urgency)];
    if (!waiting.empty() || !post(lane, urgency, shared)) waiting.push_back(std::move(shared));
}

bool Executor::post(LaneQueue& lane, Urgency urgency, std::shared_ptr<Work> work) {
    const auto job = [this, &lane, work = std::move(work)] {
        auto event = std::make_shared<engine::Event>((*work)());
        boost::asio::post(driver_, [this, &lane, event] {
            --pending_;
            feed(lane);
            sink_(std::move(*event));
        });
    };
    return lane.pool.post(job, urgency);
}

void Executor::feed(LaneQueue& lane) {
    for (const auto urgency : {Urgency::urgent, Urgency::ordinary}) {
        auto& waiting = lane.waiting[static_cast<std::size_t>(urgency)];
        while (!waiting.empty() && post(lane, urgency, waiting.front())) waiting.pop_front();
    }
}

void Executor::drop_jobs() {
    drop(workers_);
    drop(chain_);
}

void Executor::drop(LaneQueue& lane) {
    for (auto& waiting : lane.waiting) {
        pending_ -= waiting.size();
        waiting.clear();
    }
    pending_ -= lane.pool.drop_waiting();
}

}  // namespace sennit::node
