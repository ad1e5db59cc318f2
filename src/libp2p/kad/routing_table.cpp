// SPDX-License-Identifier: MIT
#include "libp2p/kad/routing_table.hpp"

#include <algorithm>
#include <set>

namespace sennit::libp2p::kad {

namespace {

auto same_peer(const PeerId& peer) {
    return [&peer](const auto& entry) { return entry.peer.id == peer; };
}

}  // namespace

RoutingTable::RoutingTable(const Key& self, Limits limits) : self_{self}, limits_{limits} {
    SENNIT_ASSERT(limits_.k > 0 && limits_.failures_max > 0);
}

const RoutingTable::Entry* RoutingTable::find(const PeerId& peer) const {
    const auto prefix = bucket_of(key_of(peer));
    if (prefix == kKeyBits) return nullptr;
    const auto& entries = buckets_[prefix].entries;
    const auto at = std::ranges::find_if(entries, same_peer(peer));
    return at == entries.end() ? nullptr : &*at;
}

RoutingTable::Bucket* RoutingTable::bucket_for(const Key& key) {
    const auto prefix = bucket_of(key);
    return prefix == kKeyBits ? nullptr : &buckets_[prefix];
}

bool RoutingTable::room_for(const std::string& group, const Bucket& bucket,
                            const Entry* leaving) const {
    if (group.empty()) return true;
    const std::size_t frees = leaving && leaving->group == group ? 1 : 0;
    const auto all = groups_.find(group);
    if (all != groups_.end() && all->second - frees >= limits_.group_table_max) return false;
    const auto here =
        static_cast<std::size_t>(std::ranges::count(bucket.entries, group, &Entry::group));
    return here - frees < limits_.group_bucket_max;
}

void RoutingTable::put(Bucket& bucket, Entry entry) {
    if (!entry.group.empty()) ++groups_[entry.group];
    // One that has waited was heard of longer ago than some who are here.
    const auto at = std::ranges::upper_bound(bucket.entries, entry.seen, {}, &Entry::seen);
    bucket.entries.insert(at, std::move(entry));
    ++size_;
}

void RoutingTable::take_out(Bucket& bucket, Place place) {
    if (const auto at = groups_.find(place->group); at != groups_.end() && --at->second == 0)
        groups_.erase(at);
    bucket.entries.erase(place);
    --size_;
}

void RoutingTable::wait(Bucket& bucket, Entry entry) {
    std::erase_if(bucket.waiting, same_peer(entry.peer.id));
    if (limits_.replacements_max == 0) return;
    const auto same_group = [&](const Entry& e) {
        return !e.group.empty() && e.group == entry.group;
    };
    const auto kin = static_cast<std::size_t>(std::ranges::count_if(bucket.waiting, same_group));
    if (kin >= limits_.group_bucket_max) {
        bucket.waiting.erase(std::ranges::find_if(bucket.waiting, same_group));
    } else if (bucket.waiting.size() == limits_.replacements_max) {
        bucket.waiting.erase(bucket.waiting.begin());
    }
    bucket.waiting.push_back(std::move(entry));
}

RoutingTable::Outcome RoutingTable::heard(const PeerAddresses& peer, const std::string& group,
                                          Now now) {
    const auto key = key_of(peer.id);
    auto* const bucket = bucket_for(key);
    if (!bucket) return {};
    auto& entries = bucket->entries;
    if (const auto at = std::ranges::find_if(entries, same_peer(peer.id)); at != entries.end()) {
        at->seen = now.at;
        at->failures = 0;
        if (!peer.addresses.empty()) at->peer.addresses = peer.addresses;
        std::rotate(at, at + 1, entries.end());
        return {Heard::known, {}};
    }
    if (peer.addresses.empty()) return {};
    Entry entry{peer, key, group, now.at};
    if (entries.size() < limits_.k) {
        if (!room_for(group, *bucket, nullptr)) return {};
        std::erase_if(bucket->waiting, same_peer(peer.id));
        put(*bucket, std::move(entry));
        return {Heard::added, {}};
    }
    const auto gone = std::ranges::find_if(entries, [this](const auto& e) { return stale(e); });
    const bool room = room_for(group, *bucket, gone == entries.end() ? nullptr : &*gone);
    if (!room) return {};
    if (gone == entries.end()) {
        wait(*bucket, std::move(entry));
        return {Heard::waits, {}};
    }
    const auto removed = gone->peer.id;
    take_out(*bucket, gone);
    std::erase_if(bucket->waiting, same_peer(peer.id));
    put(*bucket, std::move(entry));
    return {Heard::added, removed};
}

RoutingTable::Replaced RoutingTable::replace(Bucket& bucket, Place place) {
    Replaced out{place->peer.id, {}};
    take_out(bucket, place);
    // The most recent one is the likeliest to be there still.
    for (auto at = bucket.waiting.end(); at != bucket.waiting.begin();) {
        --at;
        if (!room_for(at->group, bucket, nullptr)) continue;
        out.added = at->peer.id;
        auto entry = std::move(*at);
        bucket.waiting.erase(at);
        put(bucket, std::move(entry));
        break;
    }
    return out;
}

std::optional<RoutingTable::Replaced> RoutingTable::failed(const PeerId& peer, Now) {
    auto* const bucket = bucket_for(key_of(peer));
    if (!bucket) return std::nullopt;
    std::erase_if(bucket->waiting, same_peer(peer));
    const auto at = std::ranges::find_if(bucket->entries, same_peer(peer));
    if (at == bucket->entries.end()) return std::nullopt;
    if (!stale(*at)) ++at->failures;
    if (!stale(*at)) return std::nullopt;
    const bool anybody = std::ranges::any_of(
        bucket->waiting, [&](const auto& e) { return room_for(e.group, *bucket, &*at); });
    if (!anybody) return std::nullopt;
    return replace(*bucket, at);
}

std::optional<RoutingTable::Replaced> RoutingTable::remove(const PeerId& peer, Now) {
    auto* const bucket = bucket_for(key_of(peer));
    if (!bucket) return std::nullopt;
    std::erase_if(bucket->waiting, same_peer(peer));
    const auto at = std::ranges::find_if(bucket->entries, same_peer(peer));
    if (at == bucket->entries.end()) return std::nullopt;
    return replace(*bucket, at);
}

bool RoutingTable::wanted(const PeerId& peer, const std::string& group) const {
    const auto prefix = bucket_of(key_of(peer));
    if (prefix == kKeyBits) return false;
    const auto& bucket = buckets_[prefix];
    if (std::ranges::any_of(bucket.entries, same_peer(peer))) return false;
    if (std::ranges::any_of(bucket.waiting, same_peer(peer))) return false;
    const bool full = bucket.entries.size() >= limits_.k;
    const auto gone =
        std::ranges::find_if(bucket.entries, [this](const auto& e) { return stale(e); });
    return room_for(group, bucket, full && gone != bucket.entries.end() ? &*gone : nullptr);
}

std::vector<PeerAddresses> RoutingTable::closest(const Key& key, std::size_t n) const {
    std::vector<std::pair<Distance, const Entry*>> found;
    const auto collect = [&](bool stale_ones) {
        for (const auto& bucket : buckets_) {
            for (const auto& entry : bucket.entries) {
                if (stale(entry) == stale_ones)
                    found.emplace_back(distance(key, entry.key), &entry);
            }
        }
    };
    collect(false);
    if (found.empty()) collect(true);
    n = std::min(n, found.size());
    const auto middle = found.begin() + static_cast<std::ptrdiff_t>(n);
    // Distances of two peers are never the same, so pointers are never compared.
    std::ranges::partial_sort(found, middle, {}, [](const auto& one) { return one.first; });
    std::vector<PeerAddresses> out;
    out.reserve(n);
    for (auto at = found.begin(); at != middle; ++at) out.push_back(at->second->peer);
    return out;
}

std::vector<PeerAddresses> RoutingTable::checks(Now now, std::size_t n) const {
    std::vector<PeerAddresses> out;
    for (const auto& bucket : buckets_) {
        if (out.size() == n) break;
        if (bucket.waiting.empty() || bucket.entries.empty()) continue;
        const auto& oldest = bucket.entries.front();
        if (now.at - oldest.seen >= limits_.check_after) out.push_back(oldest.peer);
    }
    return out;
}

void RoutingTable::update_addresses(const PeerAddresses& peer) {
    auto* const bucket = bucket_for(key_of(peer.id));
    if (!bucket || peer.addresses.empty()) return;
    const auto at = std::ranges::find_if(bucket->entries, same_peer(peer.id));
    if (at != bucket->entries.end()) at->peer.addresses = peer.addresses;
}

std::vector<Multiaddr> RoutingTable::addresses(const PeerId& peer) const {
    const auto* const entry = find(peer);
    return entry ? entry->peer.addresses : std::vector<Multiaddr>{};
}

void RoutingTable::touched(std::size_t bucket, Now now) {
    if (bucket < kKeyBits) buckets_[bucket].touched = now.at;
}

std::optional<std::size_t> RoutingTable::stale_bucket(Now now, Duration every,
                                                      std::size_t depth_max) const {
    std::size_t end = kKeyBits;
    while (end > 0 && buckets_[end - 1].entries.empty()) --end;
    for (std::size_t i = 0; i < std::min(end, depth_max); ++i) {
        const auto touched = buckets_[i].touched;
        if (!touched || now.at - *touched >= every) return i;
    }
    return std::nullopt;
}

void RoutingTable::check_invariants() const {
    std::size_t count = 0;
    std::map<std::string, std::size_t> groups;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        const auto& bucket = buckets_[i];
        SENNIT_ASSERT(bucket.entries.size() <= limits_.k);
        SENNIT_ASSERT(bucket.waiting.size() <= limits_.replacements_max);
        SENNIT_ASSERT(std::ranges::is_sorted(bucket.entries, {}, &Entry::seen));
        std::set<PeerId> ids;
        std::map<std::string, std::size_t> here;
        for (const auto* list : {&bucket.entries, &bucket.waiting}) {
            for (const auto& entry : *list) {
                SENNIT_ASSERT(entry.key == key_of(entry.peer.id) && bucket_of(entry.key) == i);
                SENNIT_ASSERT(!entry.peer.addresses.empty());
                SENNIT_ASSERT(ids.insert(entry.peer.id).second);
            }
        }
        for (const auto& entry : bucket.entries) {
            ++count;
            if (entry.group.empty()) continue;
            ++groups[entry.group];
            SENNIT_ASSERT(++here[entry.group] <= limits_.group_bucket_max);
        }
    }
    SENNIT_ASSERT(count == size_ && groups == groups_);
    for (const auto& [group, n] : groups) SENNIT_ASSERT(n <= limits_.group_table_max);
}

}  // namespace sennit::libp2p::kad
