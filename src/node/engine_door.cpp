// SPDX-License-Identifier: MIT
#include "node/engine_door.hpp"

#include <boost/asio/post.hpp>

namespace sennit::node {

namespace {

/// Above it the node is flooded by its own users, and says so at once.
constexpr std::size_t kWaitingMax = 4096;

}  // namespace

void EngineDoor::ask(std::function<void(const engine::Engine&)> question) {
    boost::asio::post(driver_, [this, question = std::move(question)] { question(engine_); });
}

void EngineDoor::submit(Bytes rlp, std::function<void(Result<TxId>)> then) {
    boost::asio::post(driver_, [this, rlp = std::move(rlp), then = std::move(then)]() mutable {
        if (waiting_.size() >= kWaitingMax) {
            return then(Error{Errc::busy, "too many transactions are being checked; try again"});
        }
        const engine::Ticket ticket{next_++};
        waiting_.emplace(ticket, std::move(then));
        handle_(engine::Submit{ticket, std::move(rlp)});
    });
}

void EngineDoor::on_answer(engine::Answer answer) {
    auto found = waiting_.extract(answer.ticket);
    if (!found.empty()) found.mapped()(std::move(answer.result));
}

}  // namespace sennit::node
