// SPDX-License-Identifier: MIT
#include "libp2p/autonat/server.hpp"

#include "libp2p/autonat/hosts.hpp"

namespace sennit::libp2p::autonat {

namespace {

std::string network_of(const std::string& plain) {
    auto out = net_groups(plain).narrow;
    return out.empty() ? plain : out;
}

}  // namespace

Server::Server(Config config, Rng rng)
    : config_{config},
      rng_{std::move(rng)},
      peers_{config.requests_per_peer},
      networks_{config.requests_per_network},
      targets_{config.dials_per_target} {
    SENNIT_ASSERT(config_.dial_data_min > 0 && config_.dial_data_min <= config_.dial_data_max);
}

// A request.

Result<ServeId> Server::on_request(const PeerId& peer, std::string_view host, Now now) {
    if (requests_.size() >= config_.requests_max)
        return Error{Errc::busy, "too many AutoNAT requests"};
    if (!asking_.insert(peer).second) return Error{Errc::busy, "the peer has another request"};
    const ServeId id{++last_};
    requests_.emplace(
        id,
        Request{.peer = peer, .host = plain_host(host), .until = now.at + config_.request_timeout});
    return id;
}

Result<void> Server::on_message(ServeId id, BytesView protobuf, Now now) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return {};
    const auto done = [&]() -> Result<void> {
        SENNIT_TRY(const auto message, decode_message(protobuf));
        if (const auto* const asked = std::get_if<DialRequest>(&message);
            asked != nullptr && found->second.stage == Stage::reading) {
            return take(found, *asked, now);
        }
        if (const auto* const data = std::get_if<DialDataResponse>(&message);
            data != nullptr && found->second.stage == Stage::paying) {
            return take(found, *data, now);
        }
        return Error{Errc::invalid, "an AutoNAT message out of turn"};
    }();
    if (!done) {
        events_.push_back(Reset{id});
        if (requests_.contains(id)) {
            if (found->second.stage == Stage::dialling) events_.push_back(CancelDial{id});
            forget(found);
        }
    }
    return done;
}

Result<void> Server::take(Place at, const DialRequest& asked, Now now) {
    auto& request = at->second;
    if (asked.addresses.empty()) return Error{Errc::invalid, "no address to dial"};
    if (!within_rates(request, now)) {
        answer(at, ResponseStatus::request_rejected, DialStatus::unused);
        return {};
    }
    std::uint32_t index = 0;
    for (const auto& address : asked.addresses) {
        if (address && dialable(request, *address, request.target)) break;
        ++index;
    }
    if (index == asked.addresses.size()) {
        answer(at, ResponseStatus::dial_refused, DialStatus::unused);
        return {};
    }
    request.index = index;
    request.nonce = asked.nonce;
    if (request.target.host == request.host) {
        dial(at, now);
        return {};
    }
    const auto target = network_of(request.target.host);
    if (!targets_.has_room(target, now.at)) {
        answer(at, ResponseStatus::request_rejected, DialStatus::unused);
        return {};
    }
    request.owed =
        config_.dial_data_min + rng_.below(config_.dial_data_max - config_.dial_data_min + 1);
    request.stage = Stage::paying;
    events_.push_back(Reply{at->first, DialDataRequest{index, request.owed}});
    return {};
}

Result<void> Server::take(Place at, const DialDataResponse& data, Now now) {
    auto& request = at->second;
    if (data.size < request.owed) {
        if (data.size < config_.data_message_min)
            return Error{Errc::invalid, "dial data in crumbs"};
        request.owed -= data.size;
        return {};
    }
    request.owed = 0;
    const auto target = network_of(request.target.host);
    if (!targets_.has_room(target, now.at)) {  // others were faster
        answer(at, ResponseStatus::request_rejected, DialStatus::unused);
        return {};
    }
    targets_.count(target, now.at);
    dial(at, now);
    return {};
}

/// Counted only where all have room, so that nobody's refusals cost others, and so that what is
/// remembered of strangers is bounded by the rate for all.
bool Server::within_rates(const Request& request, Now now) {
    const auto network = network_of(request.host);
    if (!peers_.has_room(request.peer, now.at) || !networks_.has_room(network, now.at) ||
        !all_.count(now.at, config_.requests)) {
        return false;
    }
    peers_.count(request.peer, now.at);
    networks_.count(network, now.at);
    return true;
}

bool Server::dialable(const Request& request, const Multiaddr& address, NetAddress& out) const {
    auto target = target_of(address);
    if (!target || (target->peer && *target->peer != request.peer)) return false;
    const auto& host = target->address.host;
    const bool ipv6 = host.find(':') != std::string::npos;
    if (!(ipv6 ? config_.ipv6 : config_.ipv4)) return false;
    // What listens on loopback listens for this machine alone.
    if (host_kind(host) == HostKind::loopback && host_kind(request.host) != HostKind::loopback)
        return false;
    const bool among_us = config_.private_hosts && is_private(host) && is_private(request.host);
    if (!is_public(host) && !among_us) return false;
    out = std::move(target->address);
    return true;
}

// A dial.

void Server::dial(Place at, Now now) {
    auto& request = at->second;
    if (dials_ >= config_.dials_max)
        return answer(at, ResponseStatus::request_rejected, DialStatus::unused);
    request.stage = Stage::dialling;
    request.until = now.at + config_.dial_timeout;
    ++dials_;
    events_.push_back(Dial{at->first});
}

std::optional<Server::Target> Server::target(ServeId id) const {
    const auto found = requests_.find(id);
    if (found == requests_.end() || found->second.stage != Stage::dialling) return std::nullopt;
    const auto& request = found->second;
    const bool ipv6 = request.target.host.find(':') != std::string::npos;
    const auto text = (ipv6 ? "/ip6/" : "/ip4/") + request.target.host + "/tcp/" +
                      std::to_string(request.target.port);
    const auto address = Multiaddr::parse(text);
    SENNIT_ASSERT(address);
    const auto whole = address->encapsulate(Multiaddr::of_peer(request.peer));
    SENNIT_ASSERT(whole);
    return Target{*whole, request.nonce};
}

void Server::on_connected(ServeId id) {
    const auto found = requests_.find(id);
    if (found != requests_.end() && found->second.stage == Stage::dialling)
        found->second.connected = true;
}

void Server::on_outcome(ServeId id, Outcome outcome, Now) {
    const auto found = requests_.find(id);
    if (found == requests_.end() || found->second.stage != Stage::dialling) return;
    auto status = DialStatus::ok;
    if (outcome == Outcome::no_dial) status = DialStatus::dial_error;
    if (outcome == Outcome::no_telling) status = DialStatus::dial_back_error;
    answer(found, ResponseStatus::ok, status);
}

void Server::answer(Place at, ResponseStatus status, DialStatus dial_status) {
    const DialResponse response{status, at->second.index, dial_status};
    events_.push_back(Reply{at->first, response});
    forget(at);
}

void Server::forget(Place at) {
    if (at->second.stage == Stage::dialling) --dials_;
    asking_.erase(at->second.peer);
    requests_.erase(at);
}

void Server::on_gone(ServeId id, Now) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    if (found->second.stage == Stage::dialling) events_.push_back(CancelDial{id});
    forget(found);
}

void Server::on_remote_closed(ServeId id, Now now) {
    const auto found = requests_.find(id);
    if (found == requests_.end() || found->second.stage == Stage::dialling) return;
    events_.push_back(Reset{id});
    on_gone(id, now);
}

// Time.

void Server::on_time(Now now) {
    for (auto at = requests_.begin(); at != requests_.end();) {
        const auto here = at++;
        if (here->second.until > now.at) continue;
        if (here->second.stage == Stage::dialling) {
            events_.push_back(CancelDial{here->first});
            answer(here, ResponseStatus::ok,
                   here->second.connected ? DialStatus::dial_back_error : DialStatus::dial_error);
        } else {
            events_.push_back(Reset{here->first});
            forget(here);
        }
    }
}

Instant Server::next_wake() const {
    auto out = Instant::max();
    for (const auto& [id, request] : requests_) out = std::min(out, request.until);
    return out;
}

std::optional<Server::Event> Server::poll_event() {
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

void Server::check_invariants() const {
    SENNIT_ASSERT(requests_.size() <= config_.requests_max);
    SENNIT_ASSERT(asking_.size() == requests_.size());
    SENNIT_ASSERT(dials_ <= config_.dials_max);
    std::size_t dials = 0;
    for (const auto& [id, request] : requests_) {
        SENNIT_ASSERT(asking_.contains(request.peer));
        SENNIT_ASSERT((request.stage == Stage::paying) == (request.owed > 0));
        SENNIT_ASSERT(request.owed <= config_.dial_data_max);
        if (request.stage == Stage::dialling) ++dials;
    }
    SENNIT_ASSERT(dials == dials_);
    peers_.check_invariants();
    networks_.check_invariants();
    targets_.check_invariants();
}

}  // namespace sennit::libp2p::autonat
