// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include "protocol/conformance/test_node.hpp"

namespace sennit::protocol::conformance {

/// What the carriers do to bytes. All of it is drawn from the world's seed.
struct Faults {
    std::size_t cut_max{64 * 1024};  ///< streams arrive in pieces of 1 to this many bytes
    bool cut_fixed{false};           ///< always exactly `cut_max`
    std::size_t window{256 * 1024};  ///< room of a link
    Duration latency{std::chrono::milliseconds{5}};
    Duration jitter{0};                ///< messages only: reorders
    std::uint32_t doubled_percent{0};  ///< messages only
    std::uint32_t lost_percent{0};     ///< datagrams only: a broker does not lose
    bool broker_echo{true};
    Duration disk{std::chrono::milliseconds{1}};  ///< until a saved value is durable
};

/// Carriers in memory, in virtual time: streams (any cut, window, reset), a broker of topics (echo,
/// redelivery), exchanges (one request, one status). Checks on the way that no protocol sends
/// beyond its room, on a link that is not open, or after HangUp, and that each exchange is answered
/// once.
class TestWorld {
  public:
    using Wire = std::function<void(const TestNode& from, BytesView bytes, std::string_view label)>;

    explicit TestWorld(Faults faults = {}, std::uint64_t seed = 1);

    /// The node's host is "10.0.0.<index + 1>"; it is started and given its view.
    TestNode& add(std::unique_ptr<TestNode> node);
    std::string host_of(std::size_t index) const { return "10.0.0." + std::to_string(index + 1); }
    std::optional<NetAddress> listening(const TestNode& node) const;

    void run_for(Duration time);
    /// True as soon as `done`; false if that did not come within `limit`.
    bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::minutes{2});
    Now now() const { return now_; }
    void input(TestNode& node, const Input& input);

    /// A stranger's end of a link to `node`: bytes in and out, and no protocol.
    struct Stranger {
        LinkId near;  ///< the node's name for the link
        Bytes received;
        std::vector<int> codes;  ///< statuses of an exchange
        bool closed{false};
        std::string why;
    };
    Stranger& stranger(TestNode& node, Carrier carrier, const std::string& host = "10.9.9.9");
    void stranger_sends(Stranger& stranger, BytesView bytes, std::string_view label = {});

    /// A foreign message on the broker.
    void publish(std::string_view topic, BytesView bytes);
    /// From now on nothing passes on any link, which nobody is told.
    void silence(bool silent) { silent_ = silent; }
    /// Closes every link, as a restart of router or broker does.
    void reset_links(std::string_view why);
    std::size_t open_links() const;
    std::size_t exchanges_unanswered() const;
    /// Called with every message that a node transmits.
    Wire tap;

  private:
    struct End {
        TestNode* node{nullptr};  // null: a stranger's
        Stranger* stranger{nullptr};
        Carrier carrier{Carrier::stream};
        bool open{true};
        bool hung_up{false};
        bool reading{true};
        bool inbound{false};
        std::size_t peer_end{0};  // itself on a broker
        std::size_t room{0};
        std::size_t transmits{0};
        std::size_t requests{0};
        std::vector<std::string> topics;
        std::deque<std::function<void()>> held;
        Instant busy_until{};  // bytes do not overtake each other on a stream
    };

    void schedule(Duration after, std::function<void()> action);
    void drain(TestNode& node);
    bool drain_all();
    void carry_out(TestNode& node, CarrierOutput output);
    void on(TestNode& node, const Listen& listen);
    void on(TestNode& node, const Dial& dial);
    void on(TestNode& node, const Transmit& transmit);
    void on(TestNode& node, const Hold& hold);
    void on(TestNode& node, const HangUp& hang_up);
    void stream_out(End& end, const Transmit& transmit);
    void exchange_out(End& end, const Transmit& transmit);
    void broadcast(const End* from, const std::string& topic, const SharedBytes& bytes);
    void deliver(std::size_t end, SharedBytes bytes, std::string label, int code);
    void close_end(std::size_t end, std::string why);
    std::size_t add_end(End end);
    End& end_of(LinkId id) { return *ends_.at(id.value - 1); }
    void open_pair(TestNode& node, const Dial& dial, TestNode& target);
    TestNode* listener_at(const NetAddress& address);

    Faults faults_;
    Rng rng_;
    Now now_;
    std::uint64_t sequence_{0};
    std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
    std::vector<std::unique_ptr<TestNode>> nodes_;
    std::vector<std::unique_ptr<End>> ends_;
    std::vector<std::unique_ptr<Stranger>> strangers_;
    std::vector<std::pair<NetAddress, TestNode*>> listeners_;
    bool silent_{false};
};

/// What a scheme's carrier is: tcp, serial | udp | mqtt | http.
Carrier carrier_of(std::string_view scheme);

}  // namespace sennit::protocol::conformance
