// SPDX-License-Identifier: MIT
#include "libp2p/mdns/mdns.hpp"

#include <algorithm>

namespace sennit::libp2p::mdns {

namespace {

using Code = Multiaddr::Code;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kAddressKey = "dnsaddr=";
/// rust draws 32 to 63 letters and digits, js 63: enough that no two are equal.
constexpr std::size_t kInstanceSize = 32;
/// Answers to many are spread over 20 to 120 ms (RFC 6762, section 6), and so are first questions.
constexpr auto kDelayMin = milliseconds{20};
constexpr std::uint64_t kDelaySpreadMs = 101;
constexpr auto kFirstGap = seconds{1};
/// RFC 6762, section 6: a record is not sent again to all within a second.
constexpr auto kAnswerGap = seconds{1};
/// RFC 6762, section 10.1: a goodbye counts after a second, in which the peer may contradict.
constexpr auto kGoodbyeTime = seconds{1};
/// Peers that one message tells of; honest ones tell of themselves.
constexpr std::size_t kPeersPerMessageMax = 8;
constexpr std::size_t kExpandedMax = 16;
constexpr std::size_t kEventsMax = 1024;

Name instance_name(Rng& rng, const std::string& service) {
    static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string out;
    for (std::size_t i = 0; i < kInstanceSize; ++i) out += kLetters[rng.below(kLetters.size())];
    auto name = Name::parse(out + "." + service);
    SENNIT_ASSERT(name);
    return *std::move(name);
}

Name configured(std::string_view text) {
    auto name = Name::parse(text);
    SENNIT_ASSERT(name);
    return *std::move(name);
}

bool of_class_in(std::uint16_t dns_class) {
    const auto plain = dns_class & ~kClassTopBit;
    return plain == kClassIn || plain == kClassAny;
}

bool asks_for(const Question& question, const Name& name) {
    return (question.type == Type::ptr || question.type == Type::any) &&
           of_class_in(question.dns_class) && question.name == name;
}

/// Of the first component, if that is an IP address; an IPv4 address in IPv6's clothes is plain.
std::optional<std::string> host_of(const Multiaddr& address) {
    const auto first = *address.begin();
    if (first.code != Code::ip4 && first.code != Code::ip6) return std::nullopt;
    static constexpr std::string_view kMapped = "::ffff:";
    auto text = first.text();
    const bool mapped = text.starts_with(kMapped) && text.find('.') != std::string::npos;
    return mapped ? text.substr(kMapped.size()) : text;
}

bool unspecified(std::string_view host) {
    return host == "0.0.0.0" || host == "::";
}

}  // namespace

Mdns::Mdns(Config config, Rng rng)
    : config_{std::move(config)},
      rng_{std::move(rng)},
      service_{configured(config_.service)},
      meta_{configured(kMetaService)},
      ours_{instance_name(rng_, config_.service)} {}

void Mdns::set_addresses(std::vector<Multiaddr> addresses) {
    texts_.clear();
    for (const auto& address : addresses) {
        const auto host = host_of(address);
        if (host && unspecified(*host)) continue;
        const auto peer = address.peer_id();
        if (peer && *peer != config_.self) continue;
        auto whole = peer ? address : address.encapsulate(Multiaddr::of_peer(config_.self));
        if (!whole) continue;
        auto text = std::string{kAddressKey} + whole->text();
        const bool known = std::ranges::count(texts_, text) > 0;
        if (text.size() <= kTextSizeMax && !known) texts_.push_back(std::move(text));
    }
}

void Mdns::start() {
    outputs_.emplace_back(Listen{.address = *NetAddress::parse(kGroup)});
}

void Mdns::stop() {
    stopped_ = true;
    query_at_ = Instant::max();
    answer_at_.clear();
    if (link_) outputs_.emplace_back(HangUp{*link_, "stopping"});
}

// The carrier.

void Mdns::on_input(const CarrierInput& input, Now now) {
    if (const auto* open = std::get_if<LinkOpen>(&input)) {
        if (stopped_ || link_) {
            outputs_.emplace_back(HangUp{open->id, "stopping"});
            return;
        }
        link_ = open->id;
        room_ = open->room;
        query_at_ = now.at + soon();
        query_gap_ = kFirstGap;
    } else if (const auto* datagram = std::get_if<LinkBytes>(&input)) {
        if (datagram->link == link_) on_datagram(*datagram, now);
    } else if (const auto* room = std::get_if<Room>(&input)) {
        if (room->link == link_) room_ += room->bytes;
    } else if (const auto* closed = std::get_if<LinkClosed>(&input)) {
        if (closed->link != link_) return;
        link_.reset();
        query_at_ = Instant::max();
        answer_at_.clear();
    }
}

std::optional<CarrierOutput> Mdns::poll_output() {
    if (outputs_.empty()) return std::nullopt;
    std::optional out{std::move(outputs_.front())};
    outputs_.pop_front();
    return out;
}

std::optional<Mdns::Event> Mdns::poll_event() {
    if (events_.empty()) return std::nullopt;
    // Moved as what it is: GCC 12 takes the move of the whole variant for a read of what is not
    // there.
    auto out = std::visit([](auto& event) { return std::optional<Event>{std::move(event)}; },
                          events_.front());
    events_.pop_front();
    return out;
}

void Mdns::on_time(Now now) {
    expire(now);
    if (query_at_ <= now.at) {
        transmit(query());
        query_at_ = now.at + query_gap_ + soon();
        query_gap_ = std::min(2 * query_gap_, config_.query_interval);
    }
    for (auto at = answer_at_.begin(); at != answer_at_.end();) {
        if (at->second > now.at) {
            ++at;
            continue;
        }
        if (transmit(answer(at->first))) answered_at_[at->first] = now.at;
        at = answer_at_.erase(at);
    }
}

Instant Mdns::next_wake() const {
    auto out = query_at_;
    for (const auto& [answer, at] : answer_at_) out = std::min(out, at);
    for (const auto& [id, peer] : peers_) {
        for (const auto& known : peer.known) out = std::min(out, known.until);
    }
    return out;
}

Duration Mdns::soon() {
    return kDelayMin + milliseconds{rng_.below(kDelaySpreadMs)};
}

/// False if the carrier is not there or takes nothing; the next one will do.
bool Mdns::transmit(const Message& message) {
    auto bytes = encode(message);
    if (!link_ || stopped_ || bytes.size() > room_) return false;
    room_ -= bytes.size();
    outputs_.emplace_back(Transmit{*link_, std::make_shared<const Bytes>(std::move(bytes)), {}, 0});
    return true;
}

// What we say.

Message Mdns::query() const {
    return {.questions = {{.name = service_}}};
}

Message Mdns::answer(Answer answer) const {
    const auto ttl = static_cast<std::uint32_t>(std::chrono::floor<seconds>(config_.ttl).count());
    Message out{.response = true, .authoritative = true};
    if (answer == Answer::meta) {
        out.answers.push_back({.name = meta_, .ttl = ttl, .target = service_});
        return out;
    }
    out.answers.push_back({.name = service_, .ttl = ttl, .target = ours_});
    auto size = encode(out).size();
    for (const auto& text : texts_) {
        // Type, class, time to live, two lengths.
        size += ours_.view().size() + 11 + text.size();
        if (size > config_.answer_size_max) break;
        out.additionals.push_back({.name = ours_,
                                   .type = Type::txt,
                                   .dns_class = kClassIn | kClassTopBit,
                                   .ttl = ttl,
                                   .texts = {text}});
    }
    return out;
}

void Mdns::ask_for(Answer answer, Now now) {
    if (texts_.empty() || stopped_ || answer_at_.contains(answer)) return;
    auto due = now.at + soon();
    if (const auto last = answered_at_.find(answer); last != answered_at_.end())
        due = std::max(due, last->second + kAnswerGap);
    answer_at_.emplace(answer, due);
}

// What others say.

void Mdns::on_datagram(const LinkBytes& datagram, Now now) {
    const auto message = decode(datagram.bytes);
    if (!message) {
        ++counters_.malformed;
        return;
    }
    // RFC 6762, section 18: others than a plain query and a plain answer are ignored.
    if (message->opcode != 0 || message->rcode != 0) {
        ++counters_.foreign;
    } else if (message->response) {
        const auto source = NetAddress::parse(datagram.label);
        on_response(*message, source ? source->host : std::string{}, now);
    } else {
        on_query(*message, now);
    }
}

void Mdns::on_query(const Message& query, Now now) {
    const auto asked = [&](const Name& name) {
        return std::ranges::any_of(query.questions,
                                   [&](const auto& q) { return asks_for(q, name); });
    };
    const bool service = asked(service_);
    const bool meta = asked(meta_);
    if (service) ask_for(Answer::service, now);
    if (meta) ask_for(Answer::meta, now);
    if (!service && !meta) ++counters_.foreign;
}

void Mdns::on_response(const Message& response, const std::string& source, Now now) {
    std::size_t taken = 0;
    for (const auto& record : response.answers) {
        if (record.type != Type::ptr || record.name != service_) continue;
        if (++taken > kPeersPerMessageMax) {
            ++counters_.overflow;
            return;
        }
        if (record.target == ours_) continue;
        auto addresses = addresses_of(response, record.target, source);
        if (addresses.empty()) continue;
        const auto peer = *addresses.front().peer_id();
        if (peer == config_.self) continue;
        if (record.ttl == 0) {
            leave(peer, addresses, now.at + kGoodbyeTime);
        } else {
            const Duration ttl = seconds{record.ttl};
            learn(peer, std::move(addresses),
                  now.at + std::clamp(ttl, config_.ttl_min, config_.ttl_max), source);
        }
    }
    if (taken == 0) ++counters_.foreign;
}

/// Of one peer: the first address says which.
std::vector<Multiaddr> Mdns::addresses_of(const Message& response, const Name& instance,
                                          const std::string& source) {
    std::vector<Multiaddr> out;
    const auto read = [&](const std::string& text) {
        if (!text.starts_with(kAddressKey)) return;
        auto address = Multiaddr::parse(std::string_view{text}.substr(kAddressKey.size()));
        if (!address || !believed(*address, source) ||
            (!out.empty() && address->peer_id() != out.front().peer_id())) {
            ++counters_.unfit;
        } else if (out.size() == config_.addresses_max) {
            ++counters_.overflow;
        } else {
            out.push_back(*std::move(address));
        }
    };
    for (const auto* records : {&response.answers, &response.additionals}) {
        for (const auto& record : *records) {
            if (record.type != Type::txt || record.name != instance) continue;
            std::ranges::for_each(record.texts, read);
        }
    }
    return out;
}

bool Mdns::own_machine(const std::string& host) const {
    return host_kind(host) == HostKind::loopback || std::ranges::count(hosts_, host) > 0;
}

bool Mdns::believed(const Multiaddr& address, const std::string& source) const {
    const auto host = host_of(address);
    if (!host || !address.peer_id()) return false;
    const auto second = ++address.begin();
    const bool port = second->code == Code::tcp || second->code == Code::udp;
    if (port && second->port() == 0) return false;
    switch (host_kind(*host)) {
        case HostKind::loopback: return own_machine(source);
        case HostKind::special: return host->starts_with("169.254.");
        default: return true;
    }
}

void Mdns::learn(const PeerId& id, std::vector<Multiaddr> addresses, Instant until,
                 const std::string& source) {
    auto found = peers_.find(id);
    if (found == peers_.end()) {
        const auto from_there = std::ranges::count_if(
            peers_, [&](const auto& other) { return other.second.source == source; });
        if (peers_.size() >= config_.peers_max ||
            static_cast<std::size_t>(from_there) >= config_.peers_per_source_max) {
            ++counters_.overflow;
            return;
        }
        found = peers_.emplace(id, Peer{.source = source, .known = {}}).first;
    }
    auto& known = found->second.known;
    bool news = false;
    for (auto& address : addresses) {
        if (const auto old = std::ranges::find(known, address, &Known::address);
            old != known.end()) {
            old->until = until;
        } else if (known.size() < config_.addresses_max) {
            known.push_back({.address = std::move(address), .until = until});
            news = true;
        } else {
            ++counters_.overflow;
        }
    }
    if (!news) return;
    Discovered event{.peer = id, .addresses = {}};
    for (const auto& one : known) event.addresses.push_back(one.address);
    SENNIT_ASSERT(events_.size() < kEventsMax);  // the driver takes them after each input
    events_.emplace_back(std::move(event));
}

void Mdns::leave(const PeerId& id, const std::vector<Multiaddr>& addresses, Instant until) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    for (auto& known : found->second.known) {
        if (std::ranges::count(addresses, known.address) > 0)
            known.until = std::min(known.until, until);
    }
}

void Mdns::expire(Now now) {
    for (auto at = peers_.begin(); at != peers_.end();) {
        auto& [id, peer] = *at;
        std::erase_if(peer.known, [&](const auto& one) { return one.until <= now.at; });
        if (!peer.known.empty()) {
            ++at;
            continue;
        }
        events_.emplace_back(Expired{id});
        at = peers_.erase(at);
    }
}

void Mdns::check_invariants() const {
    SENNIT_ASSERT(peers_.size() <= config_.peers_max);
    std::map<std::string, std::size_t> by_source;
    for (const auto& [id, peer] : peers_) {
        SENNIT_ASSERT(id != config_.self);
        SENNIT_ASSERT(!peer.known.empty() && peer.known.size() <= config_.addresses_max);
        SENNIT_ASSERT(++by_source[peer.source] <= config_.peers_per_source_max);
        for (const auto& one : peer.known) SENNIT_ASSERT(one.address.peer_id() == id);
    }
    if (!link_) SENNIT_ASSERT(query_at_ == Instant::max() && answer_at_.empty());
}

std::vector<Multiaddr> expand(const Multiaddr& listen, std::span<const std::string> hosts) {
    const auto host = (*listen.begin()).text();
    if (!unspecified(host)) return {listen};
    const bool v6 = host == "::";
    const std::string kind = v6 ? "/ip6/" : "/ip4/";
    const auto rest = listen.text().substr(kind.size() + host.size());
    std::vector<Multiaddr> out;
    for (const auto& one : hosts) {
        if (out.size() == kExpandedMax) break;
        if (v6 == ipv4(one).has_value()) continue;
        if (auto address = Multiaddr::parse(kind + one + rest)) out.push_back(*std::move(address));
    }
    return out;
}

}  // namespace sennit::libp2p::mdns
