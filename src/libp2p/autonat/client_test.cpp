// SPDX-License-Identifier: MIT
#include "libp2p/autonat/client.hpp"

#include <gmock/gmock.h>

#include "libp2p/autonat/testing.hpp"

namespace sennit::libp2p::autonat {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::peer;

/// A client, and servers that are the test's hands.
class AutonatClientTest : public ::testing::Test {
  protected:
    static constexpr std::string_view kOurs = "/ip4/198.51.100.1/tcp/4001";

    void start(Client::Config config = {}) {
        client.emplace(config, Rng{1});
        client->set_candidates({testing::address(kOurs)}, now);
        run();
    }
    void SetUp() override { start(); }
    void TearDown() override { client->check_invariants(); }

    /// Each in a network of its own.
    void add_servers(std::uint64_t from, std::uint64_t to) {
        for (auto i = from; i < to; ++i)
            client->on_server(peer(i), std::to_string(20 + i) + ".1.2.3", now);
        run();
    }
    void run() {
        while (const auto event = client->poll_event()) {
            if (const auto* ask = std::get_if<Client::Ask>(&*event)) {
                const auto request =
                    std::get<DialRequest>(testing::message_of(*client->next_frame(ask->id)));
                ASSERT_EQ(request.addresses.size(), 1u);
                asked.push_back({ask->id, ask->server, request.nonce, *request.addresses[0]});
                ++asked_ever;
            } else if (const auto* close = std::get_if<Client::Close>(&*event)) {
                std::erase_if(asked, [&](const auto& one) { return one.id == close->id; });
                (close->reset ? resets : closes) += 1;
            } else {
                const auto& changed = std::get<Client::Changed>(*event);
                changes.emplace_back(to_string(changed.to));
            }
        }
        client->check_invariants();
    }
    struct Asked {
        AskId id;
        PeerId server;
        std::uint64_t nonce;
        Multiaddr address;
    };
    Result<void> back(const Asked& one) { return back(one, {true, "20.1.2.9", now.at}); }
    Result<void> back(const Asked& one, const Client::Back& how) {
        auto out = client->on_dial_back(one.nonce, how, now);
        run();
        return out;
    }
    Result<void> say(const Asked& one, const Message& message) {
        auto out = client->on_message(one.id, encode(message), now);
        run();
        return out;
    }
    void respond(const Asked& one, DialStatus status) {
        (void)say(one, DialResponse{ResponseStatus::ok, 0, status});
    }
    /// The first request is answered, with a nonce or without one.
    void serve(bool reached) {
        const auto one = asked.at(0);
        if (reached) {
            EXPECT_TRUE(back(one));
        }
        respond(one, reached ? DialStatus::ok : DialStatus::dial_error);
    }
    void pass(Duration time) {
        const auto until = now.at + time;
        while (client->next_wake() <= until) {
            now.at = std::max(now.at, client->next_wake());
            client->on_time(now);
            run();
            ASSERT_GT(client->next_wake(), now.at);
        }
        now.at = until;
    }

    Now now{Instant{1h}, {}};
    std::optional<Client> client;
    std::vector<Asked> asked;
    std::size_t asked_ever{0};
    int resets{0};
    int closes{0};
    std::vector<std::string> changes;
};

TEST_F(AutonatClientTest, is_reachable_when_three_networks_brought_their_nonces) {
    add_servers(0, 3);
    ASSERT_EQ(asked.size(), 3u);
    serve(true);
    serve(true);
    EXPECT_THAT(changes, IsEmpty());
    serve(true);
    EXPECT_THAT(changes, ElementsAre("reachable"));
    EXPECT_EQ(closes, 3);
}

TEST_F(AutonatClientTest, is_unreachable_when_three_networks_say_so) {
    add_servers(0, 3);
    for (int i = 0; i < 3; ++i) serve(false);
    EXPECT_THAT(changes, ElementsAre("unreachable"));
}

TEST_F(AutonatClientTest, hears_one_voice_of_a_network) {
    for (std::uint64_t i = 0; i < 50; ++i)
        client->on_server(peer(i), "20.1.2." + std::to_string(i + 1), now);
    run();
    EXPECT_EQ(asked.size(), 1u);
    serve(false);
    pass(1h);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(asked_ever, 1u);
    EXPECT_THAT(changes, IsEmpty());
}

TEST_F(AutonatClientTest, needs_three_more_for_than_against) {
    add_servers(0, 8);
    serve(true);
    serve(false);
    serve(true);
    serve(true);
    EXPECT_THAT(changes, IsEmpty());
    serve(true);
    EXPECT_THAT(changes, ElementsAre("reachable"));
}

TEST_F(AutonatClientTest, does_not_believe_a_server_whose_nonce_never_came) {
    add_servers(0, 4);
    for (int i = 0; i < 4 && !asked.empty(); ++i) {
        respond(asked[0], DialStatus::ok);
        pass(6s);
    }
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_THAT(changes, IsEmpty());
    // And it asks the liars no more for an hour.
    const auto before = asked_ever;
    pass(50min);
    EXPECT_EQ(asked_ever, before);
}

TEST_F(AutonatClientTest, waits_for_a_nonce_that_its_response_has_overtaken) {
    add_servers(0, 3);
    serve(true);
    serve(true);
    const auto last = asked.at(0);
    respond(last, DialStatus::ok);
    client->on_failure(last.id, now);  // its stream is closed meanwhile
    pass(3s);
    EXPECT_TRUE(back(last));
    EXPECT_THAT(changes, ElementsAre("reachable"));
}

TEST_F(AutonatClientTest, does_not_believe_a_server_that_denies_what_its_nonce_proved) {
    add_servers(0, 3);
    serve(false);
    serve(false);
    const auto one = asked.at(0);
    ASSERT_TRUE(back(one));
    respond(one, DialStatus::dial_error);
    EXPECT_THAT(changes, IsEmpty());
}

TEST_F(AutonatClientTest, believes_a_nonce_whose_sender_missed_our_answer) {
    add_servers(0, 3);
    serve(true);
    serve(true);
    const auto one = asked.at(0);
    ASSERT_TRUE(back(one));
    respond(one, DialStatus::dial_back_error);
    EXPECT_THAT(changes, ElementsAre("reachable"));
}

TEST_F(AutonatClientTest, refuses_a_response_for_an_address_that_it_did_not_name) {
    add_servers(0, 3);
    const auto one = asked.at(0);
    ASSERT_TRUE(back(one));
    const auto said = say(one, DialResponse{ResponseStatus::ok, 1, DialStatus::ok});
    EXPECT_EQ(said.error().code, Errc::mismatch);
    EXPECT_EQ(resets, 1);
    serve(true);
    serve(true);
    EXPECT_THAT(changes, IsEmpty());
}

TEST_F(AutonatClientTest, takes_a_nonce_only_on_a_new_connection_that_others_opened) {
    add_servers(0, 1);
    const auto one = asked.at(0);
    EXPECT_EQ(back(one, {false, "20.1.2.3", now.at}).error().code, Errc::mismatch);
    EXPECT_EQ(back(one, {true, "20.1.2.3", now.at - 1ns}).error().code, Errc::mismatch);
    EXPECT_EQ(back(one, {true, "2001:db8::1", now.at}).error().code, Errc::mismatch);
    EXPECT_TRUE(back(one, {true, "::ffff:20.1.2.3", now.at}));
    EXPECT_EQ(back(one).error().code, Errc::duplicate);
}

TEST_F(AutonatClientTest, takes_no_nonce_that_it_did_not_give_out_or_whose_time_is_over) {
    add_servers(0, 1);
    auto one = asked.at(0);
    one.nonce ^= 1;
    EXPECT_EQ(back(one).error().code, Errc::not_found);
    one.nonce ^= 1;
    pass(61s);
    EXPECT_EQ(back(one).error().code, Errc::not_found);
    EXPECT_EQ(resets, 1);
}

TEST_F(AutonatClientTest, pays_what_is_asked_for_in_pieces) {
    add_servers(0, 1);
    const auto one = asked.at(0);
    ASSERT_TRUE(say(one, DialDataRequest{0, 100'000}));
    std::size_t paid = 0;
    while (const auto frame = client->next_frame(one.id)) {
        EXPECT_LE(frame->size(), 4200u);
        paid += std::get<DialDataResponse>(testing::message_of(*frame)).size;
    }
    EXPECT_EQ(paid, 100'000u);
}

TEST_F(AutonatClientTest, does_not_pay_too_much_nor_twice_nor_for_another_address) {
    add_servers(0, 3);
    EXPECT_EQ(say(asked.at(0), DialDataRequest{0, 100'001}).error().code, Errc::oversized);
    EXPECT_EQ(say(asked.at(0), DialDataRequest{1, 10}).error().code, Errc::mismatch);
    const auto last = asked.at(0);
    ASSERT_TRUE(say(last, DialDataRequest{0, 10}));
    EXPECT_EQ(say(last, DialDataRequest{0, 10}).error().code, Errc::invalid);
    EXPECT_EQ(resets, 3);
    EXPECT_EQ(client->next_frame(last.id), std::nullopt);
}

TEST_F(AutonatClientTest, refuses_messages_out_of_turn_and_garbage) {
    add_servers(0, 3);
    EXPECT_EQ(say(asked.at(0), DialRequest{}).error().code, Errc::invalid);
    EXPECT_EQ(client->on_message(asked.at(0).id, Bytes{0xff}, now).error().code, Errc::truncated);
    run();
    const auto one = asked.at(0);
    respond(one, DialStatus::ok);
    EXPECT_EQ(say(one, DialResponse{}).error().code, Errc::invalid);
}

TEST_F(AutonatClientTest, asks_again_after_a_while_that_grows) {
    add_servers(0, 3);
    for (int i = 0; i < 3; ++i) serve(true);
    pass(4min);
    EXPECT_EQ(asked_ever, 3u);
    pass(2min);
    EXPECT_EQ(asked_ever, 6u);
    for (int i = 0; i < 3; ++i) serve(true);
    pass(9min);
    EXPECT_EQ(asked_ever, 6u);
    pass(138s);  // 10 minutes and an eighth of them
    EXPECT_EQ(asked_ever, 9u);
    for (int i = 0; i < 3; ++i) serve(false);
    EXPECT_THAT(changes, ElementsAre("reachable", "unreachable"));
    pass(338s);
    EXPECT_EQ(asked_ever, 12u);
}

TEST_F(AutonatClientTest, asks_servers_that_fail_less_and_less) {
    add_servers(0, 1);
    for (int i = 0; i < 2; ++i) {
        client->on_failure(asked.at(0).id, now);
        run();
        const auto before = asked_ever;
        pass(i == 0 ? 59s : 119s);
        EXPECT_EQ(asked_ever, before) << i;
        pass(2s);
        EXPECT_EQ(asked_ever, before + 1) << i;
    }
    // It has had its three attempts in this round.
    client->on_failure(asked.at(0).id, now);
    run();
    pass(2h);
    EXPECT_EQ(asked_ever, 3u);
}

TEST_F(AutonatClientTest, remembers_who_failed_when_it_comes_again) {
    add_servers(0, 1);
    client->on_server_gone(peer(0), now);
    run();
    EXPECT_EQ(resets, 1);
    add_servers(0, 1);
    EXPECT_THAT(asked, IsEmpty());
    pass(61s);
    EXPECT_EQ(asked.size(), 1u);
}

TEST_F(AutonatClientTest, gives_up_a_round_that_twelve_networks_do_not_decide) {
    add_servers(0, 20);
    for (int i = 0; i < 12; ++i) serve(i % 2 == 0);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(asked_ever, 12u);
    EXPECT_THAT(changes, IsEmpty());
}

TEST_F(AutonatClientTest, says_what_is_known_of_each_address) {
    client->set_candidates({testing::address(kOurs), testing::address("/ip4/198.51.100.1/tcp/2")},
                           now);
    add_servers(0, 3);
    pass(5min);
    EXPECT_EQ(client->reachability(testing::address(kOurs)), Reachability::unknown);
    EXPECT_EQ(client->reachability(testing::address("/ip4/1.1.1.1/tcp/1")), std::nullopt);
}

TEST_F(AutonatClientTest, asks_nothing_about_private_hosts_names_and_other_transports) {
    client->set_candidates(
        {testing::address("/ip4/10.0.0.1/tcp/4001"), testing::address("/ip4/127.0.0.1/tcp/4001"),
         testing::address("/dns4/example.org/tcp/4001"), testing::address("/ip4/1.1.1.1/udp/1"),
         testing::address("/ip4/1.1.1.1/tcp/0"), testing::address("/ip6/::ffff:10.0.0.1/tcp/1")},
        now);
    add_servers(0, 5);
    EXPECT_THAT(asked, IsEmpty());
}

TEST_F(AutonatClientTest, asks_no_private_server_unless_it_is_to) {
    client->on_server(peer(1), "192.168.1.1", now);
    client->on_server(peer(2), "::ffff:10.0.0.1", now);
    run();
    EXPECT_EQ(client->servers(), 0u);
    start({.private_hosts = true});
    client->on_server(peer(1), "192.168.1.1", now);
    client->on_server(peer(2), "192.168.1.1", now);
    run();
    EXPECT_EQ(asked.size(), 2u);
}

TEST_F(AutonatClientTest, lets_go_of_requests_about_an_address_that_is_none_any_more) {
    add_servers(0, 3);
    client->set_candidates({}, now);
    run();
    EXPECT_EQ(resets, 3);
    EXPECT_THAT(asked, IsEmpty());
}

}  // namespace
}  // namespace sennit::libp2p::autonat
