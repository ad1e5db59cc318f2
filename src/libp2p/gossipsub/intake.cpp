// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/intake.hpp"

#include <algorithm>

namespace sennit::libp2p::gossipsub {

namespace {

/// Beside the message itself: maps, queues, the id.
constexpr std::size_t kEntryCost = 512;
/// Who else brought a message, to be paid or punished for it. A mesh has 12 at most.
constexpr std::size_t kCopiesMax = 32;

std::size_t cost(const Intake::Entry& entry) {
    return entry.encoded->size() + kEntryCost;
}

bool equal(BytesView a, BytesView b) {
    return std::ranges::equal(a, b);
}

}  // namespace

bool VerifyJob::run() const {
    if (!message->from || !message->signature) return false;
    const auto author = PeerId::from_bytes(*message->from);
    if (!author) return false;
    BytesView encoded_key;
    if (message->key && !message->key->empty()) {
        encoded_key = *message->key;
    } else if (const auto inlined = author->inlined_key()) {
        encoded_key = *inlined;
    } else {
        return false;
    }
    const auto key = PublicKey::decode(encoded_key);
    if (!key || key->peer_id() != *author) return false;
    return key->verify(signed_bytes(*message), *message->signature);
}

bool Intake::has_room(const PeerId& peer) const {
    const auto found = queues_.find(peer);
    return found == queues_.end() || (found->second.count < limits_.unverified_count_max &&
                                      found->second.bytes < limits_.unverified_bytes_max);
}

std::size_t Intake::variants(const MessageId& id, const PeerId& peer) const {
    const auto [begin, end] = by_id_.equal_range(id);
    return static_cast<std::size_t>(std::count_if(
        begin, end, [&](const auto& one) { return entries_.at(one.second).from == peer; }));
}

Intake::Entry* Intake::same(const MessageId& id, BytesView encoded) {
    const auto [begin, end] = by_id_.equal_range(id);
    for (auto at = begin; at != end; ++at) {
        auto& entry = entries_.at(at->second);
        if (entry.stage == Stage::undecided || equal(*entry.encoded, encoded)) return &entry;
    }
    return nullptr;
}

const Intake::Entry* Intake::find_same(const MessageId& id, BytesView encoded) const {
    return const_cast<Intake*>(this)->same(id, encoded);
}

void Intake::add_copy(const MessageId& id, BytesView encoded, const PeerId& peer) {
    auto* const entry = same(id, encoded);
    SENNIT_ASSERT(entry != nullptr);
    if (entry->from == peer || entry->copies.size() >= kCopiesMax ||
        std::ranges::find(entry->copies, peer) != entry->copies.end())
        return;
    entry->copies.push_back(peer);
    if (entry->stage != Stage::unverified) return;
    const auto [begin, end] = by_id_.equal_range(id);
    for (auto at = begin; at != end; ++at) {
        if (&entries_.at(at->second) == entry) return join_queue(peer, at->second);
    }
}

void Intake::join_queue(const PeerId& peer, Ticket ticket) {
    const auto found = queues_.find(peer);
    // It is in its owner's queue all the same.
    if (found != queues_.end() && found->second.tickets.size() >= limits_.unverified_count_max)
        return;
    push(peer, ticket);
}

void Intake::push(const PeerId& peer, Ticket ticket) {
    auto& queue = queues_[peer];
    // Only when they have doubled, so that a push costs a constant on average.
    if (queue.tickets.size() >= std::max(4 * limits_.unverified_count_max, 2 * queue.swept)) {
        std::erase_if(queue.tickets, [&](Ticket one) {
            const auto entry = entries_.find(one);
            return entry == entries_.end() || entry->second.stage != Stage::unverified;
        });
        if (queue.tickets.empty()) std::erase(turns_, peer);
        queue.swept = queue.tickets.size();
    }
    if (queue.tickets.empty()) turns_.push_back(peer);
    queue.tickets.push_back(ticket);
}

void Intake::charge(const Entry& entry, bool add) {
    if (entry.stage == Stage::undecided) {
        undecided_bytes_ += add ? cost(entry) : 0 - cost(entry);
        return;
    }
    auto& queue = queues_[entry.from];
    queue.count += add ? 1 : std::size_t{0} - 1;
    queue.bytes += add ? cost(entry) : 0 - cost(entry);
    if (queue.count == 0 && queue.tickets.empty()) queues_.erase(entry.from);
}

Ticket Intake::add(Entry entry) {
    const Ticket ticket{++last_ticket_};
    by_id_.emplace(entry.id, ticket);
    const auto& kept = entries_.emplace(ticket, std::move(entry)).first->second;
    charge(kept, true);
    if (kept.stage == Stage::unverified) push(kept.from, ticket);
    return ticket;
}

std::optional<VerifyJob> Intake::poll_job() {
    while (!turns_.empty()) {
        const auto peer = turns_.front();
        turns_.pop_front();
        const auto found = queues_.find(peer);
        auto& tickets = found->second.tickets;
        std::optional<VerifyJob> job;
        while (!tickets.empty() && !job) {
            const auto entry = entries_.find(tickets.front());
            tickets.pop_front();
            if (entry == entries_.end() || entry->second.stage != Stage::unverified) continue;
            entry->second.stage = Stage::verifying;
            job = VerifyJob{entry->first, entry->second.message};
        }
        if (!tickets.empty()) {
            turns_.push_back(peer);
        } else if (found->second.count == 0) {
            queues_.erase(found);
        }
        if (job) return job;
    }
    return std::nullopt;
}

const Intake::Entry* Intake::find(Ticket ticket) const {
    const auto found = entries_.find(ticket);
    return found == entries_.end() ? nullptr : &found->second;
}

const Intake::Entry* Intake::to_application(Ticket ticket, Instant decide_until, bool& dropped) {
    dropped = false;
    auto& entry = entries_.at(ticket);
    SENNIT_ASSERT(entry.stage != Stage::undecided);
    const auto [begin, end] = by_id_.equal_range(entry.id);
    for (auto at = begin; at != end; ++at) {
        auto& other = entries_.at(at->second);
        if (other.stage != Stage::undecided) continue;
        const auto late = remove(ticket);
        add_copy(late.id, *late.encoded, late.from);
        for (const auto& peer : late.copies) add_copy(late.id, *late.encoded, peer);
        return nullptr;
    }
    if (deadlines_.size() >= limits_.undecided_count_max ||
        undecided_bytes_ + cost(entry) > limits_.undecided_bytes_max) {
        remove(ticket);
        dropped = true;
        return nullptr;
    }
    charge(entry, false);
    entry.stage = Stage::undecided;
    entry.decide_until = decide_until;
    charge(entry, true);
    deadlines_.emplace(decide_until, ticket);
    return &entry;
}

Intake::Entry Intake::remove(Ticket ticket) {
    const auto found = entries_.find(ticket);
    SENNIT_ASSERT(found != entries_.end());
    auto out = std::move(found->second);
    entries_.erase(found);
    const auto [begin, end] = by_id_.equal_range(out.id);
    by_id_.erase(std::find_if(begin, end, [&](const auto& one) { return one.second == ticket; }));
    charge(out, false);
    if (out.stage == Stage::undecided) deadlines_.erase({out.decide_until, ticket});
    return out;
}

std::optional<Ticket> Intake::overdue(Now now) const {
    if (deadlines_.empty() || deadlines_.begin()->first > now.at) return std::nullopt;
    return deadlines_.begin()->second;
}

std::optional<Instant> Intake::next_deadline() const {
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
}

/// To the next of those who brought it.
void Intake::hand_over(Ticket ticket, Entry& entry) {
    charge(entry, false);
    entry.from = entry.copies.front();
    entry.copies.erase(entry.copies.begin());
    charge(entry, true);
    push(entry.from, ticket);
}

void Intake::on_peer_gone(const PeerId& peer) {
    const auto found = queues_.find(peer);
    if (found == queues_.end()) return;
    const auto tickets = std::move(found->second.tickets);
    found->second.tickets.clear();
    std::erase(turns_, peer);
    if (found->second.count == 0) queues_.erase(found);
    for (const auto ticket : tickets) {
        const auto entry = entries_.find(ticket);
        if (entry == entries_.end() || entry->second.stage != Stage::unverified) continue;
        std::erase(entry->second.copies, peer);
        if (entry->second.from != peer) continue;
        if (entry->second.copies.empty()) {
            remove(ticket);
        } else {
            hand_over(ticket, entry->second);
        }
    }
}

void Intake::check_invariants() const {
    SENNIT_ASSERT(by_id_.size() == entries_.size());
    std::map<PeerId, std::pair<std::size_t, std::size_t>> charged;
    std::size_t undecided_bytes = 0;
    std::size_t undecided = 0;
    for (const auto& [ticket, entry] : entries_) {
        SENNIT_ASSERT(entry.copies.size() <= kCopiesMax);
        if (entry.stage == Stage::undecided) {
            ++undecided;
            undecided_bytes += cost(entry);
            SENNIT_ASSERT(deadlines_.contains({entry.decide_until, ticket}));
        } else {
            ++charged[entry.from].first;
            charged[entry.from].second += cost(entry);
        }
    }
    SENNIT_ASSERT(undecided == deadlines_.size() && undecided <= limits_.undecided_count_max);
    SENNIT_ASSERT(undecided_bytes == undecided_bytes_ &&
                  undecided_bytes <= limits_.undecided_bytes_max);
    std::size_t with_tickets = 0;
    for (const auto& [peer, queue] : queues_) {
        SENNIT_ASSERT(queue.count > 0 || !queue.tickets.empty());
        SENNIT_ASSERT(queue.tickets.size() <=
                      std::max(4 * limits_.unverified_count_max, 2 * queue.swept + 1));
        SENNIT_ASSERT(charged[peer] == std::pair(queue.count, queue.bytes));
        charged.erase(peer);
        with_tickets += queue.tickets.empty() ? 0 : 1;
    }
    for (const auto& [peer, sums] : charged) SENNIT_ASSERT(sums.first == 0);
    SENNIT_ASSERT(with_tickets == turns_.size());
}

}  // namespace sennit::libp2p::gossipsub
