// SPDX-License-Identifier: MIT
#include "protocol/conformance/test_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/ed25519.hpp"

namespace sennit::protocol::conformance {

Carrier carrier_of(std::string_view scheme) {
    if (scheme == "mqtt") return Carrier::topics;
    if (scheme == "udp") return Carrier::datagram;
    if (scheme == "http") return Carrier::exchange;
    return Carrier::stream;
}

TestWorld::TestWorld(Faults faults, std::uint64_t seed)
    : faults_{faults},
      rng_{seed},
      now_{Instant{std::chrono::hours{1}}, from_unix_seconds(kTestGenesisTime + 100'000)} {}

TestNode& TestWorld::add(std::unique_ptr<TestNode> node) {
    nodes_.push_back(std::move(node));
    auto& added = *nodes_.back();
    input(added, Start{});
    input(added, added.view());
    return added;
}

std::optional<NetAddress> TestWorld::listening(const TestNode& node) const {
    for (const auto& [address, owner] : listeners_) {
        if (owner == &node) return address;
    }
    return std::nullopt;
}

// Time.

void TestWorld::schedule(Duration after, std::function<void()> action) {
    events_.emplace(std::pair{now_.at + after, ++sequence_}, std::move(action));
}

void TestWorld::input(TestNode& node, const Input& input) {
    node.handle(input, now_);
    drain(node);
}

bool TestWorld::run_until(const std::function<bool()>& done, Duration limit) {
    const auto end = now_.at + limit;
    for (;;) {
        for (const auto& node : nodes_) drain(*node);
        if (done()) return true;
        auto next = end;
        if (!events_.empty()) next = std::min(next, events_.begin()->first.first);
        for (const auto& node : nodes_) {
            if (const auto at = node->protocol().deadline()) next = std::min(next, *at);
        }
        if (next > now_.at) {
            now_.wall += std::chrono::duration_cast<UnixTime::duration>(next - now_.at);
            now_.at = next;
        }
        while (!events_.empty() && events_.begin()->first.first <= now_.at) {
            const auto action = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            action();
        }
        for (const auto& node : nodes_) {
            const auto at = node->protocol().deadline();
            if (!at || *at > now_.at) continue;
            input(*node, Deadline{});
            const auto later = node->protocol().deadline();
            EXPECT_TRUE(!later || *later > now_.at || *later != *at)
                << node->name() << ": a deadline that does not move";
            if (later && *later == *at) return false;
        }
        if (now_.at >= end) return done();
    }
}

void TestWorld::run_for(Duration time) {
    run_until([] { return false; }, time);
}

// Outputs.

void TestWorld::drain(TestNode& node) {
    while (auto output = node.poll(now_)) {
        if (auto* carrier = std::get_if<CarrierOutput>(&*output)) {
            carry_out(node, std::move(*carrier));
        } else if (auto* check = std::get_if<Check>(&*output)) {
            Checked checked{check->job, {}};
            for (const auto& item : check->signatures) {
                checked.verdicts.push_back(
                    crypto::ed25519_verify(item.key.view(), item.message, item.signature.view()));
            }
            schedule(std::chrono::milliseconds{1},
                     [this, &node, checked] { input(node, checked); });
        } else if (auto* save = std::get_if<Save>(&*output)) {
            schedule(faults_.disk, [this, &node, save = *save] {
                node.saved[save.key] = save.value;
                input(node, Saved{save.id});
            });
        }
    }
}

void TestWorld::carry_out(TestNode& node, CarrierOutput output) {
    std::visit([&](const auto& item) { on(node, item); }, output);
}

void TestWorld::on(TestNode& node, const Listen& listen) {
    auto address = listen.address;
    if (address.port == 0) address.port = static_cast<std::uint16_t>(20'000 + listeners_.size());
    listeners_.emplace_back(address, &node);
    schedule(Duration{0}, [this, &node, address] { input(node, Listening{address}); });
}

TestNode* TestWorld::listener_at(const NetAddress& address) {
    for (const auto& [listening, node] : listeners_) {
        if (listening == address) return node;
    }
    return nullptr;
}

std::size_t TestWorld::add_end(End end) {
    end.room = faults_.window;
    ends_.push_back(std::make_unique<End>(std::move(end)));
    return ends_.size() - 1;
}

void TestWorld::on(TestNode& node, const Dial& dial) {
    const auto carrier = carrier_of(dial.to.scheme);
    if (carrier == Carrier::topics) {
        End end;
        end.node = &node;
        end.carrier = carrier;
        end.topics = dial.topics;
        const auto index = add_end(std::move(end));
        ends_[index]->peer_end = index;
        const LinkOpen open{LinkId{index + 1}, carrier,        false,         dial.id, {},
                            dial.to,           faults_.window, faults_.window};
        schedule(faults_.latency, [this, &node, open] { input(node, open); });
        return;
    }
    auto* target = listener_at(dial.to);
    if (target == nullptr) {
        schedule(faults_.latency, [this, &node, id = dial.id] {
            input(node, DialFailed{id, "connection refused"});
        });
        return;
    }
    open_pair(node, dial, *target);
}

void TestWorld::open_pair(TestNode& node, const Dial& dial, TestNode& target) {
    const auto carrier = carrier_of(dial.to.scheme);
    End near;
    near.node = &node;
    near.carrier = carrier;
    End far;
    far.node = &target;
    far.carrier = carrier;
    far.inbound = true;
    const auto near_index = add_end(std::move(near));
    const auto far_index = add_end(std::move(far));
    ends_[near_index]->peer_end = far_index;
    ends_[far_index]->peer_end = near_index;
    std::size_t index = 0;
    while (nodes_[index].get() != &node) ++index;
    const NetAddress local{dial.to.scheme, host_of(index),
                           static_cast<std::uint16_t>(40'000 + near_index)};
    const LinkOpen out{LinkId{near_index + 1}, carrier, false, dial.id, local, dial.to,
                       faults_.window,         0};
    const LinkOpen in{LinkId{far_index + 1}, carrier, true, {}, dial.to, local, faults_.window, 0};
    schedule(faults_.latency, [this, &target, in] { input(target, in); });
    schedule(faults_.latency, [this, &node, out] { input(node, out); });
}

void TestWorld::on(TestNode& node, const Transmit& transmit) {
    auto& end = end_of(transmit.link);
    ASSERT_TRUE(end.node == &node && end.open) << node.name() << ": sends on a link that is closed";
    ASSERT_FALSE(end.hung_up) << node.name() << ": sends after HangUp";
    ASSERT_LE(transmit.bytes->size(), end.room) << node.name() << ": sends beyond its room";
    end.room -= transmit.bytes->size();
    ++end.transmits;
    if (tap) tap(node, *transmit.bytes, transmit.label);
    if (silent_) return;
    switch (end.carrier) {
        case Carrier::stream: return stream_out(end, transmit);
        case Carrier::exchange: return exchange_out(end, transmit);
        case Carrier::topics:
        case Carrier::datagram:
            schedule(faults_.latency, [this, link = transmit.link, size = transmit.bytes->size()] {
                auto& sender = end_of(link);
                sender.room += size;
                if (sender.open) input(*sender.node, Room{link, size});
            });
            return broadcast(&end, transmit.label, transmit.bytes);
    }
}

void TestWorld::stream_out(End& end, const Transmit& transmit) {
    BytesView left = *transmit.bytes;
    while (!left.empty()) {
        const auto most = std::min(left.size(), faults_.cut_max);
        const auto size = faults_.cut_fixed ? most : 1 + rng_.below(most);
        auto piece = std::make_shared<const Bytes>(to_bytes(left.first(size)));
        left = left.subspan(size);
        schedule(faults_.latency, [this, to = end.peer_end, piece, link = transmit.link] {
            const auto arrive = [this, to, piece, link] {
                deliver(to, piece, {}, 0);
                auto& sender = end_of(link);
                sender.room += piece->size();
                if (sender.open && sender.node != nullptr) {
                    input(*sender.node, Room{link, piece->size()});
                }
            };
            if (ends_[to]->reading && ends_[to]->held.empty()) {
                arrive();
            } else {
                ends_[to]->held.push_back(arrive);
            }
        });
    }
}

void TestWorld::exchange_out(End& end, const Transmit& transmit) {
    EXPECT_EQ(end.transmits, 1u) << "an exchange has one request and one answer";
    EXPECT_EQ(end.inbound, transmit.code != 0) << "answers have a status, requests have none";
    schedule(faults_.latency,
             [this, to = end.peer_end, link = transmit.link, bytes = transmit.bytes,
              label = transmit.label, code = transmit.code] {
                 deliver(to, bytes, label, code);
                 if (code == 0) return;
                 close_end(to, "done");
                 close_end(link.value - 1, "done");
             });
}

void TestWorld::broadcast(const End* from, const std::string& topic, const SharedBytes& bytes) {
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        auto& end = *ends_[i];
        if (!end.open || end.carrier != Carrier::topics) continue;
        if (&end == from && !faults_.broker_echo) continue;
        if (std::ranges::find(end.topics, topic) == end.topics.end()) continue;
        const int copies = rng_.chance(faults_.doubled_percent, 100) ? 2 : 1;
        for (int copy = 0; copy < copies; ++copy) {
            auto after = faults_.latency;
            if (faults_.jitter > Duration{0}) {
                after += Duration{static_cast<Duration::rep>(
                    rng_.below(static_cast<std::uint64_t>(faults_.jitter.count())))};
            }
            schedule(after, [this, i, bytes, topic] { deliver(i, bytes, topic, 0); });
        }
    }
}

void TestWorld::publish(std::string_view topic, BytesView bytes) {
    broadcast(nullptr, std::string{topic}, std::make_shared<const Bytes>(to_bytes(bytes)));
}

void TestWorld::deliver(std::size_t index, SharedBytes bytes, std::string label, int code) {
    auto& end = *ends_[index];
    if (!end.open || silent_) return;
    if (end.stranger != nullptr) {
        auto& received = end.stranger->received;
        received.insert(received.end(), bytes->begin(), bytes->end());
        if (code != 0) end.stranger->codes.push_back(code);
        return;
    }
    if (end.hung_up) return;
    if (end.inbound && code == 0) ++end.requests;
    input(*end.node, LinkBytes{LinkId{index + 1}, *bytes, label, code});
}

void TestWorld::on(TestNode& node, const Hold& hold) {
    auto& end = end_of(hold.link);
    ASSERT_TRUE(end.node == &node);
    EXPECT_NE(end.reading, hold.reading) << "Hold that changes nothing";
    end.reading = hold.reading;
    if (!hold.reading) return;
    schedule(Duration{0}, [this, link = hold.link] {
        auto& held_end = end_of(link);
        while (held_end.reading && !held_end.held.empty()) {
            const auto arrive = std::move(held_end.held.front());
            held_end.held.pop_front();
            arrive();
        }
    });
}

void TestWorld::on(TestNode& node, const HangUp& hang_up) {
    auto& end = end_of(hang_up.link);
    ASSERT_TRUE(end.node == &node);
    ASSERT_FALSE(end.hung_up) << node.name() << ": HangUp twice";
    end.hung_up = true;
    const auto index = hang_up.link.value - 1;
    const auto far = end.peer_end;
    schedule(faults_.latency, [this, index, far, why = hang_up.why] {
        close_end(index, "we hung up: " + why);
        if (far != index) close_end(far, "closed by the other side");
    });
}

void TestWorld::close_end(std::size_t index, std::string why) {
    auto& end = *ends_[index];
    if (!end.open) return;
    end.open = false;
    end.held.clear();
    if (end.stranger != nullptr) {
        end.stranger->closed = true;
        end.stranger->why = std::move(why);
        return;
    }
    if (end.carrier == Carrier::exchange && end.inbound && end.requests > 0 && !silent_) {
        EXPECT_EQ(end.transmits, 1u) << end.node->name() << ": an exchange without its one status";
    }
    input(*end.node, LinkClosed{LinkId{index + 1}, std::move(why)});
}

void TestWorld::reset_links(std::string_view why) {
    for (std::size_t i = 0; i < ends_.size(); ++i) close_end(i, std::string{why});
}

std::size_t TestWorld::open_links() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(ends_, [](const auto& end) { return end->open; }));
}

std::size_t TestWorld::exchanges_unanswered() const {
    return static_cast<std::size_t>(std::ranges::count_if(ends_, [](const auto& end) {
        return end->carrier == Carrier::exchange && end->inbound && end->open && end->requests > 0;
    }));
}

// Strangers.

TestWorld::Stranger& TestWorld::stranger(TestNode& node, Carrier carrier, const std::string& host) {
    strangers_.push_back(std::make_unique<Stranger>());
    auto& made = *strangers_.back();
    End far;
    far.stranger = &made;
    far.carrier = carrier;
    End near;
    near.node = &node;
    near.carrier = carrier;
    near.inbound = true;
    const auto far_index = add_end(std::move(far));
    const auto near_index = add_end(std::move(near));
    ends_[far_index]->peer_end = near_index;
    ends_[near_index]->peer_end = far_index;
    made.near = LinkId{near_index + 1};
    const auto scheme = carrier == Carrier::exchange ? "http" : "tcp";
    const NetAddress remote{scheme, host, static_cast<std::uint16_t>(40'000 + far_index)};
    const auto local = listening(node).value_or(NetAddress{scheme, host_of(0), 1});
    input(node, LinkOpen{made.near, carrier, true, {}, local, remote, faults_.window, 0});
    return made;
}

void TestWorld::stranger_sends(Stranger& stranger, BytesView bytes, std::string_view label) {
    const auto near = stranger.near.value - 1;
    auto shared = std::make_shared<const Bytes>(to_bytes(bytes));
    if (ends_[near]->carrier == Carrier::stream) {
        for (BytesView left = *shared; !left.empty();) {
            const auto size = std::min<std::size_t>(left.size(), 64 * 1024);
            deliver(near, std::make_shared<const Bytes>(to_bytes(left.first(size))), {}, 0);
            left = left.subspan(size);
        }
        return;
    }
    deliver(near, shared, std::string{label}, 0);
}

}  // namespace sennit::protocol::conformance
