// SPDX-License-Identifier: MIT
#include "protocol/stream_protocol.hpp"

#include <algorithm>

#include "protocol/hearsay.hpp"
#include "protocol/stream_link.hpp"

namespace sennit::protocol {
namespace {

/// Dials that have neither succeeded nor failed; the engine's own slots are fewer.
constexpr std::size_t kDialsMax = 64;

}  // namespace

void StreamWorld::count(std::string_view name, std::uint64_t n) {
    const auto it = counters.find(name);
    if (it == counters.end()) {
        counters.emplace(name, n);
    } else {
        it->second += n;
    }
}

StreamProtocol::StreamProtocol(StreamOptions options, std::unique_ptr<SessionFactory> factory,
                               Rng rng, std::shared_ptr<FrameBudget> budget)
    : options_{std::move(options)}, factory_{std::move(factory)}, rng_{std::move(rng)} {
    world_.view = std::make_shared<const ChainView>();
    world_.budget = budget ? std::move(budget) : std::make_shared<FrameBudget>();
}

StreamProtocol::~StreamProtocol() = default;

void StreamProtocol::handle(const Input& input, Now now) {
    now_ = now;
    std::visit([&](const auto& item) { on(item, now); }, input);
}

void StreamProtocol::on(const CarrierInput& input, Now now) {
    std::visit([&](const auto& item) { on_carrier(item, now); }, input);
}

void StreamProtocol::on(const Start&, Now) {
    for (const auto& address : options_.listens) {
        emit(CarrierOutput{Listen{address, options_.one_write_each}});
    }
}

void StreamProtocol::on(const Stop&, Now now) {
    if (stopped_) return;
    stopped_ = true;
    dials_.clear();
    for (auto& [id, link] : links_) dismiss(*link, "Node shutting down", now);
}

void StreamProtocol::on(const Deadline&, Now now) {
    std::vector<LinkId> due;
    for (const auto& [at, id] : timers_) {
        if (at > now.at) break;
        due.push_back(id);
    }
    for (const auto id : due) {
        if (auto* link = find(id)) on_timer(*link, now);
    }
    receipts_.expire(now.at);
}

void StreamProtocol::on_timer(Link& link, Now now) {
    if (link.state == State::closing && link.state_ends <= now.at) {
        hang_up(link, link.close_reason);
    } else if (link.state == State::opening && link.state_ends <= now.at) {
        report(link, Offence::silent, {Errc::timeout, "the handshake was not finished", 0, {}},
               "handshake");
        dismiss(link, options_.handshake_timeout_reason, now);
    } else if (link.talking()) {
        const auto at = link.session->deadline();
        if (at && *at <= now.at) {
            link.session->on_deadline(now);
            drain(link, now);
        }
    }
    if (link.request_refused && link.state == State::up) {
        auto& requests = link.session_link.requests_;
        requests.expire(now.at);
        if (requests.size() < options_.traits.requests_in_flight_max) {
            link.request_refused = false;
            emit(Ready{link.peer});
        }
    }
    wake(link);
    reschedule(link);
}

void StreamProtocol::on(const ChainViewPtr& view, Now now) {
    SENNIT_ASSERT(view != nullptr);
    world_.view = view;
    for (auto& [id, link] : links_) {
        if (!link->talking()) continue;
        link->session->on_view(now);
        drain(*link, now);
    }
}

void StreamProtocol::on(const Connect& connect, Now) {
    const auto refuse = [&](std::string why) { emit(Unreachable{connect.to, std::move(why)}); };
    if (stopped_) return refuse("stopping");
    for (const auto& [id, to] : dials_) {
        if (to == connect.to) return;
    }
    for (const auto& [id, link] : links_) {
        if (link->dialled != connect.to) continue;
        if (link->state == State::opening) return;
        if (link->state == State::up) return refuse("already connected");
    }
    if (dials_.size() >= kDialsMax) return refuse("too many dials at once");
    const DialId id{++last_dial_};
    dials_.emplace(id, connect.to);
    emit(CarrierOutput{Dial{id, connect.to, options_.dial_timeout, options_.one_write_each}});
}

void StreamProtocol::on(const Disconnect& disconnect, Now now) {
    if (auto* link = find(disconnect.peer)) dismiss(*link, disconnect.why, now);
}

void StreamProtocol::on(const Cancel& cancel, Now now) {
    const auto it = asked_.find(cancel.request);
    if (it == asked_.end()) return;
    auto& link = *links_.at(it->second);
    asked_.erase(it);
    link.session_link.requests_.cancel(cancel.request, now.at);
    link.session->on_cancelled(cancel.request);
    drain(link, now);
}

void StreamProtocol::on(const Settle& settle, Now now) {
    auto settled = receipts_.settle(settle.receipt, settle.verdict);
    if (!settled) return world_.count("settled_too_late");
    if (settled->blame) emit(std::move(*settled->blame));
    if (!settled->peer_is_up) return;
    if (auto* link = find(settled->receipt.peer)) update_reading(*link, now);
}

void StreamProtocol::on(const SetOptions& set, Now) {
    for (const auto& [name, value] : set.options) {
        if (!factory_->set_option(name, value)) world_.count("options_refused");
    }
}

// Carriers.

void StreamProtocol::on_carrier(const Listening& listening, Now) {
    world_.listening.push_back(listening.address);
}

StreamProtocol::Link* StreamProtocol::mirror_of(const LinkOpen& open) {
    if (open.local.host.empty()) return nullptr;
    for (auto& [id, link] : links_) {
        if (link->session_link.local() == open.remote &&
            link->session_link.remote() == open.local) {
            return link.get();
        }
    }
    return nullptr;
}

bool StreamProtocol::make_room(const Link& link, Now now) {
    std::size_t talking = 0;
    std::size_t of_host = 0;
    Link* oldest = nullptr;
    Link* oldest_of_host = nullptr;
    for (const auto& [id, other] : links_) {  // ids rise, so the first found is the oldest
        if (!other->talking()) continue;
        ++talking;
        if (other.get() == &link || other->state != State::opening) continue;
        if (!other->session_link.inbound()) continue;
        if (oldest == nullptr) oldest = other.get();
        if (link.host_group.empty() || other->host_group != link.host_group) continue;
        if (oldest_of_host == nullptr) oldest_of_host = other.get();
        ++of_host;
    }
    const bool host_full = of_host >= options_.opening_per_host_max;
    if (!host_full && talking <= options_.links_max) return true;
    auto* victim = host_full ? oldest_of_host : oldest;
    if (victim == nullptr) return false;
    world_.count("links_dropped_opening");
    begin_closing(*victim, "made room for a newer link", now);
    return true;
}

void StreamProtocol::on_carrier(const LinkOpen& open, Now now) {
    SENNIT_ASSERT(!links_.contains(open.id));
    Link* mirror = mirror_of(open);
    auto& link = *links_
                      .emplace(open.id, std::make_unique<Link>(
                                            open, world_, rng_.fork(std::to_string(open.id.value)),
                                            options_.queue_limits))
                      .first->second;
    link.state_ends = now.at + options_.handshake_timeout;
    if (open.dial) {
        const auto dial = dials_.find(*open.dial);
        if (dial != dials_.end()) {
            link.dialled = dial->second;
            dials_.erase(dial);
        }
    }
    if (stopped_) return begin_closing(link, "stopping", now);
    if (open.inbound && !make_room(link, now)) {
        world_.count("links_refused_full");
        return begin_closing(link, "too many links", now);
    }
    if (mirror != nullptr) {
        world_.count("links_to_self");
        dismiss(*mirror, "connected to self", now);
        return begin_closing(link, "connected to self", now);
    }
    link.session = factory_->open(link.session_link);
    link.session->on_open(now);
    drain(link, now);
}

void StreamProtocol::on_carrier(const DialFailed& failed, Now) {
    const auto dial = dials_.find(failed.dial);
    if (dial == dials_.end()) return;
    emit(Unreachable{dial->second, failed.why});
    dials_.erase(dial);
}

void StreamProtocol::on_carrier(const LinkBytes& bytes, Now now) {
    auto* link = find(bytes.link);
    if (link == nullptr || !link->talking()) return;
    link->session->on_bytes(bytes.bytes, now);
    drain(*link, now);
}

void StreamProtocol::on_carrier(const Room& room, Now) {
    auto* link = find(room.link);
    if (link == nullptr || link->state == State::hung_up) return;
    link->room += room.bytes;
    wake(*link);
    reschedule(*link);
}

void StreamProtocol::on_carrier(const LinkClosed& closed, Now now) {
    const auto it = links_.find(closed.link);
    if (it == links_.end()) return;
    auto& link = *it->second;
    leave(link, closed.why, now);
    if (link.timer) timers_.erase({*link.timer, link.id()});
    if (link.queued) std::erase(sendable_, link.id());
    links_.erase(it);
}

// Sending.

Sent StreamProtocol::send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) {
    now_ = now;
    SENNIT_ASSERT(outgoing.message != nullptr);
    SENNIT_ASSERT((!outgoing.asks && !outgoing.answers) || peers.size() == 1);
    Sent sent{now.at, {}};
    EncodeCache cache;
    for (const auto peer : peers) {
        auto* link = find(peer);
        if (link == nullptr) {
            sent.refused.emplace_back(peer, Refusal::gone);
            continue;
        }
        if (const auto refusal = send_to(*link, outgoing, cache, now)) {
            reschedule(*link);
            sent.refused.emplace_back(peer, *refusal);
        } else if (outgoing.asks) {
            sent.overdue = now.at + link->session->answer_time(*outgoing.message);
        }
    }
    return sent;
}

std::optional<Refusal> StreamProtocol::check_sendable(Link& link, const Outgoing& outgoing) const {
    const auto& can = link.facts.traits;
    if (!can.says.has(kind_of(*outgoing.message))) return Refusal::unsupported;
    if (!can.answers.has_all(forms_of(*outgoing.message))) return Refusal::unsupported;
    if (outgoing.answers) {
        const auto* receipt = receipts_.find(*outgoing.answers);
        if (receipt == nullptr || receipt->peer != link.peer) return Refusal::gone;
    }
    if (outgoing.asks &&
        link.session_link.requests().size() >= options_.traits.requests_in_flight_max) {
        link.request_refused = true;
        return Refusal::busy;
    }
    return std::nullopt;
}

std::optional<Refusal> StreamProtocol::send_to(Link& link, const Outgoing& outgoing,
                                               EncodeCache& cache, Now now) {
    auto& requests = link.session_link.requests_;
    requests.expire(now.at);
    if (const auto refusal = check_sendable(link, outgoing)) return refusal;

    const auto dialect = link.session->dialect();
    auto cached = std::ranges::find(cache, dialect, &EncodeCache::value_type::first);
    if (cached == cache.end()) {
        const EncodeContext context{outgoing.answers ? receipts_.find(*outgoing.answers) : nullptr,
                                    outgoing.asks};
        cache.emplace_back(dialect, link.session->encode(*outgoing.message, context, now));
        cached = std::prev(cache.end());
    }
    if (const auto* refusal = std::get_if<Refusal>(&cached->second)) {
        if (outgoing.asks && *refusal == Refusal::busy) link.request_refused = true;
        return *refusal;
    }
    const auto& encoded = std::get<Encoded>(cached->second);
    if (options_.one_write_each) {
        for (const auto& frame : encoded.frames) {
            if (frame->size() > link.capacity) return Refusal::too_large;
        }
    }
    if (!link.outbox.push(outgoing.priority, encoded.frames, outgoing.expires))
        return Refusal::busy;
    if (outgoing.asks) {
        requests.add(*outgoing.asks, outgoing.message, encoded.tag);
        asked_.emplace(*outgoing.asks, link.id());
    }
    wake(link);
    reschedule(link);
    return std::nullopt;
}

Result<void> StreamProtocol::announce(const Outgoing&, std::span<const PeerId>, Now) {
    return Error{Errc::unsupported, "this protocol does not choose receivers", Error::kNowhere, {}};
}

// What comes out.

std::optional<Output> StreamProtocol::poll() {
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!outputs_.empty()) {
            auto output = std::move(outputs_.front());
            outputs_.pop_front();
            return output;
        }
        if (attempt == 0) {
            if (auto output = transmit_next()) return output;
        }
    }
    return std::nullopt;
}

std::optional<Output> StreamProtocol::transmit_next() {
    constexpr std::size_t kPieceMin = 4096;
    while (!sendable_.empty()) {
        auto& link = *links_.at(sendable_.front());
        sendable_.pop_front();
        link.queued = false;
        if (link.next_send > now_.at) continue;
        const auto piece = link.outbox.pop(link.room, std::min(kPieceMin, link.capacity),
                                           !options_.one_write_each, now_.at);
        if (piece) {
            link.room -= piece->size();
            if (link.session) link.next_send = now_.at + link.session->frame_gap();
        }
        if (link.state == State::up && link.outbox.take_ready()) emit(Ready{link.peer});
        if (piece || link.outbox.empty()) wake(link);
        reschedule(link);
        if (piece) return CarrierOutput{Transmit{link.id(), piece, {}, 0}};
    }
    return std::nullopt;
}

std::optional<Instant> StreamProtocol::deadline() const {
    auto at = receipts_.deadline();
    if (!timers_.empty() && (!at || timers_.begin()->first < *at)) at = timers_.begin()->first;
    return at;
}

Stats StreamProtocol::stats() const {
    Stats stats = world_.counters;
    std::size_t queued = 0;
    for (const auto& [id, link] : links_) queued += link->outbox.cost();
    stats["links"] = links_.size();
    stats["peers"] = peers_.size();
    stats["queued_bytes"] = queued;
    stats["unsettled_receipts"] = receipts_.size();
    return stats;
}

StreamProtocol::Link* StreamProtocol::find(LinkId id) {
    const auto it = links_.find(id);
    return it == links_.end() ? nullptr : it->second.get();
}

StreamProtocol::Link* StreamProtocol::find(PeerId peer) {
    const auto it = peers_.find(peer);
    return it == peers_.end() ? nullptr : find(it->second);
}

}  // namespace sennit::protocol
