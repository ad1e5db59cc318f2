// SPDX-License-Identifier: MIT
/// What the conformance suite cannot reach through a well-behaved protocol: proven duplicates,
/// pacing, hearsay, peers that do not read. Method: a session whose bytes are commands.
#include "protocol/stream_protocol.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sennit::protocol {
namespace {

NodeId id_of(std::uint8_t with) {
    NodeId id;
    id.bytes.fill(with);
    return id;
}

Duration test_gap{0};

/// "E<x>": established as the proven id xx..; "U": established without one; "T": a message;
/// "H<x>": heard of the address 192.168.0.x; "W": writes 1000 bytes; "C": closes.
class ScriptedSession : public Session {
  public:
    explicit ScriptedSession(SessionLink& link) : link_{&link} {}

    void on_open(Now) override {}
    void on_bytes(BytesView bytes, Now) override {
        Reader in{bytes};
        while (!in.empty()) command(static_cast<char>(*in.le<std::uint8_t>()), in);
    }
    void on_deadline(Now) override {}
    std::optional<Instant> deadline() const override { return std::nullopt; }
    std::optional<SessionOutput> poll() override {
        if (out_.empty()) return std::nullopt;
        auto output = std::move(out_.front());
        out_.pop_front();
        return output;
    }
    EncodeResult encode(const Message&, const EncodeContext&, Now) override {
        return Encoded{{std::make_shared<const Bytes>(100, std::uint8_t{'m'})}, 0};
    }
    void on_goodbye(std::string_view why) override {
        out_.push_back(Write{std::make_shared<const Bytes>(to_bytes(as_bytes(why)))});
    }
    Duration frame_gap() const override { return test_gap; }

  private:
    void command(char what, Reader& in) {
        const auto parameter = [&] {
            return in.empty() ? std::uint8_t{0} : *in.le<std::uint8_t>();
        };
        PeerFacts facts;
        facts.address = link_->remote();
        facts.traits.says = KindSet::all();
        switch (what) {
            case 'E': facts.identity = {id_of(parameter()), true}; [[fallthrough]];
            case 'U': out_.push_back(Established{std::move(facts)}); break;
            case 'T': out_.push_back(Deliver{make_message(Transactions{}), 10, {}, 0}); break;
            case 'H':
                out_.push_back(
                    Heard{{"tcp", "192.168.0." + std::to_string(parameter()), 9}, std::nullopt});
                break;
            case 'W':
                out_.push_back(Write{std::make_shared<const Bytes>(1000, std::uint8_t{'w'})});
                break;
            default: out_.push_back(Close{"as told"});
        }
    }

    SessionLink* link_;
    std::deque<SessionOutput> out_;
};

class ScriptedFactory : public SessionFactory {
  public:
    std::unique_ptr<Session> open(SessionLink& link) override {
        return std::make_unique<ScriptedSession>(link);
    }
};

class StreamProtocolTest : public testing::Test {
  protected:
    StreamProtocolTest() {
        test_gap = Duration{0};
        StreamOptions options;
        options.self = id_of(5);
        options.traits.says = KindSet::all();
        options.links_max = 4;
        options.opening_per_host_max = 2;
        protocol = std::make_unique<StreamProtocol>(
            std::move(options), std::make_unique<ScriptedFactory>(), Rng{std::uint64_t{1}});
    }

    void give(const Input& input) {
        protocol->handle(input, now);
        take();
    }
    void take() {
        protocol->check_invariants();
        while (auto output = protocol->poll()) {
            protocol->check_invariants();
            outputs.push_back(std::move(*output));
        }
    }
    LinkId open(bool inbound, std::size_t room = 10'000, std::string host = "8.8.8.8") {
        LinkOpen link;
        link.id = LinkId{++last_link_};
        link.inbound = inbound;
        link.remote = {"tcp", std::move(host), 9};
        link.room = room;
        give(CarrierInput{link});
        return link.id;
    }
    void say(LinkId link, std::string_view commands) {
        give(CarrierInput{LinkBytes{link, as_bytes(commands), {}, 0}});
    }
    template <class T>
    std::vector<T> all() const {
        std::vector<T> found;
        for (const auto& output : outputs) {
            if (const auto* item = std::get_if<T>(&output)) found.push_back(*item);
        }
        return found;
    }
    template <class T>
    std::vector<T> carrier() const {
        std::vector<T> found;
        for (const auto& output : all<CarrierOutput>()) {
            if (const auto* item = std::get_if<T>(&output)) found.push_back(*item);
        }
        return found;
    }

    std::unique_ptr<StreamProtocol> protocol;
    std::vector<Output> outputs;
    Now now{Instant{std::chrono::hours{1}}, {}};

  private:
    std::uint64_t last_link_{0};
};

TEST_F(StreamProtocolTest, of_two_links_to_one_proven_id_that_of_the_smaller_dialler_stays) {
    // We are 5. To 7 our own dial counts, from 3 theirs, whichever came first.
    for (const bool ours_first : {true, false}) {
        outputs.clear();
        const auto first = open(!ours_first);
        say(first, "E\x07");
        const auto second = open(ours_first);
        say(second, "E\x07");
        ASSERT_EQ(carrier<HangUp>().size(), 1u);
        EXPECT_EQ(carrier<HangUp>()[0].link, ours_first ? second : first);
        give(CarrierInput{LinkClosed{first, ""}});
        give(CarrierInput{LinkClosed{second, ""}});
        EXPECT_EQ(all<PeerUp>().size(), all<PeerDown>().size());
    }
    outputs.clear();
    const auto ours = open(false);
    say(ours, "E\x03");
    const auto theirs = open(true);
    say(theirs, "E\x03");
    ASSERT_EQ(carrier<HangUp>().size(), 1u);
    EXPECT_EQ(carrier<HangUp>()[0].link, ours);
}

TEST_F(StreamProtocolTest, unproven_peers_are_never_taken_for_one) {
    say(open(true), "U");
    say(open(true), "U");
    EXPECT_EQ(all<PeerUp>().size(), 2u);
    EXPECT_TRUE(carrier<HangUp>().empty());
}

TEST_F(StreamProtocolTest, who_says_our_own_id_is_ourselves) {
    say(open(true), "E\x05");
    EXPECT_TRUE(all<PeerUp>().empty());
    EXPECT_EQ(carrier<HangUp>().size(), 1u);
}

TEST_F(StreamProtocolTest, links_beyond_the_limit_are_closed_with_nothing_said) {
    for (int i = 0; i < 4; ++i) say(open(true), "U");
    open(true);
    ASSERT_EQ(carrier<HangUp>().size(), 1u);
    EXPECT_EQ(carrier<HangUp>()[0].link, LinkId{5});
    EXPECT_TRUE(carrier<Transmit>().empty());
}

TEST_F(StreamProtocolTest, when_all_places_are_taken_the_oldest_silent_link_gives_way) {
    const auto known = open(true, 10'000, "8.8.1.1");
    say(known, "U");
    const auto oldest = open(true, 10'000, "8.8.2.2");
    open(true, 10'000, "8.8.3.3");
    open(true, 10'000, "8.8.4.4");
    EXPECT_TRUE(carrier<HangUp>().empty());
    const auto honest = open(true, 10'000, "8.8.5.5");
    ASSERT_EQ(carrier<HangUp>().size(), 1u);
    EXPECT_EQ(carrier<HangUp>()[0].link, oldest);
    EXPECT_TRUE(carrier<Transmit>().empty()) << "with nothing said";
    EXPECT_TRUE(all<Misbehaved>().empty()) << "it may be honest and slow";
    say(honest, "U");
    EXPECT_EQ(all<PeerUp>().size(), 2u);
}

TEST_F(StreamProtocolTest, our_own_dials_and_peers_give_way_to_nobody) {
    for (int i = 0; i < 2; ++i) say(open(true), "U");
    open(false, 10'000, "8.8.1.1");
    open(false, 10'000, "8.8.2.2");
    const auto late = open(true, 10'000, "8.8.3.3");
    ASSERT_EQ(carrier<HangUp>().size(), 1u);
    EXPECT_EQ(carrier<HangUp>()[0].link, late);
}

TEST_F(StreamProtocolTest, one_host_has_few_silent_links) {
    const auto first_v4 = open(true);
    open(true);
    EXPECT_TRUE(carrier<HangUp>().empty());
    open(true);
    ASSERT_EQ(carrier<HangUp>().size(), 1u);
    EXPECT_EQ(carrier<HangUp>()[0].link, first_v4);

    outputs.clear();
    for (std::uint64_t id = 1; id <= 3; ++id) give(CarrierInput{LinkClosed{LinkId{id}, ""}});
    const auto first_v6 = open(true, 10'000, "2001:db8:1:2::1");
    open(true, 10'000, "2001:db8:1:2::2");
    open(true, 10'000, "2001:db8:1:2::3");
    ASSERT_EQ(carrier<HangUp>().size(), 1u) << "a subscriber has a whole /64";
    EXPECT_EQ(carrier<HangUp>()[0].link, first_v6);
}

TEST_F(StreamProtocolTest, many_nodes_may_dial_from_one_private_host) {
    for (int i = 0; i < 4; ++i) open(true, 10'000, i % 2 == 0 ? "127.0.0.1" : "10.0.0.1");
    EXPECT_TRUE(carrier<HangUp>().empty());
}

TEST_F(StreamProtocolTest, frames_keep_the_gap_that_the_session_asks_for) {
    test_gap = std::chrono::milliseconds{1};
    say(open(true), "U");
    Outgoing outgoing;
    outgoing.message = make_message(Transactions{});
    const PeerId peer{1};
    for (int i = 0; i < 3; ++i) protocol->send({&peer, 1}, outgoing, now);
    take();
    EXPECT_EQ(carrier<Transmit>().size(), 1u);
    for (std::size_t sent = 2; sent <= 3; ++sent) {
        ASSERT_EQ(protocol->deadline(), now.at + test_gap);
        now.at = *protocol->deadline();
        give(Deadline{});
        EXPECT_EQ(carrier<Transmit>().size(), sent);
    }
}

TEST_F(StreamProtocolTest, a_private_address_is_not_believed_from_afar) {
    const auto far = open(true);
    say(far, "UH\x01");
    EXPECT_TRUE(all<Found>().empty());
    say(open(true, 10'000, "192.168.0.9"), "UH\x01");
    EXPECT_EQ(all<Found>().size(), 1u);
}

TEST_F(StreamProtocolTest, a_peer_that_makes_us_answer_and_does_not_read_is_let_go) {
    const auto link = open(true, 500);
    say(link, "U");
    for (int i = 0; i < 1000 && carrier<HangUp>().empty(); ++i) {
        say(link, "W");
        now.at += std::chrono::milliseconds{10};
        give(Deadline{});
    }
    ASSERT_EQ(all<Misbehaved>().size(), 1u);
    EXPECT_EQ(all<Misbehaved>()[0].offence, Offence::flooding);
    EXPECT_EQ(all<PeerDown>().size(), 1u);
    now.at += std::chrono::seconds{3};
    give(Deadline{});
    EXPECT_EQ(carrier<HangUp>().size(), 1u);
}

TEST_F(StreamProtocolTest, a_goodbye_leaves_before_the_hang_up) {
    say(open(true), "U");
    give(Disconnect{PeerId{1}, "enough of you"});
    ASSERT_EQ(carrier<Transmit>().size(), 1u);
    EXPECT_EQ(as_text(*carrier<Transmit>()[0].bytes), "enough of you");
    ASSERT_EQ(carrier<HangUp>().size(), 1u);
    EXPECT_EQ(carrier<HangUp>()[0].why, "enough of you");
    const auto* last = std::get_if<CarrierOutput>(&outputs.back());
    ASSERT_NE(last, nullptr);
    EXPECT_TRUE(std::holds_alternative<HangUp>(*last));
}

TEST_F(StreamProtocolTest, what_comes_after_the_peer_is_down_is_not_delivered) {
    const auto link = open(true);
    say(link, "UTCT");
    EXPECT_EQ(all<Received>().size(), 1u);
    say(link, "T");
    EXPECT_EQ(all<Received>().size(), 1u);
}

}  // namespace
}  // namespace sennit::protocol
