// SPDX-License-Identifier: MIT
#include "protocol/stream_link.hpp"

#include <algorithm>

#include "protocol/hearsay.hpp"

/// The life of one link: what its session says, and how it ends.
namespace sennit::protocol {
namespace {

/// As long as a carrier waits for what was transmitted (carrier.hpp, HangUp).
constexpr Duration kClosingTime = std::chrono::seconds{2};

}  // namespace

void StreamProtocol::drain(Link& link, Now now) {
    while (link.talking()) {
        auto output = link.session->poll();
        if (!output) break;
        std::visit([&](auto& item) { on_session(link, std::move(item), now); }, *output);
    }
    wake(link);
    reschedule(link);
}

void StreamProtocol::on_session(Link& link, Write write, Now now) {
    const bool taken = write.once
                           ? link.outbox.push_once(write.frame)
                           : link.outbox.push(write.priority, {&write.frame, 1}, std::nullopt);
    if (taken) return;
    // It makes us answer and does not read the answers.
    report(link, Offence::flooding, {Errc::busy, "the queue of control messages is full", 0, {}},
           "control");
    begin_closing(link, "does not read", now);
}

void StreamProtocol::on_session(Link& link, Established established, Now now) {
    SENNIT_ASSERT(link.state == State::opening);
    auto facts = std::move(established.facts);
    facts.link = link.id();
    facts.carrier = Carrier::stream;
    facts.inbound = link.session_link.inbound();
    if (facts.identity.id && facts.identity.id == options_.self) {
        world_.count("links_to_self");
        return dismiss(link, "connected to self", now);
    }
    if (resolve_duplicate(link, facts.identity, now)) return;
    link.state = State::up;
    link.peer = PeerId{++last_peer_};
    link.facts = std::move(facts);
    peers_.emplace(link.peer, link.id());
    receipts_.peer_up(link.peer, link.facts.identity, link.facts.address);
    emit(PeerUp{link.peer, link.facts});
}

void StreamProtocol::on_session(Link& link, FactsChanged changed, Now now) {
    SENNIT_ASSERT(link.state == State::up);
    auto facts = std::move(changed.facts);
    facts.link = link.id();
    facts.carrier = Carrier::stream;
    facts.inbound = link.session_link.inbound();
    if (resolve_duplicate(link, facts.identity, now)) return;
    link.facts = std::move(facts);
    receipts_.peer_changed(link.peer, link.facts.identity, link.facts.address);
    emit(PeerChanged{link.peer, link.facts});
}

void StreamProtocol::on_session(Link& link, Deliver deliver, Now now) {
    SENNIT_ASSERT(link.state == State::up && deliver.message != nullptr);
    if (deliver.answers) {
        auto& requests = link.session_link.requests_;
        const auto pending = requests.take(*deliver.answers);
        SENNIT_ASSERT(pending && pending->claimed);
        if (std::exchange(link.request_refused, false)) emit(Ready{link.peer});
        if (pending->cancelled) return world_.count("answers_after_cancel");
        asked_.erase(pending->id);
    }
    const auto receipt =
        receipts_.issue(link.peer, kind_of(*deliver.message), deliver.bytes, deliver.tag);
    emit(Received{link.peer, receipt, std::move(deliver.message), deliver.answers, deliver.bytes});
    update_reading(link, now);
}

void StreamProtocol::on_session(Link& link, Offended offended, Now) {
    report(link, offended.offence, std::move(offended.what), std::move(offended.where));
}

void StreamProtocol::on_session(Link& link, Heard heard, Now) {
    if (std::ranges::find(world_.listening, heard.address) != world_.listening.end()) return;
    if (!hearsay_allowed(heard.address, link.session_link.remote())) {
        return world_.count("hearsay_refused");
    }
    const auto from = link.state == State::up ? std::optional{link.peer} : std::nullopt;
    emit(Found{std::move(heard.address), heard.id, from});
}

void StreamProtocol::on_session(Link& link, Close close, Now now) {
    begin_closing(link, std::move(close.why), now);
}

void StreamProtocol::report(const Link& link, Offence offence, Error what, std::string where) {
    world_.count("offences_" + std::string{to_string(offence)});
    const bool up = link.state == State::up;
    emit(Misbehaved{up ? std::optional{link.peer} : std::nullopt,
                    up ? link.facts.identity : Identity{},
                    up ? link.facts.address : link.session_link.remote(), offence, std::move(what),
                    std::move(where)});
}

bool StreamProtocol::resolve_duplicate(Link& link, const Identity& identity, Now now) {
    if (!identity.proven || !identity.id || !options_.self) return false;
    const bool smaller_is_us = *options_.self < *identity.id;
    for (auto& [id, other] : links_) {
        if (other.get() == &link || other->state != State::up) continue;
        if (!other->facts.identity.proven || other->facts.identity.id != identity.id) continue;
        // Both ends must keep the same one: that which the smaller id dialled, else the older.
        const bool link_kept = link.session_link.inbound() != smaller_is_us;
        const bool other_kept = other->session_link.inbound() != smaller_is_us;
        world_.count("duplicates_closed");
        if (link_kept && !other_kept) {
            dismiss(*other, "duplicate connection", now);
            return false;
        }
        dismiss(link, "duplicate connection", now);
        return true;
    }
    return false;
}

void StreamProtocol::dismiss(Link& link, std::string_view why, Now now) {
    if (!link.talking()) return;
    if (link.session) {
        link.session->on_goodbye(why);
        drain(link, now);
    }
    begin_closing(link, std::string{why}, now);
}

void StreamProtocol::begin_closing(Link& link, std::string why, Now now) {
    if (!link.talking()) return;
    leave(link, why, now);
    link.state = State::closing;
    link.session.reset();
    link.close_reason = std::move(why);
    link.state_ends = now.at + kClosingTime;
    link.outbox.drop_all_but_control();
    wake(link);
    reschedule(link);
}

void StreamProtocol::hang_up(Link& link, std::string_view why) {
    link.state = State::hung_up;
    link.outbox.clear();
    emit(CarrierOutput{HangUp{link.id(), std::string{why}}});
}

void StreamProtocol::leave(Link& link, std::string_view why, Now now) {
    if (link.state == State::opening && link.dialled) {
        emit(Unreachable{*link.dialled, std::string{why}});
    }
    if (link.state != State::up) return;
    for (const auto& pending : link.session_link.requests().pending()) asked_.erase(pending.id);
    peers_.erase(link.peer);
    receipts_.peer_down(link.peer, now.at);
    emit(PeerDown{link.peer, std::string{why}});
}

void StreamProtocol::update_reading(Link& link, Now now) {
    if (link.state != State::up) return;
    const auto unsettled = receipts_.unsettled(link.peer);
    bool& reading = link.session_link.reading_;
    if (reading && unsettled > kUnsettledBytesMax) {
        reading = false;
        emit(CarrierOutput{Hold{link.id(), false}});
    } else if (!reading && unsettled <= kUnsettledBytesMax / 2) {
        reading = true;
        emit(CarrierOutput{Hold{link.id(), true}});
        link.session->on_resumed(now);
        drain(link, now);
    }
}

void StreamProtocol::wake(Link& link) {
    if (link.state == State::closing && link.outbox.empty())
        return hang_up(link, link.close_reason);
    if (link.queued || link.outbox.empty() || link.state == State::hung_up) return;
    link.queued = true;
    sendable_.push_back(link.id());
}

std::optional<Instant> StreamProtocol::timer_of(const Link& link) const {
    std::optional<Instant> at;
    const auto consider = [&](Instant candidate) {
        if (!at || candidate < *at) at = candidate;
    };
    if (link.state == State::hung_up) return at;
    if (link.state != State::up) consider(link.state_ends);
    if (link.talking() && link.session) {
        if (const auto session = link.session->deadline()) consider(*session);
    }
    if (link.request_refused) {
        if (const auto slot = link.session_link.requests().deadline()) consider(*slot);
    }
    if (!link.outbox.empty() && link.next_send > now_.at) consider(link.next_send);
    return at;
}

void StreamProtocol::reschedule(Link& link) {
    const auto at = timer_of(link);
    if (at == link.timer) return;
    if (link.timer) timers_.erase({*link.timer, link.id()});
    if (at) timers_.emplace(*at, link.id());
    link.timer = at;
}

void StreamProtocol::check_invariants() const {
    receipts_.check_invariants();
    world_.budget->check_invariants();
    std::size_t up = 0;
    std::size_t timers = 0;
    for (const auto& [id, link] : links_) {
        SENNIT_ASSERT(link->id() == id);
        link->outbox.check_invariants();
        SENNIT_ASSERT(link->talking() || link->session == nullptr);
        SENNIT_ASSERT(link->timer == timer_of(*link) || link->next_send <= now_.at);
        SENNIT_ASSERT(link->state != State::hung_up || link->outbox.empty());
        timers += link->timer ? 1 : 0;
        SENNIT_ASSERT(std::ranges::count(sendable_, id) == (link->queued ? 1 : 0));
        SENNIT_ASSERT(link->session_link.requests().size() <=
                      options_.traits.requests_in_flight_max);
        if (link->state != State::up) continue;
        ++up;
        SENNIT_ASSERT(peers_.at(link->peer) == id);
        const auto unsettled = receipts_.unsettled(link->peer);
        SENNIT_ASSERT(link->session_link.reading() ? unsettled <= kUnsettledBytesMax
                                                   : unsettled > kUnsettledBytesMax / 2);
    }
    SENNIT_ASSERT(up == peers_.size());
    SENNIT_ASSERT(timers == timers_.size());
    for (const auto& [request, id] : asked_) {
        const auto& pending = links_.at(id)->session_link.requests().pending();
        SENNIT_ASSERT(std::ranges::find(pending, request, &Requests::Pending::id) != pending.end());
    }
}

}  // namespace sennit::protocol
