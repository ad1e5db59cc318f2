// SPDX-License-Identifier: MIT
#pragma once

#include <set>

#include "protocol/outbox.hpp"
#include "protocol/session.hpp"

namespace sennit::protocol {

/// What makes one stream protocol different from another, apart from its sessions.
struct StreamOptions {
    Traits traits;
    std::vector<NetAddress> listens;
    /// Our node key's public half, to recognise ourselves and duplicates; none where the protocol
    /// has no identities.
    std::optional<NodeId> self;
    Duration dial_timeout{std::chrono::seconds{10}};
    /// From LinkOpen to Established.
    Duration handshake_timeout{std::chrono::seconds{10}};
    /// What `on_goodbye` is told when that is over; ModernTensor's words.
    std::string handshake_timeout_reason{"Handshake failed"};
    /// Above it an inbound link that is still opening is closed with nothing said: the oldest, or
    /// the new one if there is no other. The engine's slots are below it.
    std::size_t links_max{256};
    /// Inbound links of one public host (`host_group`) that are opening at once; above it its
    /// oldest is closed. A node needs one or two, and a few nodes may share an address.
    std::size_t opening_per_host_max{4};
    bool one_write_each{false};
    Outbox::Limits queue_limits{Outbox::kLimits};
};

/// A protocol with one peer a link: owns links, dials, queues, receipts, requests and stopping, so
/// that a protocol like that is a codec and a `Session`.
///
/// A link's life:
///
///     LinkOpen --> opening --Established--> up --Close, Disconnect, Stop--> closing --> LinkClosed
///                     \--Close, 10 s----------------------------------------^
///
/// PeerUp is emitted on entering `up`, PeerDown on leaving it. `closing` lasts until what was
/// written has been transmitted, at most two seconds, and ends in HangUp; nothing is read
/// meanwhile.
///
/// Links that stay silent keep nobody out: who is `opening` gives way to who comes later, so they
/// must be opened anew faster than an honest peer finishes its handshake.
class StreamProtocol : public Protocol {
  public:
    StreamProtocol(StreamOptions options, std::unique_ptr<SessionFactory> factory, Rng rng,
                   std::shared_ptr<FrameBudget> budget = nullptr);
    ~StreamProtocol() override;

    void handle(const Input& input, Now now) override;
    Sent send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) override;
    Result<void> announce(const Outgoing& outgoing, std::span<const PeerId> except,
                          Now now) override;
    std::optional<Output> poll() override;
    std::optional<Instant> deadline() const override;
    const Traits& traits() const override { return options_.traits; }
    Stats stats() const override;
    void check_invariants() const override;

  private:
    enum class State : std::uint8_t { opening, up, closing, hung_up };
    struct Link;
    /// One message, encoded once for each dialect among its receivers.
    using EncodeCache = std::vector<std::pair<std::uint32_t, EncodeResult>>;
    using Links = std::map<LinkId, std::unique_ptr<Link>>;

    void on(const Start&, Now now);
    void on(const Stop&, Now now);
    void on(const Deadline&, Now now);
    void on(const CarrierInput& input, Now now);
    void on(const Checked&, Now) {}
    void on(const Saved&, Now) {}
    void on(const ChainViewPtr& view, Now now);
    void on(const Connect& connect, Now now);
    void on(const Disconnect& disconnect, Now now);
    void on(const Withdraw&, Now) {}
    void on(const Cancel& cancel, Now now);
    void on(const Settle& settle, Now now);
    void on(const Score&, Now) {}
    void on(const SetOptions& set, Now now);

    void on_carrier(const Listening& listening, Now now);
    void on_carrier(const LinkOpen& open, Now now);
    void on_carrier(const DialFailed& failed, Now now);
    void on_carrier(const LinkBytes& bytes, Now now);
    void on_carrier(const Room& room, Now now);
    void on_carrier(const LinkClosed& closed, Now now);

    void drain(Link& link, Now now);
    void on_session(Link& link, Write write, Now now);
    void on_session(Link& link, Established established, Now now);
    void on_session(Link& link, FactsChanged changed, Now now);
    void on_session(Link& link, Deliver deliver, Now now);
    void on_session(Link& link, Offended offended, Now now);
    void on_session(Link& link, Heard heard, Now now);
    void on_session(Link& link, Close close, Now now);

    std::optional<Refusal> send_to(Link& link, const Outgoing& outgoing, EncodeCache& cache,
                                   Now now);
    std::optional<Refusal> check_sendable(Link& link, const Outgoing& outgoing) const;
    Link* mirror_of(const LinkOpen& open);
    /// For a link that has just come in, at the cost of one that is opening; false: there is none.
    bool make_room(const Link& link, Now now);
    /// Closes one of two links to one proven identity; true if `link` is the one.
    bool resolve_duplicate(Link& link, const Identity& identity, Now now);
    /// Says goodbye, then closes.
    void dismiss(Link& link, std::string_view why, Now now);
    void begin_closing(Link& link, std::string why, Now now);
    void hang_up(Link& link, std::string_view why);
    void leave(Link& link, std::string_view why, Now now);
    void on_timer(Link& link, Now now);
    void report(const Link& link, Offence offence, Error what, std::string where);
    void update_reading(Link& link, Now now);
    void wake(Link& link);
    void reschedule(Link& link);
    std::optional<Instant> timer_of(const Link& link) const;
    std::optional<Output> transmit_next();
    void emit(Output output) { outputs_.push_back(std::move(output)); }
    Link* find(LinkId id);
    Link* find(PeerId peer);

    StreamOptions options_;
    std::unique_ptr<SessionFactory> factory_;
    Rng rng_;
    StreamWorld world_;
    Receipts receipts_;
    Links links_;
    std::map<PeerId, LinkId> peers_;
    std::map<RequestId, LinkId> asked_;  // cancelled ones are not here
    std::map<DialId, NetAddress> dials_;
    std::set<std::pair<Instant, LinkId>> timers_;
    std::deque<LinkId> sendable_;  // links that have something to send, in turn
    std::deque<Output> outputs_;
    std::uint64_t last_peer_{0};
    std::uint64_t last_dial_{0};
    Now now_{};  // of the latest input: poll has no clock, and paces and expires by it
    bool stopped_{false};
};

}  // namespace sennit::protocol
