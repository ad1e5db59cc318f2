// SPDX-License-Identifier: MIT
#include "node/engine_door.hpp"

namespace sennit::node {

void EngineDoor::submit(Bytes rlp, Then<TxId> then) {
    if (submissions_ >= kSubmissionsMax) {
        return then(Error{Errc::busy, "too many transactions are being checked; try again"});
    }
    ++submissions_;
    boost::asio::post(driver_, [this, rlp = std::move(rlp), then = std::move(then)]() mutable {
        const engine::Ticket ticket{next_++};
        waiting_.emplace(ticket, std::move(then));
        handle_(engine::Submit{ticket, std::move(rlp)});
    });
}

void EngineDoor::on_answer(engine::Answer answer) {
    auto found = waiting_.extract(answer.ticket);
    if (found.empty()) return;
    boost::asio::post(askers_, [this, then = std::move(found.mapped()),
                                result = std::move(answer.result)]() mutable {
        --submissions_;
        then(std::move(result));
    });
}

}  // namespace sennit::node
