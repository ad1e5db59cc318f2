// SPDX-License-Identifier: MIT
#include "libp2p/autonat/client.hpp"

#include <algorithm>

#include "libp2p/autonat/hosts.hpp"

namespace sennit::libp2p::autonat {

namespace {

/// Of one network in one round: a server may be gone or slow, but many that are must not keep us.
constexpr std::size_t kAttemptsMax = 3;

bool is_ipv6(std::string_view plain) {
    return plain.find(':') != std::string_view::npos;
}

}  // namespace

std::string_view to_string(Reachability what) {
    switch (what) {
        case Reachability::unknown: return "unknown";
        case Reachability::reachable: return "reachable";
        case Reachability::unreachable: return "unreachable";
    }
    return "?";
}

Client::Client(Config config, Rng rng) : config_{config}, rng_{std::move(rng)} {
    SENNIT_ASSERT(config_.agree_min > 0 && config_.networks_max >= config_.agree_min);
}

// What the owner tells.

void Client::set_candidates(const std::vector<Multiaddr>& addresses, Now now) {
    std::map<Multiaddr, Candidate> next;
    for (const auto& whole : addresses) {
        if (next.size() == config_.candidates_max) break;
        const auto target = target_of(whole);
        if (!target) continue;
        const auto& host = target->address.host;
        if (!is_public(host) && !(config_.private_hosts && is_private(host))) continue;
        const auto address =
            target->peer ? whole.decapsulate(Multiaddr::Code::p2p) : std::optional{whole};
        if (!address || next.contains(*address)) continue;
        auto known = candidates_.extract(*address);
        auto& one = next[*address];
        if (known) {
            one = std::move(known.mapped());
        } else {
            one.round_at = now.at;
            one.interval = config_.round_interval_min;
        }
        one.rank = next.size();
        one.ipv6 = is_ipv6(host);
    }
    candidates_ = std::move(next);
    for (auto at = asks_.begin(); at != asks_.end();) {
        const auto here = at++;
        if (!candidates_.contains(here->second.address))
            finish(here, std::nullopt, Fault::none, true, now);
    }
    schedule(now);
}

/// Empty: a server without a voice.
std::string Client::network_of(const PeerId& peer, std::string_view host) const {
    const auto plain = plain_host(host);
    if (is_public(plain)) return net_groups(plain).wide;
    if (config_.private_hosts && is_private(plain)) return peer.text();
    return {};
}

void Client::on_server(const PeerId& peer, std::string_view host, Now now) {
    auto network = network_of(peer, host);
    if (network.empty()) return;
    const auto found = servers_.find(peer);
    if (found != servers_.end()) {
        found->second.connected = true;
        // A request under way counts for the network in which it was made.
        if (!found->second.asked) found->second.network = std::move(network);
    } else {
        const auto connected =
            std::ranges::count_if(servers_, [](const auto& one) { return one.second.connected; });
        if (static_cast<std::size_t>(connected) >= config_.servers_max) return;
        forget_servers(now);
        servers_[peer].network = std::move(network);
    }
    schedule(now);
}

void Client::on_server_gone(const PeerId& peer, Now now) {
    const auto found = servers_.find(peer);
    if (found == servers_.end()) return;
    found->second.connected = false;
    for (auto at = asks_.begin(); at != asks_.end(); ++at) {
        if (at->second.server != peer) continue;
        // It may have gone because it heard what it did not like, or be what has to be reached.
        finish(at, std::nullopt, Fault::failure, true, now);
        break;
    }
    forget_servers(now);
    schedule(now);
}

/// Those that are gone are remembered while they are not to be asked: to come again makes nobody
/// new. Of too many, who would be free first is forgotten.
void Client::forget_servers(Now now) {
    std::size_t remembered = 0;
    for (auto at = servers_.begin(); at != servers_.end();) {
        const auto& one = at->second;
        if (!one.connected && one.free_at <= now.at) {
            at = servers_.erase(at);
            continue;
        }
        remembered += one.connected ? 0 : 1;
        ++at;
    }
    for (; remembered > config_.servers_max; --remembered) {
        auto first = servers_.end();
        for (auto at = servers_.begin(); at != servers_.end(); ++at) {
            if (at->second.connected) continue;
            if (first == servers_.end() || at->second.free_at < first->second.free_at) first = at;
        }
        servers_.erase(first);
    }
}

// A request.

std::optional<Bytes> Client::next_frame(AskId id) {
    const auto found = asks_.find(id);
    if (found == asks_.end()) return std::nullopt;
    auto& request = found->second;
    if (!std::exchange(request.sent, true))
        return framed(encode(DialRequest{{request.address}, request.nonce}));
    if (request.owed == 0) return std::nullopt;
    const auto size = std::min<std::uint64_t>(request.owed, kDataSizeMax);
    request.owed -= size;
    return framed(encode(DialDataResponse{size}));
}

Result<void> Client::on_message(AskId id, BytesView protobuf, Now now) {
    const auto found = asks_.find(id);
    if (found == asks_.end()) return {};
    const auto refuse = [&](Error why, Fault fault) {
        finish(found, std::nullopt, fault, true, now);
        schedule(now);
        return why;
    };
    const auto message = decode_message(protobuf);
    if (!message) return refuse(message.error(), Fault::failure);
    if (!found->second.sent || found->second.answered)
        return refuse({Errc::invalid, "an AutoNAT message out of turn"}, Fault::failure);
    if (const auto* const response = std::get_if<DialResponse>(&*message))
        return take(found, *response, now);
    if (const auto* const demand = std::get_if<DialDataRequest>(&*message))
        return take(found, *demand, now);
    return refuse({Errc::invalid, "an AutoNAT message that is the client's to send"},
                  Fault::failure);
}

Result<void> Client::take(Requests at, const DialDataRequest& demand, Now now) {
    auto& request = at->second;
    std::optional<Error> why;
    if (demand.address_index != 0) {
        why = Error{Errc::mismatch, "an address that was not asked about"};
    } else if (demand.bytes > config_.dial_data_max) {
        why = Error{Errc::oversized, "data that a dial should cost", Error::kNowhere,
                    std::to_string(demand.bytes) + " bytes, at most " +
                        std::to_string(config_.dial_data_max)};
    } else if (request.paid || request.proved) {
        why = Error{Errc::invalid, "data asked for again"};
    }
    if (why) {
        finish(at, std::nullopt, Fault::failure, true, now);
        schedule(now);
        return *why;
    }
    request.paid = true;
    request.owed = demand.bytes;
    return {};
}

Result<void> Client::take(Requests at, const DialResponse& response, Now now) {
    auto& request = at->second;
    request.owed = 0;
    if (response.status != ResponseStatus::ok) {
        // A server that will not dial this kind of address is none the worse for it.
        const bool refused = response.status == ResponseStatus::dial_refused;
        finish(at, std::nullopt, refused ? Fault::none : Fault::failure, false, now);
        schedule(now);
        return {};
    }
    if (response.address_index != 0) {
        finish(at, std::nullopt, Fault::lie, true, now);
        schedule(now);
        return Error{Errc::mismatch, "an address that was not asked about"};
    }
    switch (response.dial_status) {
        case DialStatus::ok:
        case DialStatus::dial_back_error:
            if (request.proved) {
                finish(at, true, Fault::none, false, now);
            } else {
                request.answered = true;
                request.until = std::min(request.until, now.at + config_.grace);
            }
            break;
        case DialStatus::dial_error:
            if (request.proved) {
                finish(at, std::nullopt, Fault::lie, false, now);
            } else {
                finish(at, false, Fault::none, false, now);
            }
            break;
        case DialStatus::unused: finish(at, std::nullopt, Fault::failure, false, now); break;
    }
    schedule(now);
    return {};
}

void Client::on_failure(AskId id, Now now) {
    const auto found = asks_.find(id);
    // What was answered waits for its nonce, which comes on another connection.
    if (found == asks_.end() || found->second.answered) return;
    finish(found, std::nullopt, Fault::failure, true, now);
    schedule(now);
}

Result<void> Client::on_dial_back(std::uint64_t nonce, const Back& back, Now now) {
    const auto known = by_nonce_.find(nonce);
    if (known == by_nonce_.end())
        return Error{Errc::not_found, "a dial-back for no request of ours"};
    const auto found = asks_.find(known->second);
    auto& request = found->second;
    if (!back.inbound) return Error{Errc::mismatch, "a dial-back on a connection that we dialled"};
    if (back.began < request.began)
        return Error{Errc::mismatch, "a dial-back on a connection older than the request"};
    if (is_ipv6(plain_host(back.remote_host)) != candidates_.at(request.address).ipv6)
        return Error{Errc::mismatch, "a dial-back by another version of IP"};
    if (std::exchange(request.proved, true))
        return Error{Errc::duplicate, "a dial-back that came before"};
    if (request.answered) {
        finish(found, true, Fault::none, false, now);
        schedule(now);
    }
    return {};
}

/// The end of a request, with what it says of the address.
void Client::finish(Requests at, std::optional<bool> vote, Fault fault, bool reset, Now now) {
    const auto request = at->second;
    events_.push_back(Close{at->first, reset});
    by_nonce_.erase(request.nonce);
    asks_.erase(at);

    auto& server = servers_.at(request.server);
    server.asked = false;
    switch (fault) {
        case Fault::none: server.back_off = Duration{}; break;
        case Fault::failure:
            server.back_off =
                std::clamp(2 * server.back_off, config_.back_off_min, config_.back_off_max);
            break;
        case Fault::lie: server.back_off = config_.back_off_max; break;
    }
    server.free_at = now.at + std::max(server.back_off, config_.server_interval);

    const auto candidate = candidates_.find(request.address);
    if (candidate == candidates_.end()) return;
    --candidate->second.asking;
    if (candidate->second.round != request.round) return;
    auto& network = candidate->second.networks.at(server.network);
    network.asking = false;
    network.vote = vote;
    settle(candidate->first, candidate->second, now);
}

// An address.

void Client::settle(const Multiaddr& address, Candidate& candidate, Now now) {
    std::size_t yes = 0;
    std::size_t no = 0;
    std::size_t spent = 0;
    for (const auto& [name, network] : candidate.networks) {
        if (network.vote) (*network.vote ? yes : no) += 1;
        if (!network.asking && (network.vote || network.attempts == kAttemptsMax)) ++spent;
    }
    if (yes >= no + config_.agree_min) {
        end_round(address, candidate, Reachability::reachable, now);
    } else if (no >= yes + config_.agree_min) {
        end_round(address, candidate, Reachability::unreachable, now);
    } else if (spent >= config_.networks_max) {
        end_round(address, candidate, Reachability::unknown, now);
    }
}

void Client::end_round(const Multiaddr& address, Candidate& candidate, Reachability known,
                       Now now) {
    if (known == candidate.known) {
        candidate.interval = std::min(2 * candidate.interval, config_.round_interval_max);
    } else {
        candidate.interval = config_.round_interval_min;
        candidate.known = known;
        events_.push_back(Changed{address, known});
    }
    candidate.networks.clear();
    candidate.round_began.reset();
    ++candidate.round;
    // Not all at once, for those that were given to us at once.
    const auto spread = static_cast<std::uint64_t>(candidate.interval.count() / 8 + 1);
    candidate.round_at =
        now.at + candidate.interval + Duration{static_cast<std::int64_t>(rng_.below(spread))};
}

bool Client::may_ask(const Candidate& candidate, const Server& server) const {
    if (!server.connected || server.asked) return false;
    const auto found = candidate.networks.find(server.network);
    if (found == candidate.networks.end()) return candidate.networks.size() < config_.networks_max;
    const auto& network = found->second;
    return !network.asking && !network.vote && network.attempts < kAttemptsMax;
}

/// Asks whom it may, and finds out when there will be more to ask.
void Client::schedule(Now now) {
    wake_ = Instant::max();
    std::vector<std::pair<std::size_t, Multiaddr>> order;
    for (const auto& [address, candidate] : candidates_)
        order.emplace_back(candidate.rank, address);
    std::ranges::sort(order);
    for (const auto& [rank, address] : order) {
        auto& candidate = candidates_.at(address);
        if (candidate.round_at > now.at) {
            wake_ = std::min(wake_, candidate.round_at);
            continue;
        }
        for (;;) {
            std::vector<PeerId> free;
            for (const auto& [peer, server] : servers_) {
                if (!may_ask(candidate, server)) continue;
                if (server.free_at <= now.at) {
                    free.push_back(peer);
                } else {
                    wake_ = std::min(wake_, server.free_at);
                }
            }
            if (free.empty() || asks_.size() >= config_.asks_max ||
                candidate.asking >= config_.agree_min) {
                break;
            }
            ask(address, candidate, free[rng_.below(free.size())], now);
        }
        if (candidate.round_began)
            wake_ = std::min(wake_, *candidate.round_began + config_.round_interval_max);
    }
}

void Client::ask(const Multiaddr& address, Candidate& candidate, const PeerId& server, Now now) {
    std::uint64_t nonce = rng_.next();
    while (nonce == 0 || by_nonce_.contains(nonce)) nonce = rng_.next();
    const AskId id{++last_ask_};
    asks_.emplace(id, Request{.address = address,
                              .round = candidate.round,
                              .server = server,
                              .nonce = nonce,
                              .began = now.at,
                              .until = now.at + config_.ask_timeout});
    by_nonce_.emplace(nonce, id);
    auto& whom = servers_.at(server);
    whom.asked = true;
    auto& network = candidate.networks[whom.network];
    network.asking = true;
    ++network.attempts;
    ++candidate.asking;
    if (!candidate.round_began) candidate.round_began = now.at;
    events_.push_back(Ask{id, server});
}

// Time.

void Client::on_time(Now now) {
    for (auto at = asks_.begin(); at != asks_.end();) {
        const auto here = at++;
        if (here->second.until > now.at) continue;
        // Who says that it reached us, and has no nonce to show for it, has not.
        const bool lie = here->second.answered && !here->second.proved;
        finish(here, std::nullopt, lie ? Fault::lie : Fault::failure, true, now);
    }
    // A round for which there were not enough servers: what they said is old by now.
    for (auto& [address, candidate] : candidates_) {
        if (!candidate.round_began ||
            *candidate.round_began + config_.round_interval_max > now.at) {
            continue;
        }
        candidate.networks.clear();
        candidate.round_began.reset();
        ++candidate.round;
    }
    forget_servers(now);
    schedule(now);
}

Instant Client::next_wake() const {
    auto out = wake_;
    for (const auto& [id, request] : asks_) out = std::min(out, request.until);
    return out;
}

std::optional<Client::Event> Client::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<Event> out{std::move(events_.front())};
    events_.pop_front();
    return out;
}

std::optional<Reachability> Client::reachability(const Multiaddr& address) const {
    const auto found = candidates_.find(address);
    if (found == candidates_.end()) return std::nullopt;
    return found->second.known;
}

void Client::check_invariants() const {
    SENNIT_ASSERT(candidates_.size() <= config_.candidates_max);
    SENNIT_ASSERT(servers_.size() <= 2 * config_.servers_max + config_.asks_max);
    SENNIT_ASSERT(asks_.size() <= config_.asks_max && by_nonce_.size() == asks_.size());
    std::map<Multiaddr, std::size_t> asking;
    for (const auto& [id, request] : asks_) {
        SENNIT_ASSERT(by_nonce_.at(request.nonce) == id);
        SENNIT_ASSERT(servers_.at(request.server).asked);
        SENNIT_ASSERT(request.owed <= config_.dial_data_max && (request.paid || request.owed == 0));
        SENNIT_ASSERT(!(request.answered && request.proved));
        ++asking[request.address];
    }
    SENNIT_ASSERT(static_cast<std::size_t>(std::ranges::count_if(
                      servers_, [](const auto& one) { return one.second.asked; })) == asks_.size());
    for (const auto& [address, candidate] : candidates_) {
        SENNIT_ASSERT(candidate.asking == asking[address]);
        SENNIT_ASSERT(candidate.networks.size() <= config_.networks_max);
        SENNIT_ASSERT(candidate.networks.empty() || candidate.round_began);
    }
}

}  // namespace sennit::libp2p::autonat
