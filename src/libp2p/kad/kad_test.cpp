// SPDX-License-Identifier: MIT
#include "libp2p/kad/kad.hpp"

#include <gmock/gmock.h>

#include "libp2p/kad/testing.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p::kad {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::address;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::peer;
using testing::reachable;

Message parsed(const Bytes& frame) {
    Reader in{frame};
    const auto body = read_prefixed(in);
    SENNIT_ASSERT(body && in.empty());
    return *decode(*body);
}

class KadTest : public ::testing::Test {
  protected:
    static Kad::Config config() {
        Kad::Config out;
        out.self = peer(0);
        out.protocol = "/test/kad/1.0.0";
        return out;
    }
    void take() {
        kad.check_invariants();
        while (auto event = kad.poll_event()) {
            if (auto* const e = std::get_if<Kad::SendRequest>(&*event)) {
                sent.push_back(std::move(*e));
            } else if (const auto* const c = std::get_if<Kad::CancelRequest>(&*event)) {
                cancelled.push_back(c->id);
            } else if (auto* const d = std::get_if<Kad::QueryDone>(&*event)) {
                done.push_back(std::move(*d));
            } else {
                updates.push_back(std::get<Kad::RoutingUpdated>(*event));
            }
        }
    }
    void wait(Duration time) {
        now.at += time;
        kad.on_time(now);
        take();
    }
    void connect(std::uint64_t n) {
        kad.on_connected(peer(n), address(n), now);
        take();
    }
    void identify(std::uint64_t n, bool serves = true) {
        std::vector<std::string> protocols{"/ipfs/id/1.0.0"};
        if (serves) protocols.push_back("/test/kad/1.0.0");
        kad.on_identified(peer(n), {address(n)}, protocols, now);
        take();
    }
    /// Answers the oldest request that was sent, naming `named`.
    Kad::SendRequest answer(const std::vector<std::uint64_t>& named = {}) {
        SENNIT_ASSERT(!sent.empty());
        auto request = std::move(sent.front());
        sent.erase(sent.begin());
        Message message{MessageType::find_node, {}, {}};
        for (const auto n : named)
            message.closer.push_back({peer(n), {address(n)}, ConnectionType::connected});
        kad.on_response(request.id, encode(message), now);
        take();
        return request;
    }
    void answer_all() {
        while (!sent.empty()) answer();
    }
    /// Connected, identified, probed, in the table.
    void join(std::uint64_t n) {
        connect(n);
        identify(n);
        answer_all();
    }
    Result<Bytes> ask(std::uint64_t n, const Message& message) {
        return kad.on_request(peer(n), encode(message), now);
    }

    Kad kad{config(), Rng{1}};
    Now now{Instant{seconds{1}}, UnixTime{}};
    std::vector<Kad::SendRequest> sent;
    std::vector<RequestId> cancelled;
    std::vector<Kad::QueryDone> done;
    std::vector<Kad::RoutingUpdated> updates;
};

TEST_F(KadTest, puts_a_peer_into_the_table_when_it_has_answered_and_not_before) {
    connect(1);
    EXPECT_THAT(sent, IsEmpty());
    identify(1);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].peer, peer(1));
    EXPECT_EQ(sent[0].addresses, std::vector{address(1)});
    const auto question = parsed(sent[0].frame);
    EXPECT_EQ(question.type, MessageType::find_node);
    EXPECT_EQ(question.key, to_bytes(peer(0).view()));
    EXPECT_TRUE(kad.table().empty());
    answer();
    EXPECT_TRUE(kad.table().contains(peer(1)));
    ASSERT_EQ(updates.size(), 1u);
    EXPECT_EQ(updates[0].peer, peer(1));
    EXPECT_TRUE(updates[0].present);
}

TEST_F(KadTest, has_no_clients_in_its_table) {
    connect(1);
    identify(1, false);
    EXPECT_THAT(sent, IsEmpty());
    join(2);
    ASSERT_TRUE(kad.table().contains(peer(2)));
    identify(2, false);  // it changed its mind
    EXPECT_FALSE(kad.table().contains(peer(2)));
    ASSERT_EQ(updates.size(), 2u);
    EXPECT_FALSE(updates[1].present);
}

TEST_F(KadTest, has_nobody_in_its_table_who_answers_junk_or_whom_nobody_can_dial) {
    connect(1);
    identify(1);
    kad.on_response(sent[0].id, Bytes{0xff}, now);
    take();
    EXPECT_TRUE(kad.table().empty());
    connect(2);
    kad.on_identified(peer(2), {address("/ip4/192.168.0.7/tcp/4001")}, {"/test/kad/1.0.0"}, now);
    take();
    EXPECT_EQ(sent.size(), 1u);  // only the first one's
}

TEST_F(KadTest, looks_up_its_own_id_when_the_first_peer_is_there) {
    connect(1);
    identify(1);
    answer();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(parsed(sent[0].frame).key, to_bytes(peer(0).view()));
    answer({2, 3});
    EXPECT_EQ(sent.size(), 2u);
    answer_all();
    ASSERT_FALSE(done.empty());
    EXPECT_EQ(done[0].purpose, Kad::Purpose::self);
    EXPECT_EQ(done[0].closest.size(), 3u);
}

TEST_F(KadTest, finds_whom_it_looks_for_and_tells_its_addresses) {
    join(1);
    done.clear();
    const auto id = kad.find(peer(9), now);
    ASSERT_TRUE(id);
    take();
    EXPECT_EQ(parsed(sent[0].frame).key, to_bytes(peer(9).view()));
    answer({9, 5});
    answer_all();
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].id, *id);
    EXPECT_EQ(done[0].purpose, Kad::Purpose::find);
    EXPECT_EQ(done[0].target, reachable(9));
    EXPECT_EQ(done[0].closest.front(), reachable(9));
    EXPECT_EQ(done[0].requests, 3u);
    EXPECT_FALSE(done[0].timed_out);
}

TEST_F(KadTest, starts_from_the_bootstrap_peers_again_while_its_table_is_empty) {
    kad.bootstrap({reachable(1)}, now);
    take();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].addresses, std::vector{address(1)});
    kad.on_failure(sent[0].id, now);
    take();
    sent.clear();
    wait(minutes{7});
    ASSERT_EQ(sent.size(), 1u);
    kad.on_failure(sent[0].id, now);
    take();
    sent.clear();
    wait(seconds{40});
    ASSERT_EQ(sent.size(), 1u);
    connect(1);
    answer_all();
    EXPECT_TRUE(kad.table().contains(peer(1)));
}

TEST_F(KadTest, gives_up_a_request_in_time_and_ignores_a_late_answer) {
    kad.bootstrap({reachable(1)}, now);
    take();
    EXPECT_LE(kad.next_wake(), now.at + seconds{10});
    wait(seconds{9});
    EXPECT_THAT(cancelled, IsEmpty());
    wait(seconds{1});
    EXPECT_THAT(cancelled, ElementsAre(sent[0].id));
    connect(1);
    answer({5});
    EXPECT_THAT(sent, IsEmpty());
    EXPECT_TRUE(kad.table().empty());
}

TEST_F(KadTest, answers_with_the_closest_it_knows_but_the_asker) {
    for (std::uint64_t n = 1; n <= 40; ++n) join(n);
    for (std::uint64_t asker = 1; asker <= 40; ++asker) {
        const auto raw = ask(asker, {MessageType::find_node, to_bytes(peer(99).view()), {}});
        ASSERT_TRUE(raw) << raw.error().text();
        const auto answer = parsed(*raw);
        EXPECT_EQ(answer.type, MessageType::find_node);
        std::vector<PeerId> all;
        for (std::uint64_t n = 1; n <= 40; ++n) {
            if (n != asker && kad.table().contains(peer(n))) all.push_back(peer(n));
        }
        std::vector<PeerId> named;
        for (const auto& one : answer.closer) {
            named.push_back(one.id);
            EXPECT_EQ(one.connection, ConnectionType::connected);
            EXPECT_EQ(one.addresses.size(), 1u);
        }
        EXPECT_EQ(named, testing::closest_of(all, key_of(peer(99)), 20));
    }
}

TEST_F(KadTest, points_those_who_look_for_records_to_closer_peers_and_stores_nothing) {
    join(1);
    connect(2);
    const Bytes key{1, 2, 3};
    for (const auto type : {MessageType::get_value, MessageType::get_providers}) {
        const auto raw = ask(2, {type, key, {}});
        ASSERT_TRUE(raw);
        EXPECT_EQ(parsed(*raw).type, type);
        EXPECT_EQ(parsed(*raw).closer.size(), 1u);
    }
    EXPECT_EQ(parsed(*ask(2, {MessageType::ping, {}, {}})).type, MessageType::ping);
    for (const auto type : {MessageType::put_value, MessageType::add_provider}) {
        const auto raw = ask(2, {type, key, {}});
        ASSERT_FALSE(raw);
        EXPECT_EQ(raw.error().code, Errc::unsupported);
    }
    EXPECT_EQ(ask(2, {MessageType::find_node, {}, {}}).error().code, Errc::malformed);
}

TEST_F(KadTest, refuses_who_asks_too_often_and_serves_the_others) {
    connect(1);
    connect(2);
    const Message question{MessageType::find_node, to_bytes(peer(9).view()), {}};
    for (int i = 0; i < 32; ++i) EXPECT_TRUE(ask(1, question)) << i;
    EXPECT_EQ(ask(1, question).error().code, Errc::busy);
    EXPECT_TRUE(ask(2, question));
    now.at += seconds{1};
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(ask(1, question)) << i;
    EXPECT_EQ(ask(1, question).error().code, Errc::busy);
    EXPECT_EQ(ask(3, question).error().code, Errc::not_found);
}

TEST_F(KadTest, refuses_everybody_when_all_together_ask_too_often) {
    const Message question{MessageType::find_node, to_bytes(peer(9).view()), {}};
    std::size_t served = 0;
    for (std::uint64_t n = 1; n <= 100; ++n) {
        connect(n);
        for (int i = 0; i < 10; ++i) served += ask(n, question).has_value();
    }
    EXPECT_EQ(served, 512u);
}

TEST_F(KadTest, as_a_client_answers_nobody_and_finds_all_the_same) {
    kad.set_mode(Mode::client);
    join(1);
    EXPECT_TRUE(kad.table().contains(peer(1)));
    const auto raw = ask(1, {MessageType::find_node, to_bytes(peer(9).view()), {}});
    ASSERT_FALSE(raw);
    EXPECT_EQ(raw.error().code, Errc::unsupported);
}

TEST_F(KadTest, takes_what_strangers_say_of_addresses_for_hearsay) {
    join(1);
    ASSERT_TRUE(kad.find(peer(9), now));
    take();
    Message message{MessageType::find_node, {}, {}};
    message.closer.push_back({peer(2), {address("/ip4/10.0.0.1/tcp/22")}, {}});
    message.closer.push_back({peer(3), {address("/ip4/10.0.0.1/tcp/22"), address(3)}, {}});
    message.closer.push_back({peer(1), {address(66)}, {}});
    kad.on_response(sent[0].id, encode(message), now);
    sent.clear();
    take();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].peer, peer(3));
    EXPECT_THAT(sent[0].addresses, ElementsAre(address(3)));
    EXPECT_EQ(kad.table().addresses(peer(1)), std::vector{address(1)});
}

TEST_F(KadTest, limits_how_many_lookups_run_at_once) {
    join(1);
    std::size_t begun = 0;
    while (kad.find(peer(100 + begun), now)) ++begun;
    EXPECT_GE(begun, 14u);
    EXPECT_LE(kad.queries(), 18u);
    EXPECT_EQ(kad.find(peer(9), now).error().code, Errc::busy);
    take();
    answer_all();
    EXPECT_EQ(kad.queries(), 0u);
}

TEST_F(KadTest, refreshes_buckets_that_no_lookup_went_through) {
    for (std::uint64_t n = 1; n <= 30; ++n) join(n);
    done.clear();
    std::size_t self = 0;
    std::size_t refreshed = 0;
    for (int i = 0; i < 80; ++i) {
        wait(seconds{15});
        answer_all();
    }
    for (const auto& one : done) {
        self += one.purpose == Kad::Purpose::self;
        refreshed += one.purpose == Kad::Purpose::refresh;
    }
    EXPECT_GE(self, 3u);  // 20 minutes, every 5 or so
    EXPECT_LE(self, 6u);
    EXPECT_GE(refreshed, 4u);
    EXPECT_LE(refreshed, 20u);
}

TEST_F(KadTest, asks_the_silent_whether_it_lives_when_another_waits_and_lets_that_one_in) {
    const auto all = testing::in_bucket(key_of(peer(0)), 0, 21);
    for (const auto n : all) join(n);
    EXPECT_FALSE(kad.table().contains(peer(all[20])));
    for (int i = 0; i < 60 && !kad.table().contains(peer(all[20])); ++i) {
        wait(seconds{30});
        while (!sent.empty()) {
            if (sent.front().peer == peer(all[4])) {
                kad.on_failure(sent.front().id, now);
                sent.erase(sent.begin());
                take();
            } else {
                answer();
            }
        }
    }
    EXPECT_TRUE(kad.table().contains(peer(all[20])));
    EXPECT_FALSE(kad.table().contains(peer(all[4])));
    EXPECT_EQ(kad.table().size(), 20u);
}

TEST_F(KadTest, asks_a_crowd_of_servers_a_few_at_a_time) {
    for (std::uint64_t n = 1; n <= 100; ++n) {
        connect(n);
        identify(n);
    }
    EXPECT_EQ(sent.size(), 3u);
    answer_all();
    EXPECT_GE(kad.table().size(), 40u);
    EXPECT_LE(kad.table().size(), 67u);
}

}  // namespace
}  // namespace sennit::libp2p::kad
