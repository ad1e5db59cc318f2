// SPDX-License-Identifier: MIT
#include "libp2p/kad/kad.hpp"

#include <algorithm>

#include "libp2p/varint.hpp"

namespace sennit::libp2p::kad {

namespace {

/// How often what has no time of its own is looked at: checks, buckets.
constexpr Duration kUpkeepEvery = std::chrono::seconds{30};
/// Ids for deeper buckets are found by trying 2^depth of them, and our own lookup reaches there.
constexpr std::size_t kRefreshDepthMax = 10;
constexpr std::size_t kTriesMax = std::size_t{1} << (kRefreshDepthMax + 3);
constexpr std::size_t kChecksAtOnce = 3;

Bytes framed(const Message& message) {
    const auto body = encode(message, kMessageSizeMax);
    Writer out{body.size() + 3};
    write_prefixed(out, body);
    return std::move(out).take();
}

Bytes question(BytesView key) {
    return framed({MessageType::find_node, to_bytes(key), {}});
}

}  // namespace

Kad::Kad(Config config, Rng rng)
    : config_{std::move(config)},
      self_{key_of(config_.self)},
      rng_{std::move(rng)},
      table_{self_, config_.table},
      probe_frame_{question(config_.self.view())} {}

Duration Kad::about(Duration time) {
    const auto quarter = std::max<std::int64_t>(time.count() / 4, 1);
    return time - Duration{quarter} +
           Duration{static_cast<std::int64_t>(rng_.below(2 * static_cast<std::uint64_t>(quarter)))};
}

// Connections.

void Kad::on_connected(const PeerId& peer, const Multiaddr& remote, Now now) {
    if (peer == config_.self || connected_.contains(peer)) return;
    if (connected_.size() < config_.connected_max) connected_.emplace(peer, Link{remote});
    advance(now);
}

void Kad::on_identified(const PeerId& peer, const std::vector<Multiaddr>& listens,
                        const std::vector<std::string>& protocols, Now now) {
    const auto at = connected_.find(peer);
    if (at == connected_.end()) return;
    auto& link = at->second;
    link.identified = true;
    link.serves = std::ranges::find(protocols, config_.protocol) != protocols.end();
    link.listens = config_.addresses.usable(peer, listens);
    if (!link.serves) {
        tell(table_.remove(peer, now));
    } else if (table_.contains(peer)) {
        table_.update_addresses({peer, link.listens});
    } else if (!link.listens.empty() && probes_.size() < config_.probes_max && !asking(peer) &&
               table_.wanted(peer, group_of(link.remote))) {
        probes_.push_back({peer, link.listens});
    }
    advance(now);
}

void Kad::on_disconnected(const PeerId& peer, Now now) {
    connected_.erase(peer);
    std::erase_if(probes_, [&](const auto& one) { return one.id == peer; });
    advance(now);
}

bool Kad::asking(const PeerId& peer) const {
    return std::ranges::any_of(probes_, [&](const auto& one) { return one.id == peer; }) ||
           std::ranges::any_of(requests_, [&](const auto& one) { return one.second.peer == peer; });
}

// Answering.

Result<Bytes> Kad::on_request(const PeerId& peer, BytesView frame, Now now) {
    const auto refuse = [](Errc code, std::string_view why) {
        return Error{code, why, Error::kNowhere, {}};
    };
    if (config_.mode == Mode::client)
        return refuse(Errc::unsupported, "a Kademlia client answers nobody");
    const auto link = connected_.find(peer);
    if (link == connected_.end())
        return refuse(Errc::not_found, "a Kademlia request of a peer that is not connected");
    if (!link->second.meter.count(now.at, config_.requests_of_one))
        return refuse(Errc::busy, "a peer's Kademlia requests come too often");
    if (!meter_.count(now.at, config_.requests_of_all))
        return refuse(Errc::busy, "too many Kademlia requests");
    SENNIT_TRY(auto request, decode(frame, config_.message));
    switch (request.type) {
        case MessageType::ping: return framed({MessageType::ping, {}, {}});
        case MessageType::find_node: break;
        // We have neither records nor providers, and know who is nearer to them.
        case MessageType::get_value:
        case MessageType::get_providers: break;
        default: return refuse(Errc::unsupported, "this node stores nothing for others");
    }
    if (request.key.empty()) return refuse(Errc::malformed, "a Kademlia request without a key");
    // Without the key: who asked knows it.
    return framed({request.type, {}, closest_for(request.key, peer)});
}

std::vector<MessagePeer> Kad::closest_for(BytesView key, const PeerId& asker) const {
    std::vector<MessagePeer> out;
    for (auto& peer : table_.closest(key_of(key), config_.table.k + 1)) {
        if (peer.id == asker || out.size() == config_.table.k) continue;
        const auto connection = connected_.contains(peer.id) ? ConnectionType::connected
                                                             : ConnectionType::not_connected;
        out.push_back({peer.id, std::move(peer.addresses), connection});
    }
    return out;
}

// Asking.

Result<QueryId> Kad::find(const PeerId& target, Now now) {
    if (queries_.size() >= config_.queries_max)
        return Error{Errc::busy, "too many lookups at once", Error::kNowhere, {}};
    const auto id = begin(target.view(), Purpose::find, now);
    advance(now);
    return id;
}

void Kad::bootstrap(const std::vector<PeerAddresses>& peers, Now now) {
    bootstrap_.clear();
    for (const auto& peer : peers) {
        if (bootstrap_.size() == config_.bootstrap_max) break;
        if (peer.id != config_.self) bootstrap_.push_back(peer);
    }
    begin_self_lookup(now);
    advance(now);
}

QueryId Kad::begin(BytesView preimage, Purpose purpose, Now now) {
    const QueryId id{++last_query_};
    const auto target = key_of(preimage);
    Query query{target, config_.self, config_.query, now};
    for (const auto& peer : table_.closest(target, config_.query.k)) query.seed(peer);
    if (table_.size() < config_.query.k) {
        for (const auto& peer : bootstrap_) query.seed(peer);
    }
    table_.touched(table_.bucket_of(target), now);
    queries_.emplace(id, Running{std::move(query), purpose, question(preimage)});
    return id;
}

bool Kad::running(Purpose purpose) const {
    return std::ranges::any_of(queries_,
                               [&](const auto& q) { return q.second.purpose == purpose; });
}

void Kad::begin_self_lookup(Now now) {
    next_self_lookup_ = now.at + about(config_.self_lookup_every);
    if (table_.empty() && bootstrap_.empty()) return;
    if (!running(Purpose::self)) begin(config_.self.view(), Purpose::self, now);
}

/// Random ids until one falls into the bucket: hashes cannot be chosen.
Bytes Kad::id_in_bucket(std::size_t bucket) {
    Bytes id(34);
    id[0] = 0x12;  // a SHA-256 hash of 32 bytes, so that it reads as a peer id
    id[1] = 0x20;
    for (std::size_t tries = 0; tries < kTriesMax; ++tries) {
        rng_.fill(std::span{id}.subspan(2));
        if (table_.bucket_of(key_of(id)) == bucket) break;
    }
    return id;
}

void Kad::begin_refresh(Now now) {
    if (!looked_up_self_ || running(Purpose::refresh) || running(Purpose::self)) return;
    const auto bucket = table_.stale_bucket(now, config_.refresh_every, kRefreshDepthMax);
    if (!bucket) return;
    begin(id_in_bucket(*bucket), Purpose::refresh, now);
    // Also when no id was found for it, or it would be tried for ever.
    table_.touched(*bucket, now);
}

void Kad::send(const PeerAddresses& peer, const Bytes& frame, std::optional<QueryId> query,
               Now now) {
    const RequestId id{++last_request_};
    requests_.emplace(id,
                      Request{peer.id, peer.addresses, query, now.at + config_.request_timeout});
    if (!query) ++probing_;
    events_.emplace_back(SendRequest{id, peer.id, peer.addresses, frame});
}

void Kad::send_probes(Now now) {
    while (probing_ < config_.probes_at_once && !probes_.empty()) {
        const auto peer = std::move(probes_.front());
        probes_.pop_front();
        const auto link = connected_.find(peer.id);
        if (link == connected_.end() || !table_.wanted(peer.id, group_of(link->second.remote)))
            continue;
        send(peer, probe_frame_, std::nullopt, now);
    }
}

/// Whether it is over.
bool Kad::advance_query(QueryId id, Now now) {
    auto& running = queries_.at(id);
    if (running.query.timed_out(now)) return true;
    while (const auto peer = running.query.next()) {
        send(*peer, running.frame, id, now);
    }
    return running.query.done(now);
}

void Kad::advance(Now now) {
    // Ending one may begin another, which then is advanced as well.
    for (auto at = queries_.begin(); at != queries_.end();) {
        const auto id = at->first;
        if (advance_query(id, now)) finish(at, now);
        at = queries_.upper_bound(id);
    }
    send_probes(now);
}

void Kad::finish(std::map<QueryId, Running>::iterator at, Now now) {
    const auto id = at->first;
    const auto& query = at->second.query;
    const auto purpose = at->second.purpose;
    QueryDone done{
        id, purpose, query.closest(), query.target_peer(), query.requests(), query.timed_out(now)};
    for (auto request = requests_.begin(); request != requests_.end();) {
        const bool its = request->second.query == id;
        if (its) events_.emplace_back(CancelRequest{request->first});
        request = its ? requests_.erase(request) : std::next(request);
    }
    queries_.erase(at);
    if (purpose == Purpose::self && !done.closest.empty()) looked_up_self_ = true;
    events_.emplace_back(std::move(done));
    begin_refresh(now);
}

// What comes of it.

std::vector<PeerAddresses> Kad::believable(const std::vector<MessagePeer>& named) const {
    std::vector<PeerAddresses> out;
    for (const auto& peer : named) {
        // What we know ourselves is better than what others say.
        auto addresses = table_.addresses(peer.id);
        const auto link = connected_.find(peer.id);
        if (addresses.empty() && link != connected_.end()) addresses = link->second.listens;
        if (addresses.empty()) addresses = config_.addresses.usable(peer.id, peer.addresses);
        if (addresses.empty() && link == connected_.end()) continue;
        out.push_back({peer.id, std::move(addresses)});
    }
    return out;
}

void Kad::on_response(RequestId id, BytesView frame, Now now) {
    const auto at = requests_.find(id);
    if (at == requests_.end()) return;
    const auto message = decode(frame, config_.message);
    if (!message || message->type != MessageType::find_node) {
        fail(at, now);
        advance(now);
        return;
    }
    const auto request = std::move(at->second);
    requests_.erase(at);
    if (!request.query) --probing_;
    learn(request, now);
    if (request.query) {
        queries_.at(*request.query).query.answered(request.peer, believable(message->closer));
    }
    advance(now);
}

void Kad::on_failure(RequestId id, Now now) {
    const auto at = requests_.find(id);
    if (at != requests_.end()) fail(at, now);
    advance(now);
}

void Kad::fail(Requests::iterator at, Now now) {
    const auto request = std::move(at->second);
    requests_.erase(at);
    if (request.query) {
        queries_.at(*request.query).query.failed(request.peer);
    } else {
        --probing_;
    }
    tell(table_.failed(request.peer, now));
}

void Kad::learn(const Request& request, Now now) {
    const auto at = connected_.find(request.peer);
    if (at == connected_.end()) return;
    const auto& link = at->second;
    // A client may answer all the same; nobody else could count on it.
    if (link.identified && !link.serves) return;
    auto addresses = link.listens;
    if (addresses.empty()) addresses = config_.addresses.usable(request.peer, request.addresses);
    const bool first = table_.empty();
    const auto outcome =
        table_.heard({request.peer, std::move(addresses)}, group_of(link.remote), now);
    if (outcome.removed) events_.emplace_back(RoutingUpdated{*outcome.removed, false});
    if (outcome.heard != RoutingTable::Heard::added) return;
    events_.emplace_back(RoutingUpdated{request.peer, true});
    if (first) begin_self_lookup(now);
}

void Kad::tell(const std::optional<RoutingTable::Replaced>& change) {
    if (!change) return;
    events_.emplace_back(RoutingUpdated{change->removed, false});
    if (change->added) events_.emplace_back(RoutingUpdated{*change->added, true});
}

// Time.

void Kad::on_time(Now now) {
    while (!requests_.empty() && requests_.begin()->second.deadline <= now.at) {
        events_.emplace_back(CancelRequest{requests_.begin()->first});
        fail(requests_.begin(), now);
    }
    if (now.at >= next_self_lookup_) {
        begin_self_lookup(now);
        if (table_.empty()) next_self_lookup_ = now.at + about(config_.retry_every);
    }
    if (now.at >= next_upkeep_) upkeep(now);
    advance(now);
}

void Kad::upkeep(Now now) {
    next_upkeep_ = now.at + about(kUpkeepEvery);
    begin_refresh(now);
    for (const auto& peer : table_.checks(now, kChecksAtOnce)) {
        if (!asking(peer.id)) send(peer, probe_frame_, std::nullopt, now);
    }
}

std::optional<Kad::Event> Kad::poll_event() {
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

Instant Kad::next_wake() const {
    auto at = std::min(next_upkeep_, next_self_lookup_);
    if (!requests_.empty()) at = std::min(at, requests_.begin()->second.deadline);
    for (const auto& [id, running] : queries_) at = std::min(at, running.query.deadline());
    return at;
}

void Kad::check_invariants() const {
    table_.check_invariants();
    SENNIT_ASSERT(connected_.size() <= config_.connected_max);
    SENNIT_ASSERT(bootstrap_.size() <= config_.bootstrap_max);
    SENNIT_ASSERT(probes_.size() <= config_.probes_max);
    // Our own lookups are two at most, and not to be kept out by the application's.
    SENNIT_ASSERT(queries_.size() <= config_.queries_max + 2);
    std::map<QueryId, std::size_t> flying;
    std::size_t probing = 0;
    auto before = Instant::min();
    for (const auto& [id, request] : requests_) {
        SENNIT_ASSERT(request.peer != config_.self && request.deadline >= before);
        before = request.deadline;
        if (request.query) {
            ++flying[*request.query];
        } else {
            ++probing;
        }
    }
    SENNIT_ASSERT(probing == probing_ && probing <= config_.probes_at_once + kChecksAtOnce);
    for (const auto& [id, running] : queries_) {
        running.query.check_invariants();
        SENNIT_ASSERT(flying[id] == running.query.in_flight());
    }
    SENNIT_ASSERT(flying.size() <= queries_.size());
}

}  // namespace sennit::libp2p::kad
