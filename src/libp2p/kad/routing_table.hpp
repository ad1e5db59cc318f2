// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "base/time.hpp"
#include "libp2p/kad/key.hpp"

namespace sennit::libp2p::kad {

/// Whom we would ask, and whom we name to those who ask: 256 buckets of peers by the length of the
/// prefix that their key shares with ours.
///
/// Rules, and what each is against:
///
/// - Only peers that have answered a request of ours, and can be dialled, come here; the caller
///   says so by calling `heard`. Addresses that somebody merely names cost nothing to make up.
/// - Old peers stay. A bucket holds k; the next one waits as a replacement, and takes a place only
///   when somebody in the bucket fails. Who was here longest is likeliest to stay (Kademlia, 2.2),
///   and a flood of new identities pushes nobody out.
/// - A bucket has its peers in the order in which they were last heard of. Where somebody waits,
///   the first one, if silent for long, is to be asked whether it still is there: `checks`.
/// - A peer that failed `failures_max` times in a row is replaced, if anybody waits; if nobody does
///   it stays as stale, is not named to others, and gives way to the next newcomer. Were it thrown
///   out at once, a broken uplink of our own would empty the table.
/// - At most `group_bucket_max` peers of a bucket, and `group_table_max` of all, come from one /24
///   or /48 (`group_of` the address that the connection really has). Identities are free; networks
///   are not (Sybil, eclipse).
///
/// Memory: at most 256 * (k + replacements_max) peers with 8 addresses each; in practice buckets
/// beyond log2 of the network's size are empty, and those in front full, some 20 of them.
class RoutingTable {
  public:
    struct Limits {
        std::size_t k{20};
        std::size_t replacements_max{5};  ///< of a bucket; the one that waits longest gives way
        std::uint32_t failures_max{2};
        std::size_t group_bucket_max{2};
        std::size_t group_table_max{10};
        Duration check_after{std::chrono::minutes{5}};
    };

    RoutingTable(const Key& self, Limits limits);

    enum class Heard : std::uint8_t {
        added,
        known,    ///< was here, and now is the last to be asked whether it lives
        waits,    ///< the bucket is full of living peers
        refused,  ///< it is us, or its group has its share
    };
    struct Outcome {
        Heard heard{Heard::refused};
        std::optional<PeerId> removed{};  ///< whose place it took
    };
    /// `peer` answered. `group` as of `group_of`, empty for no limit. Without addresses nobody
    /// could use it: refused, unless it is known, then those it has are kept.
    Outcome heard(const PeerAddresses& peer, const std::string& group, Now now);
    /// It answers no more, or not so that it can be read.
    struct Replaced {
        PeerId removed{};
        std::optional<PeerId> added{};
    };
    std::optional<Replaced> failed(const PeerId& peer, Now now);
    /// It says itself that it does not serve any more.
    std::optional<Replaced> remove(const PeerId& peer, Now now);

    bool contains(const PeerId& peer) const { return find(peer) != nullptr; }
    /// Whether hearing from this peer would bring the table anything.
    bool wanted(const PeerId& peer, const std::string& group) const;
    /// The `n` closest, closest first; stale ones only if all are.
    std::vector<PeerAddresses> closest(const Key& key, std::size_t n) const;
    /// Up to `n` peers who should be asked whether they live, see above.
    std::vector<PeerAddresses> checks(Now now, std::size_t n) const;

    /// What the peer says of itself. No sign that it answers requests, so nothing else changes.
    void update_addresses(const PeerAddresses& peer);
    /// The peer's addresses; empty if it is not here.
    std::vector<Multiaddr> addresses(const PeerId& peer) const;

    /// A lookup has gone through the bucket; of `kKeyBits`, our own key, nothing is kept.
    void touched(std::size_t bucket, Now now);
    /// The first bucket up to the deepest one in use, and below `depth_max`, through which no
    /// lookup has gone for `every`.
    std::optional<std::size_t> stale_bucket(Now now, Duration every, std::size_t depth_max) const;

    std::size_t bucket_of(const Key& key) const { return common_prefix(self_, key); }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    void check_invariants() const;

  private:
    struct Entry {
        PeerAddresses peer;
        Key key;
        std::string group;
        Instant seen;
        std::uint32_t failures{0};
    };
    struct Bucket {
        std::vector<Entry> entries{};  ///< least recently heard of first
        std::vector<Entry> waiting{};  ///< most recent last
        std::optional<Instant> touched{};
    };
    using Place = std::vector<Entry>::iterator;

    const Entry* find(const PeerId& peer) const;
    Bucket* bucket_for(const Key& key);
    bool stale(const Entry& entry) const { return entry.failures >= limits_.failures_max; }
    /// Whether one more of `group` may come into the bucket, `leaving` having gone.
    bool room_for(const std::string& group, const Bucket& bucket, const Entry* leaving) const;
    void wait(Bucket& bucket, Entry entry);
    void put(Bucket& bucket, Entry entry);
    void take_out(Bucket& bucket, Place place);
    Replaced replace(Bucket& bucket, Place place);

    Key self_;
    Limits limits_;
    std::vector<Bucket> buckets_{kKeyBits};
    std::map<std::string, std::size_t> groups_;  ///< entries of each, waiting ones not counted
    std::size_t size_{0};
};

}  // namespace sennit::libp2p::kad
