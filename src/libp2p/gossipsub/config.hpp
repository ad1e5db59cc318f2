// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "libp2p/gossipsub/message_cache.hpp"
#include "libp2p/gossipsub/rpc.hpp"
#include "libp2p/gossipsub/score.hpp"
#include "libp2p/keys.hpp"

/// What a gossipsub node can be told. The names are the specification's (libp2p/specs,
/// pubsub/gossipsub); where go, rust and js differ, the default is what two of them do.
namespace sennit::libp2p::gossipsub {

/// What a peer understands, each including those before it.
enum class Version : std::uint8_t {
    floodsub,  ///< no control messages: gets everything of its topics
    v1_0,      ///< mesh and gossip
    v1_1,      ///< peer exchange and the back-off in PRUNE
    v1_2,      ///< IDONTWANT
};
/// To propose in this order.
std::vector<std::string> protocol_ids();
std::optional<Version> version_of(std::string_view protocol_id);

/// A whole network has one policy: the other one's messages are invalid.
enum class SigningPolicy : std::uint8_t {
    strict_sign,     ///< author, number and signature must be there and right
    strict_no_sign,  ///< none of them may be there
};

struct MeshParams {
    std::size_t d{6};
    std::size_t d_low{5};
    std::size_t d_high{12};
    std::size_t d_score{4};  ///< kept for their score when a mesh is too large
    std::size_t d_out{2};    ///< of those we dialled, so that nobody surrounds us by dialling us
    std::size_t d_lazy{6};
    double gossip_factor{0.25};
};

/// What a score leads to. `graylist` <= `publish` <= `gossip` <= 0 <= the others.
struct Thresholds {
    double gossip{-10};    ///< below it: no IHAVE to it, none from it
    double publish{-50};   ///< below it: our own messages do not go to it
    double graylist{-80};  ///< below it: what it says is not even decoded
    double accept_exchange{10};
    double opportunistic_graft{20};  ///< a mesh whose median is below it looks for better peers
};

/// One topic, when it is joined.
struct TopicConfig {
    /// nullptr: author and number under strict_sign, the SHA-256 of the data otherwise. Must be
    /// quick: it runs before a signature is checked. Whatever may be absent from a message may be
    /// absent here, its data too.
    std::function<MessageId(const Message&)> id{};
    /// Whether a message waits for `Router::decide` before it is passed on. Without it whatever is
    /// signed is passed on.
    bool ask{true};
    /// With author, number, signature and topic it has to fit into an RPC of 1 MiB.
    std::size_t data_size_max{(1u << 20) - 4096};
};

struct Limits {
    RpcLimits rpc{};
    /// What we send in one RPC unless a peer is known to take more: rust refuses longer ones.
    std::size_t rpc_size_max{64u << 10};
    std::size_t topics_per_peer_max{128};
    std::size_t topic_joined_max{1024};
    // Of one peer, until its signatures are checked. Above it nothing more should be read from the
    // peer, and nobody else notices.
    std::size_t unverified_count_max{256};
    std::size_t unverified_bytes_max{1u << 20};
    // Of all, while the application has not decided. Above it messages are dropped.
    std::size_t undecided_count_max{4096};
    std::size_t undecided_bytes_max{64u << 20};
    // What waits to be sent to one peer.
    std::size_t send_bytes_max{4u << 20};
    std::size_t send_count_max{8192};
    std::size_t back_offs_max{8192};
    std::size_t ihave_per_heartbeat{10};
    std::size_t ids_asked_per_heartbeat{5000};
    std::size_t idontwant_ids_per_heartbeat{1000};
    std::size_t exchange_max{16};
};

struct Config {
    PrivateKey identity;
    SigningPolicy policy{SigningPolicy::strict_sign};
    MeshParams mesh{};
    ScoreParams scores{};
    Thresholds thresholds{};
    Limits limits{};
    MessageCache::Limits cache{};
    SeenCache::Limits seen{};
    /// Always sent everything, never in a mesh, never scored. Both sides must name each other.
    std::set<PeerId> explicit_peers{};
    /// Which topics of others are worth remembering. nullptr: all, up to the limit.
    std::function<bool(std::string_view topic)> topic_filter{};

    Duration heartbeat{std::chrono::seconds{1}};
    bool flood_publish{true};  ///< our own messages go to all of a topic, not to the mesh only
    bool exchange{true};       ///< say who else is there when we prune somebody
    std::size_t idontwant_size{1024};  ///< bytes of a message from which on IDONTWANT is worth it
    Duration prune_back_off{std::chrono::seconds{60}};
    Duration unsubscribe_back_off{std::chrono::seconds{10}};
    Duration back_off_max{std::chrono::hours{1}};    ///< whatever a PRUNE says
    Duration graft_flood{std::chrono::seconds{10}};  ///< so soon after a PRUNE a GRAFT counts twice
    Duration fanout_keep{std::chrono::seconds{60}};
    Duration promise_keep{std::chrono::seconds{3}};
    Duration decide_within{std::chrono::seconds{30}};
    Duration send_within{std::chrono::seconds{5}};  ///< a message that waited longer is not sent
    std::uint64_t opportunistic_ticks{60};          ///< heartbeats; 0: never
    std::size_t opportunistic_peers{2};
    std::uint64_t redial_ticks{300};  ///< heartbeats; 0: never
};

/// Errors: invalid, with the rule that the numbers break.
Result<void> check(const Config& config);

using Ticket = Strong<struct TicketTag, std::uint64_t>;

}  // namespace sennit::libp2p::gossipsub
