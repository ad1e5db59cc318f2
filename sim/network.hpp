// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/carrier.hpp"
#include "base/rng.hpp"
#include "sim/scheduler.hpp"

namespace sennit::sim {

using HostId = Strong<struct HostIdTag, std::uint32_t>;

/// What a line does to bytes. A stream never loses or reorders them: it delays them, cuts them
/// anywhere, stops, or breaks.
struct Line {
    Duration latency{std::chrono::milliseconds{40}};
    Duration jitter{std::chrono::milliseconds{20}};
    std::size_t piece_max{16 * 1024};  ///< arrives in pieces of 1 to this many bytes
    std::size_t window{256 * 1024};    ///< bytes that a sender may have under way
    /// Of each thousand writes so many lose a packet: TCP sends it again after `retransmit`, and
    /// all that was written later waits behind it.
    std::uint64_t lost_per_mille{0};
    Duration retransmit{std::chrono::milliseconds{300}};
    /// How far two hosts are from each other, instead of `latency`; the same both ways.
    std::function<Duration(HostId, HostId)> distance{};
};

/// How two parts of a network lose each other.
enum class Cut : std::uint8_t {
    reset,    ///< links break and new ones are refused at once
    silence,  ///< nothing arrives any more, and nobody is told
};

/// Streams between hosts, in virtual time. Everything that a host is told comes as a later event,
/// never within its own call.
///
/// Asserts what a protocol owes its carriers: to send only on open links, within their room, and
/// never after HangUp.
class Network {
  public:
    using Sink = std::function<void(HostId, const CarrierInput&)>;

    Network(Scheduler& scheduler, Line line, Rng rng, Sink sink)
        : scheduler_{scheduler}, line_{line}, rng_{std::move(rng)}, sink_{std::move(sink)} {}

    /// The first 200 hosts lie in a /16 each, so that limits for one neighbourhood do not bite.
    static NetAddress address_of(HostId host);

    void carry_out(HostId host, const CarrierOutput& output);
    /// The host is gone: it hears nothing more, its peers see their links close.
    void drop_host(HostId host);
    /// Hosts in different groups do not reach each other; those in no group reach all.
    void partition(std::vector<std::vector<HostId>> groups, Cut cut);
    /// Links over which something was lost break now.
    void heal();
    /// As a router that restarts.
    void reset_links();
    std::size_t open_links() const;

  private:
    struct End {
        HostId host;
        LinkId far;
        bool open{true};
        bool announced{true};  ///< false while the dialler does not know of it yet
        bool hung_up{false};
        bool reading{true};
        bool lossy{false};  ///< something that it sent was lost
        std::size_t room{0};
        Instant arrives{};  ///< its last bytes at the far end: later ones do not overtake them
        std::deque<SharedBytes> held{};  ///< arrived while it did not read
    };

    void on(HostId host, const Listen& listen);
    void on(HostId host, const Dial& dial);
    void on(HostId host, const Transmit& transmit);
    void on(HostId host, const Hold& hold);
    void on(HostId host, const HangUp& hang_up);
    void open(HostId host, HostId to, const Dial& dial, std::uint64_t run);
    void fail(HostId host, DialId dial, std::uint64_t run, const std::string& why);
    void deliver(LinkId to, SharedBytes bytes);
    void take(LinkId to, const SharedBytes& bytes);
    void close(LinkId link, const std::string& why);
    bool reach(HostId a, HostId b) const;
    Duration delay(HostId from, HostId to);
    Duration delay(const End& end) { return delay(end.host, ends_.at(end.far).host); }

    Scheduler& scheduler_;
    Line line_;
    Rng rng_;
    Sink sink_;
    std::map<LinkId, End> ends_;
    std::map<NetAddress, HostId> listening_;
    std::map<HostId, std::size_t> group_;
    Cut cut_{Cut::reset};
    std::map<HostId, std::uint64_t> runs_;  ///< what an earlier run of a host dialled is void
    std::uint64_t next_link_{1};
};

}  // namespace sennit::sim
