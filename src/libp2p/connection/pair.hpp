// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/connection/connection.hpp"

/// Two connections and the link between them, for tests and fuzzers. Both ends echo what comes on
/// `/echo`.
namespace sennit::libp2p::testing {

inline PrivateKey identity(std::uint8_t number) {
    crypto::Ed25519Key::Seed seed{};
    seed[31] = number;
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
}

inline crypto::X25519Key x25519(std::uint8_t number) {
    std::array<std::uint8_t, 32> secret{};
    secret.fill(number);
    return crypto::X25519Key{crypto::Secret{secret}};
}

inline std::shared_ptr<const ConnectionConfig> config(std::uint8_t number) {
    return std::make_shared<const ConnectionConfig>(
        ConnectionConfig{.identity = identity(number),
                         .noise_static = x25519(number),
                         .speaks = [](std::string_view protocol) { return protocol == "/echo"; }});
}

/// One side: its connection, and what it told.
struct End {
    End(Connection::Role role, std::uint8_t number, std::optional<PeerId> expected, Now now)
        : config{testing::config(number)},
          connection{std::make_unique<Connection>(role, config, x25519(role_number(role)), expected,
                                                  now)} {}

    static std::uint8_t role_number(Connection::Role role) {
        return role == Connection::Role::dialler ? 101 : 102;
    }
    const PrivateKey& identity() const { return config->identity; }

    void take_events(Now now) {
        while (auto event = connection->poll_event(now)) {
            std::visit([&](const auto& one) { take(one, now); }, *event);
            connection->check_invariants();
        }
    }

    std::shared_ptr<const ConnectionConfig> config;
    std::unique_ptr<Connection> connection;
    std::optional<PeerId> secured;
    bool refuses{false};  ///< whoever it is
    std::optional<Connection::Ready> ready;
    std::map<StreamId, std::string> protocols;  ///< that the other side asked for
    std::map<StreamId, std::string> agreed;     ///< that we asked for
    std::map<StreamId, std::string> received;   ///< on streams that we opened
    std::set<StreamId> remote_closed;
    std::map<StreamId, Error> failed;
    std::optional<Error> closed;

  private:
    void take(const Connection::Secured& event, Now) {
        secured = event.peer;
        if (refuses) connection->refuse();
    }
    void take(const Connection::Ready& event, Now) { ready = event; }
    void take(const Connection::StreamOpened& event, Now) { protocols[event.id] = event.protocol; }
    void take(const Connection::StreamAgreed& event, Now) { agreed[event.id] = event.protocol; }
    void take(const Connection::StreamReadable& event, Now now) { read(event.id, now); }
    void take(const Connection::StreamWritable& event, Now now) { read(event.id, now); }
    void take(const Connection::StreamRemoteClosed& event, Now) {
        remote_closed.insert(event.id);
        if (protocols.contains(event.id) && connection->readable(event.id).empty())
            connection->close_write(event.id);
    }
    void take(const Connection::StreamFailed& event, Now) { failed.emplace(event.id, event.why); }
    void take(const Connection::Closed& event, Now) { closed = event.why; }

    void read(StreamId id, Now now) {
        for (;;) {
            const auto piece = connection->readable(id);
            if (piece.empty()) break;
            auto taken = piece.size();
            if (protocols.contains(id)) {
                const Bytes echo = to_bytes(piece);
                taken = connection->write(id, echo);
            } else {
                received[id] += as_text(piece);
            }
            connection->consume(id, taken, now);
            if (taken == 0) return;
        }
        if (remote_closed.contains(id) && protocols.contains(id)) connection->close_write(id);
    }
};

class Pair {
  public:
    explicit Pair(std::size_t step, std::optional<PeerId> expected = {}, bool same_identity = false)
        : dialler{Connection::Role::dialler, 1, expected, now},
          listener{Connection::Role::listener,
                   same_identity ? std::uint8_t{1} : std::uint8_t{2},
                   {},
                   now},
          step_{step} {}

    /// What one side has to send now, in pieces. How many bytes that was.
    std::size_t carry(End& from, End& to) {
        from.take_events(now);
        Bytes out;
        from.connection->transmit(1 << 20, now, out);
        for (std::size_t i = 0; i < out.size(); i += step_) {
            const auto size = std::min(step_, out.size() - i);
            to.connection->on_bytes(BytesView{out}.subspan(i, size), now);
            to.take_events(now);
        }
        return out.size();
    }
    /// Until neither has anything to say.
    void run() {
        while (carry(dialler, listener) + carry(listener, dialler) > 0) {
        }
    }

    Now now{Instant{std::chrono::hours{1}}, {}};
    End dialler;
    End listener;

  private:
    std::size_t step_;
};

}  // namespace sennit::libp2p::testing
