// SPDX-License-Identifier: MIT
#include "libp2p/autonat/server.hpp"

#include <gmock/gmock.h>

#include "libp2p/autonat/testing.hpp"

namespace sennit::libp2p::autonat {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using testing::peer;

/// A server, and requesters that are the test's hands.
class AutonatServerTest : public ::testing::Test {
  protected:
    void start(Server::Config config = {}) { server.emplace(config, Rng{1}); }
    void SetUp() override { start(); }
    void TearDown() override { server->check_invariants(); }

    void run() {
        while (auto event = server->poll_event()) {
            if (auto* reply = std::get_if<Server::Reply>(&*event)) {
                replies[reply->id].push_back(testing::message_of(reply->frame()));
                if (reply->last()) over.insert(reply->id);
            } else if (const auto* dial = std::get_if<Server::Dial>(&*event)) {
                dials.push_back(*server->target(dial->id));
            } else if (const auto* cancelled = std::get_if<Server::CancelDial>(&*event)) {
                cancels.push_back(cancelled->id);
            } else {
                resets.push_back(std::get<Server::Reset>(*event).id);
            }
        }
        server->check_invariants();
    }
    ServeId ask(std::uint64_t who, std::string_view from, std::vector<std::string> texts) {
        const auto id = server->on_request(peer(who), from, now);
        SENNIT_ASSERT(id);
        DialRequest request{{}, 7};
        for (const auto& text : texts) request.addresses.emplace_back(testing::address(text));
        (void)server->on_message(*id, encode(request), now);
        run();
        return *id;
    }
    Result<void> pay(ServeId id, std::size_t bytes) {
        auto out = server->on_message(id, encode(DialDataResponse{bytes}), now);
        run();
        return out;
    }
    std::optional<DialResponse> response(ServeId id) {
        if (replies[id].empty()) return std::nullopt;
        const auto* out = std::get_if<DialResponse>(&replies[id].back());
        return out != nullptr ? std::optional{*out} : std::nullopt;
    }
    std::optional<std::uint64_t> price(ServeId id) {
        if (replies[id].empty()) return std::nullopt;
        const auto* out = std::get_if<DialDataRequest>(&replies[id].front());
        return out != nullptr ? std::optional{out->bytes} : std::nullopt;
    }
    void end(ServeId id, Server::Outcome outcome) {
        server->on_outcome(id, outcome, now);
        run();
    }
    void pass(Duration time) {
        now.at += time;
        server->on_time(now);
        run();
    }

    static constexpr std::string_view kFrom = "20.1.2.3";
    static constexpr const char* kOwn = "/ip4/20.1.2.3/tcp/4001";

    Now now{Instant{1h}, {}};
    std::optional<Server> server;
    std::map<ServeId, std::vector<Message>> replies;
    std::set<ServeId> over;
    std::vector<Server::Target> dials;
    std::vector<ServeId> cancels;
    std::vector<ServeId> resets;
};

TEST_F(AutonatServerTest, dials_the_requester_itself_for_nothing) {
    const auto id = ask(1, kFrom, {kOwn});
    ASSERT_EQ(dials.size(), 1u);
    EXPECT_EQ(dials[0].address.text(), std::string{kOwn} + "/p2p/" + peer(1).text());
    EXPECT_EQ(dials[0].nonce, 7u);
    server->on_connected(id);
    end(id, Server::Outcome::told);
    EXPECT_EQ(response(id), (DialResponse{ResponseStatus::ok, 0, DialStatus::ok}));
    EXPECT_TRUE(over.contains(id));
    EXPECT_EQ(server->requests(), 0u);
}

TEST_F(AutonatServerTest, says_how_a_dial_ended) {
    const auto first = ask(1, kFrom, {kOwn});
    end(first, Server::Outcome::no_dial);
    EXPECT_EQ(response(first)->dial_status, DialStatus::dial_error);
    const auto second = ask(1, kFrom, {kOwn});
    end(second, Server::Outcome::no_telling);
    EXPECT_EQ(response(second)->dial_status, DialStatus::dial_back_error);
}

TEST_F(AutonatServerTest, demands_data_before_it_dials_another_host) {
    const auto id = ask(1, kFrom, {"/ip4/20.1.2.4/tcp/4001"});
    EXPECT_THAT(dials, IsEmpty());
    ASSERT_TRUE(price(id));
    EXPECT_GE(*price(id), 30'000u);
    EXPECT_LE(*price(id), 100'000u);
    auto left = *price(id);
    for (; left > 4096; left -= 4096) ASSERT_TRUE(pay(id, 4096));
    EXPECT_THAT(dials, IsEmpty());
    ASSERT_TRUE(pay(id, left - 1));  // one byte less than it asked for
    EXPECT_THAT(dials, IsEmpty());
    ASSERT_TRUE(pay(id, 4096));  // more is no harm
    ASSERT_EQ(dials.size(), 1u);
    end(id, Server::Outcome::told);
    EXPECT_EQ(response(id)->status, ResponseStatus::ok);
}

TEST_F(AutonatServerTest, takes_no_data_in_crumbs) {
    const auto id = ask(1, kFrom, {"/ip4/20.1.2.4/tcp/4001"});
    ASSERT_TRUE(pay(id, 100));
    EXPECT_EQ(pay(id, 99).error().code, Errc::invalid);
    EXPECT_EQ(resets.size(), 1u);
    EXPECT_THAT(dials, IsEmpty());
}

TEST_F(AutonatServerTest, knows_a_host_however_it_is_written) {
    ask(1, "::ffff:20.1.2.3", {kOwn});
    EXPECT_EQ(dials.size(), 1u);
    ask(2, kFrom, {"/ip6/::ffff:20.1.2.3/tcp/4001"});
    ASSERT_EQ(dials.size(), 2u);
    EXPECT_TRUE(dials[1].address.text().starts_with("/ip4/20.1.2.3/tcp/4001"));
    ask(3, "2001:0db8:0:0::0001", {"/ip6/2001:db8::1/tcp/1"});
    EXPECT_EQ(dials.size(), 3u);
}

TEST_F(AutonatServerTest, dials_the_first_address_that_it_can_and_no_other) {
    const auto id =
        ask(1, kFrom,
            {"/ip4/20.1.2.3/udp/1/quic-v1", "/ip4/10.0.0.1/tcp/1", kOwn, "/ip4/20.1.2.3/tcp/4002"});
    ASSERT_EQ(dials.size(), 1u);
    end(id, Server::Outcome::no_dial);
    EXPECT_EQ(dials.size(), 1u);
    EXPECT_EQ(response(id)->address_index, 2u);
}

TEST_F(AutonatServerTest, never_dials_hosts_that_are_not_public_for_strangers) {
    start(
        {.private_hosts = true, .requests_per_peer = {100, 1s}, .requests_per_network = {100, 1s}});
    for (const auto* one :
         {"/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip4/192.168.0.1/tcp/1",
          "/ip4/172.16.0.1/tcp/1", "/ip4/169.254.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1",
          "/ip4/100.64.0.1/tcp/1", "/ip4/224.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1",
          "/ip6/fd00::1/tcp/1", "/ip6/::/tcp/1", "/ip6/::ffff:127.0.0.1/tcp/1",
          "/ip6/::ffff:10.0.0.1/tcp/1", "/dns4/localhost/tcp/1", "/dns/example.org/tcp/1",
          "/ip4/20.1.2.3/tcp/0"}) {
        const auto id = ask(1, kFrom, {one});
        ASSERT_TRUE(response(id)) << one;
        EXPECT_EQ(response(id)->status, ResponseStatus::dial_refused) << one;
    }
    EXPECT_THAT(dials, IsEmpty());
}

TEST_F(AutonatServerTest, dials_private_hosts_for_private_requesters_only_if_it_is_to) {
    EXPECT_EQ(response(ask(1, "10.0.0.1", {"/ip4/10.0.0.1/tcp/1"}))->status,
              ResponseStatus::dial_refused);
    start({.private_hosts = true});
    ask(1, "10.0.0.1", {"/ip4/10.0.0.1/tcp/1"});
    EXPECT_EQ(dials.size(), 1u);
}

TEST_F(AutonatServerTest, dials_loopback_for_those_alone_who_come_by_it) {
    start({.private_hosts = true});
    for (const auto* target : {"/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"}) {
        const auto id = ask(1, "10.0.0.1", {target});
        EXPECT_EQ(response(id)->status, ResponseStatus::dial_refused) << target;
    }
    EXPECT_THAT(dials, IsEmpty());
    ask(2, "127.0.0.1", {"/ip4/127.0.0.1/tcp/1"});
    EXPECT_EQ(dials.size(), 1u);
}

TEST_F(AutonatServerTest, refuses_addresses_of_somebody_else) {
    const auto id = ask(1, kFrom, {std::string{kOwn} + "/p2p/" + peer(2).text()});
    EXPECT_EQ(response(id)->status, ResponseStatus::dial_refused);
}

TEST_F(AutonatServerTest, refuses_a_version_of_ip_that_it_does_not_have) {
    start({.ipv6 = false});
    EXPECT_EQ(response(ask(1, "2001:db8::1", {"/ip6/2001:db8::1/tcp/1"}))->status,
              ResponseStatus::dial_refused);
}

TEST_F(AutonatServerTest, limits_the_rate_of_a_peer) {
    for (int i = 0; i < 4; ++i) end(ask(1, kFrom, {kOwn}), Server::Outcome::told);
    EXPECT_EQ(response(ask(1, kFrom, {kOwn}))->status, ResponseStatus::request_rejected);
    EXPECT_EQ(dials.size(), 4u);
    pass(11s);
    ask(1, kFrom, {kOwn});
    EXPECT_EQ(dials.size(), 5u);
}

TEST_F(AutonatServerTest, limits_the_rate_of_a_network) {
    for (std::uint64_t i = 0; i < 12; ++i) end(ask(i, kFrom, {kOwn}), Server::Outcome::told);
    EXPECT_EQ(response(ask(20, "20.1.2.99", {"/ip4/20.1.2.99/tcp/1"}))->status,
              ResponseStatus::request_rejected);
    ask(21, "20.1.3.1", {"/ip4/20.1.3.1/tcp/1"});
    EXPECT_EQ(dials.size(), 13u);
}

TEST_F(AutonatServerTest, limits_the_rate_in_all) {
    for (std::uint64_t i = 0; i < 60; ++i) {
        const auto host = "20." + std::to_string(i) + ".2.3";
        end(ask(i, host, {"/ip4/" + host + "/tcp/1"}), Server::Outcome::told);
    }
    EXPECT_EQ(dials.size(), 60u);
    EXPECT_EQ(response(ask(100, "20.100.2.3", {"/ip4/20.100.2.3/tcp/1"}))->status,
              ResponseStatus::request_rejected);
}

TEST_F(AutonatServerTest, cannot_be_aimed_at_one_victim_by_many) {
    for (std::uint64_t i = 0; i < 10; ++i) {
        const auto id = ask(i, "20." + std::to_string(i) + ".2.3",
                            {"/ip4/30.1.1." + std::to_string(i + 1) + "/tcp/1"});
        if (!price(id)) continue;
        for (int n = 0; n < 25 && !response(id); ++n) {
            if (!pay(id, 4096)) break;
        }
    }
    EXPECT_EQ(dials.size(), 4u);
}

TEST_F(AutonatServerTest, cannot_be_aimed_at_one_victim_by_many_who_pay_at_once) {
    std::vector<ServeId> all;
    for (std::uint64_t i = 0; i < 6; ++i) {
        all.push_back(ask(i, "20." + std::to_string(i) + ".2.3",
                          {"/ip4/30.1.1.1/tcp/" + std::to_string(i + 1)}));
        EXPECT_TRUE(price(all.back()));
    }
    for (const auto id : all) {
        const auto before = dials.size();
        while (!response(id) && dials.size() == before) ASSERT_TRUE(pay(id, 4096));
    }
    EXPECT_EQ(dials.size(), 4u);
    EXPECT_EQ(response(all.back())->status, ResponseStatus::request_rejected);
}

TEST_F(AutonatServerTest, has_few_dials_at_once) {
    for (std::uint64_t i = 0; i < 9; ++i) {
        const auto host = "20." + std::to_string(i) + ".2.3";
        const auto id = ask(i, host, {"/ip4/" + host + "/tcp/1"});
        EXPECT_EQ(response(id).has_value(), i == 8);
    }
    EXPECT_EQ(server->dials(), 8u);
}

TEST_F(AutonatServerTest, serves_one_request_of_a_peer_at_a_time_and_some_in_all) {
    start({.requests_max = 2});
    const auto first = server->on_request(peer(1), kFrom, now);
    ASSERT_TRUE(first);
    EXPECT_EQ(server->on_request(peer(1), kFrom, now).error().code, Errc::busy);
    ASSERT_TRUE(server->on_request(peer(2), kFrom, now));
    EXPECT_EQ(server->on_request(peer(3), kFrom, now).error().code, Errc::busy);
    server->on_gone(*first, now);
    EXPECT_TRUE(server->on_request(peer(1), kFrom, now));
}

TEST_F(AutonatServerTest, resets_who_does_not_ask_or_pay_in_time) {
    (void)server->on_request(peer(1), kFrom, now);
    const auto id = ask(2, kFrom, {"/ip4/20.1.2.4/tcp/4001"});
    pass(15s);
    (void)pay(id, 4096);  // does not give it more time
    pass(16s);
    EXPECT_EQ(resets.size(), 2u);
    EXPECT_EQ(server->requests(), 0u);
}

TEST_F(AutonatServerTest, answers_when_a_dial_does_not_end) {
    const auto id = ask(1, kFrom, {kOwn});
    pass(20s);
    EXPECT_EQ(response(id)->dial_status, DialStatus::dial_error);
    const auto slow = ask(1, kFrom, {kOwn});
    server->on_connected(slow);
    pass(20s);
    EXPECT_EQ(response(slow)->dial_status, DialStatus::dial_back_error);
    EXPECT_EQ(cancels.size(), 2u);
    EXPECT_EQ(server->dials(), 0u);
}

TEST_F(AutonatServerTest, lets_a_dial_be_when_the_requester_is_gone) {
    const auto id = ask(1, kFrom, {kOwn});
    server->on_remote_closed(id, now);  // it has only said that it has no more to say
    run();
    EXPECT_THAT(cancels, IsEmpty());
    server->on_gone(id, now);
    run();
    EXPECT_EQ(cancels.size(), 1u);
    end(id, Server::Outcome::told);  // of no use to anybody
    EXPECT_FALSE(response(id));
}

TEST_F(AutonatServerTest, resets_who_closes_before_it_has_paid) {
    const auto id = ask(1, kFrom, {"/ip4/20.1.2.4/tcp/4001"});
    server->on_remote_closed(id, now);
    run();
    EXPECT_EQ(resets.size(), 1u);
    EXPECT_EQ(server->requests(), 0u);
}

TEST_F(AutonatServerTest, refuses_messages_out_of_turn_and_garbage) {
    const auto say = [&](ServeId id, const Message& message) {
        auto out = server->on_message(id, encode(message), now);
        run();
        return out ? Errc::io : out.error().code;
    };
    EXPECT_EQ(say(*server->on_request(peer(1), kFrom, now), DialResponse{}), Errc::invalid);
    EXPECT_EQ(say(*server->on_request(peer(1), kFrom, now), DialDataResponse{100}), Errc::invalid);
    EXPECT_EQ(say(*server->on_request(peer(1), kFrom, now), DialRequest{}), Errc::invalid);
    const auto id = ask(1, kFrom, {kOwn});
    EXPECT_EQ(say(id, DialDataResponse{100}), Errc::invalid);
    EXPECT_EQ(cancels.size(), 1u);
    EXPECT_EQ(resets.size(), 4u);
    EXPECT_EQ(server->dials(), 0u);
}

}  // namespace
}  // namespace sennit::libp2p::autonat
