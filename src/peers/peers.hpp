// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>

#include "base/net_address.hpp"
#include "base/peer_id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"

namespace sennit::peers {

/// Who somebody is: a key that was proven, or only an address (CONTRACT rule 6). Claimed and not
/// proven identities are no identity: else whoever says HELLO first with a victim's key locks it
/// out.
struct Identity {
    std::optional<NodeId> proven;
    NetAddress address;  ///< the remote host; the port counts only when we dialled it

    /// What scores and bans hang on.
    std::string key() const;
};

/// Tiers of the documents: what a score is called.
enum class Tier : std::uint8_t { failed = 0, poor = 25, fair = 50, good = 75, excellent = 100 };
std::string_view to_string(Tier tier);

/// What a peer did; each has a price, and every change of a score keeps its reason.
enum class Deed : std::uint8_t {
    valid_block,
    valid_transaction,
    useful_answer,  // raise
    invalid_block,
    invalid_transaction,
    invalid_vote,  // lower much
    malformed,     // frames, JSON, anything that does not parse
    wrong_answer,  // not what was asked
    overdue,       // no answer in time
    spam,          // above a rate, or unwanted
    equivocation,  // two certificates or blocks, provably
};
std::string_view to_string(Deed deed);

/// One book for all protocols: who is connected, who could be dialled, who misbehaved, whom to ask.
/// The only place that scores, bans and explains (CONTRACT rule 10).
///
/// Pure and deterministic. Scores are 0..100, start at 50 for strangers, and drift back to 50 with
/// time; at 0, or by a deed that cannot be honest, the identity is banned, longer each time.
class Peers {
  public:
    struct Limits {
        std::size_t connected_max{50};
        std::size_t outbound_wanted{8};
        std::size_t inbound_max{42};
        std::size_t wide_group_max{4};    ///< connected peers of one public /16
        std::size_t narrow_group_max{2};  ///< and of one /24
        std::size_t addresses_max{1000};
        Duration discovery_every{std::chrono::seconds{60}};
        Duration ban_first{std::chrono::minutes{10}};
        Duration ban_max{std::chrono::hours{24 * 7}};
    };

    Peers(Limits limits, Rng rng);

    // Addresses: where somebody might be.

    /// From configuration: always kept, dialled first, exempt from hearsay rules.
    void add_bootstrap(InstanceId instance, const NetAddress& address);
    /// Hearsay of `from`, or of the network itself. Private and loopback addresses are taken only
    /// from sources that are such themselves, and none that does not read back as written. False:
    /// refused.
    bool on_found(InstanceId instance, const NetAddress& address, std::optional<PeerRef> from,
                  Now now);
    /// Up to `max` addresses to tell others: public, or private to private askers.
    std::vector<NetAddress> share(InstanceId instance, const NetAddress& asker, std::size_t max);

    // Connections.

    struct Connected {
        PeerRef ref;
        Identity identity;
        NetAddress address;                 ///< remote
        std::optional<NetAddress> listens;  ///< where it accepts, as it says
        bool inbound{false};
        Instant since;
        std::uint64_t height{0};
        std::optional<Duration> latency;
        std::uint8_t hops{1};
        Amount stake{0};
    };
    /// May this one stay? Errors: busy (full, group limits), invalid (banned: until when and why),
    /// duplicate (proven identity connected already; the rule who stays is the protocol's).
    Result<void> on_up(const Connected& peer, Now now);
    void on_down(PeerRef ref, std::string_view why, Now now);
    /// A protocol proved an identity after the connection was up.
    Result<void> on_proven(PeerRef ref, const NodeId& id, Now now);
    void on_status(PeerRef ref, std::uint64_t height);
    void on_latency(PeerRef ref, Duration latency);
    void on_dial_failed(InstanceId instance, const NetAddress& address, Now now);

    const Connected* find(PeerRef ref) const;
    std::vector<PeerRef> connected() const;
    std::size_t size() const { return connected_.size(); }

    // Judgement.

    struct Verdict {
        int score{50};
        bool banned{false};  ///< disconnect now
        std::string why;
    };
    /// The peer may have left already: the blame goes to the identity.
    Verdict on_deed(PeerRef ref, Deed deed, std::string_view what, Now now);
    int score(PeerRef ref) const;
    Tier tier(PeerRef ref) const;
    struct Change {
        Deed deed{};
        int delta{0};
        std::string what;
        Instant at;
    };
    /// The last changes of an identity's score, newest first.
    std::vector<Change> explain(PeerRef ref) const;

    struct Ban {
        std::string identity;  ///< a proven node id, or an address
        UnixTime until{};
        std::string why;
    };
    /// Those in force, the longest first.
    std::vector<Ban> bans(Now now) const;

    // Choice.

    /// 0.5 score + 0.3 height + 0.2 latency, weighted at random among those at least fair; the
    /// documents' rule. Unknown latency counts as the mean, not as the best.
    std::optional<PeerRef> choose(std::span<const PeerRef> among);
    std::optional<PeerRef> best() const;  ///< greatest height, then score
    std::optional<PeerRef> random();

    // Time.

    struct Todo {
        std::vector<std::pair<InstanceId, NetAddress>> connect;
        std::vector<PeerRef> ask_for_peers;  ///< discovery: one at random
        std::vector<std::pair<PeerRef, std::string>> disconnect;
    };
    Todo on_time(Now now);
    Instant next_wake() const;

    /// Addresses, scores and bans, for the next start. Wall-clock times, since Instant does not
    /// survive.
    Bytes save(Now now) const;
    Result<void> restore(BytesView bytes, Now now);
    void check_invariants() const;

  private:
    /// Somewhere that could be dialled.
    struct Known {
        bool bootstrap{false};
        std::uint32_t failures{0};
        Instant retry_at{};
        bool dialling{false};
        UnixTime seen{};
    };
    /// What an identity did, as long as it matters.
    struct Record {
        double score{50};
        Instant updated{};
        std::deque<Change> history;
        std::optional<UnixTime> banned_until;
        std::uint32_t bans{0};
        std::string banned_for;
    };
    using Place = std::pair<InstanceId, NetAddress>;

    Record& record(const std::string& key, Now now);
    const Record* find_record(PeerRef ref) const;
    std::optional<std::string> ban_text(const Identity& identity, Now now) const;
    Result<void> check_room(const Connected& peer) const;
    void make_room_for_address();
    double weight(const Connected& peer, std::uint64_t height_max, Duration latency_max,
                  Duration latency_mean) const;
    bool worth_dialling(const Place& place, const Known& known, Now now) const;

    Limits limits_;
    Rng rng_;
    std::map<PeerRef, Connected> connected_;
    std::map<Place, Known> known_;
    std::map<std::string, Record> records_;
    /// Identities of peers that left, so that late blame still finds them (CONTRACT rule 1).
    std::map<PeerRef, std::pair<std::string, Instant>> departed_;
    Instant next_discovery_{};
    Instant next_wake_{};
};

}  // namespace sennit::peers
