// SPDX-License-Identifier: MIT
#include "io/task.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <exception>

namespace sennit::io {

namespace {

/// What an exception says; nullopt for a cancellation, which is how a task is meant to end.
std::optional<std::string> failure_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) return std::nullopt;
        return e.what();
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception of an unknown type";
    }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor, std::size_t tasks_max, OnFailure on_failure)
    : executor_{executor},
      tasks_max_{tasks_max},
      on_failure_{std::move(on_failure)},
      emptied_{executor, asio::steady_timer::time_point::max()} {
    SENNIT_ASSERT(on_failure_);
}

TaskGroup::~TaskGroup() {
    SENNIT_ASSERT(tasks_.empty());
}

bool TaskGroup::spawn(Task<void> task, std::string_view name) {
    if (!open_ || tasks_.size() >= tasks_max_) return false;
    const auto id = next_id_++;
    Running& running = tasks_[id];
    running.name = name;
    auto on_end = [this, id](const std::exception_ptr& error) { finished(id, error); };
    asio::co_spawn(executor_, std::move(task),
                   asio::bind_cancellation_slot(running.cancel.slot(), std::move(on_end)));
    return true;
}

void TaskGroup::close() {
    if (!open_) return;
    open_ = false;
    // Emitting may end a task, and with it its place in the map; the next one is looked up by id.
    for (auto it = tasks_.begin(); it != tasks_.end();) {
        const auto id = it->first;
        it->second.cancel.emit(asio::cancellation_type::terminal);
        it = tasks_.upper_bound(id);
    }
}

Task<void> TaskGroup::join() {
    while (!tasks_.empty()) co_await emptied_.async_wait(kAsTuple);
}

void TaskGroup::finished(std::uint64_t id, const std::exception_ptr& error) {
    const auto running = tasks_.extract(id);
    SENNIT_ASSERT(!running.empty());
    if (tasks_.empty()) emptied_.cancel();
    if (!error) return;
    if (const auto what = failure_of(error)) {
        close();
        on_failure_(running.mapped().name, *what);
    }
}

}  // namespace sennit::io
