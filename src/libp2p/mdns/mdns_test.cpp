// SPDX-License-Identifier: MIT
// Time is counted from the moment in which the link to the group opened.
#include "libp2p/mdns/mdns.hpp"

#include <gmock/gmock.h>

#include "libp2p/keys.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::mdns {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr LinkId kLink{7};
constexpr std::string_view kNeighbour = "udp://192.168.7.9:5353";

Now at(Duration after) {
    return {Instant{std::chrono::hours{1}} + after, {}};
}
PeerId peer(std::uint8_t seed) {
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed({seed})).peer_id();
}
Multiaddr address(const std::string& text) {
    return *Multiaddr::parse(text);
}
Multiaddr address_of(std::uint8_t seed, const std::string& where = "/ip4/192.168.7.9/tcp/4001") {
    return *address(where).encapsulate(Multiaddr::of_peer(peer(seed)));
}

/// What the spec's form of an answer is; `where` without /p2p.
Message announcement(std::uint8_t seed, std::vector<std::string> where, std::uint32_t ttl = 120) {
    const auto instance = *Name::parse("someone" + std::to_string(seed) + "._p2p._udp.local");
    Message out{.response = true, .authoritative = true};
    out.answers.push_back({.name = *Name::parse(kService), .ttl = ttl, .target = instance});
    for (const auto& one : where) {
        out.additionals.push_back({.name = instance,
                                   .type = Type::txt,
                                   .ttl = ttl,
                                   .texts = {"dnsaddr=" + address_of(seed, one).text()}});
    }
    return out;
}

class MdnsTest : public ::testing::Test {
  protected:
    static constexpr std::uint8_t kSelf = 1;

    void open(Mdns::Config config = {}) {
        config.self = peer(kSelf);
        mdns.emplace(std::move(config), Rng{5});
        mdns->set_addresses({address("/ip4/192.168.7.1/tcp/4001")});
        mdns->set_hosts({"192.168.7.1"});
        mdns->start();
        const auto listen = std::get<Listen>(*mdns->poll_output());
        EXPECT_EQ(listen.address.text(), kGroup);
        LinkOpen link;
        link.id = kLink;
        link.carrier = Carrier::datagram;
        link.room = 100'000;
        mdns->on_input(link, at({}));
    }
    void hear(BytesView bytes, Duration when = {}, std::string_view from = kNeighbour) {
        mdns->on_input(LinkBytes{kLink, bytes, from}, at(when));
        mdns->check_invariants();
    }
    void hear(const Message& message, Duration when = {}, std::string_view from = kNeighbour) {
        hear(encode(message), when, from);
    }
    void ask(Duration when = {}) {
        hear(Message{.questions = {{.name = *Name::parse(kService)}}}, when);
    }
    /// Lets time pass, waking only when asked for. What was sent, and when.
    std::vector<std::pair<Duration, Message>> until(Duration end) {
        std::vector<std::pair<Duration, Message>> out;
        while (mdns->next_wake() <= at(end).at) {
            const auto now = mdns->next_wake();
            mdns->on_time({now, {}});
            mdns->check_invariants();
            EXPECT_GT(mdns->next_wake(), now);
            while (const auto output = mdns->poll_output()) {
                const auto* sent = std::get_if<Transmit>(&*output);
                if (sent == nullptr) continue;
                EXPECT_TRUE(sent->label.empty());
                mdns->on_input(Room{kLink, sent->bytes->size()}, {now, {}});
                out.emplace_back(now - at({}).at, *decode(*sent->bytes));
            }
        }
        return out;
    }
    std::vector<std::pair<Duration, Message>> answers(Duration end) {
        auto out = until(end);
        std::erase_if(out, [](const auto& one) { return !one.second.response; });
        return out;
    }
    std::vector<Multiaddr> discovered() {
        const auto event = mdns->poll_event();
        if (!event) return {};
        return std::get<Mdns::Discovered>(*event).addresses;
    }

    std::optional<Mdns> mdns;
};

TEST_F(MdnsTest, asks_as_js_does_and_ever_more_rarely) {
    open({.query_interval = seconds{5}});
    std::vector<Duration> times;
    for (const auto& [when, message] : until(seconds{20})) {
        EXPECT_EQ(encode(message), vectors::hex(vectors::load("mdns"), "query"));
        times.push_back(when);
    }
    ASSERT_THAT(times, SizeIs(6));
    EXPECT_GE(times[0], milliseconds{20});
    EXPECT_LE(times[0], milliseconds{120});
    const std::array gaps{1, 2, 4, 5, 5};
    for (std::size_t i = 0; i < gaps.size(); ++i) {
        const auto over = times[i + 1] - times[i] - seconds{gaps[i]};
        EXPECT_GE(over, milliseconds{20});
        EXPECT_LE(over, milliseconds{120});
    }
}

TEST_F(MdnsTest, answers_with_a_name_and_its_addresses_in_the_form_of_the_spec) {
    open();
    ask();
    const auto sent = answers(seconds{1});
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_GE(sent[0].first, milliseconds{20});
    const auto& said = sent[0].second;
    EXPECT_TRUE(said.authoritative);
    ASSERT_THAT(said.answers, SizeIs(1));
    EXPECT_EQ(said.answers[0].name, *Name::parse("_p2p._udp.local"));
    EXPECT_EQ(said.answers[0].dns_class, 1);
    EXPECT_EQ(said.answers[0].ttl, 120u);
    EXPECT_EQ(said.answers[0].target.text().size(), 32 + kService.size() + 1);
    ASSERT_THAT(said.additionals, SizeIs(1));
    EXPECT_EQ(said.additionals[0].name, said.answers[0].target);
    EXPECT_THAT(said.additionals[0].texts,
                ElementsAre("dnsaddr=/ip4/192.168.7.1/tcp/4001/p2p/" + peer(kSelf).text()));
}

TEST_F(MdnsTest, two_of_them_find_each_other) {
    open();
    Mdns other{{.self = peer(2)}, Rng{6}};
    other.set_addresses({address("/ip4/192.168.7.9/tcp/9"), address_of(2, "/ip6/fd00::9/tcp/9")});
    other.start();
    LinkOpen link;
    link.id = kLink;
    link.room = 10'000;
    other.on_input(link, at({}));
    mdns->on_time(at(seconds{1}));
    while (const auto output = mdns->poll_output()) {
        if (const auto* sent = std::get_if<Transmit>(&*output))
            other.on_input(LinkBytes{kLink, *sent->bytes, kNeighbour}, at(seconds{1}));
    }
    other.on_time(at(seconds{2}));
    while (const auto output = other.poll_output()) {
        if (const auto* sent = std::get_if<Transmit>(&*output)) hear(*sent->bytes, seconds{2});
    }
    EXPECT_THAT(discovered(), ElementsAre(address_of(2, "/ip4/192.168.7.9/tcp/9"),
                                          address_of(2, "/ip6/fd00::9/tcp/9")));
}

TEST_F(MdnsTest, answers_a_flood_of_questions_once_a_second) {
    open();
    for (int i = 0; i < 1000; ++i) ask();
    EXPECT_THAT(answers(milliseconds{500}), SizeIs(1));
    for (int i = 0; i < 1000; ++i) ask(milliseconds{500});
    const auto sent = answers(seconds{10});
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_GT(sent[0].first, seconds{1});
    EXPECT_LE(sent[0].first, milliseconds{1120});
}

TEST_F(MdnsTest, answers_are_no_longer_than_a_frame) {
    open();
    std::vector<Multiaddr> many;
    for (int i = 1; i <= 60; ++i)
        many.push_back(address("/ip4/10.0.0." + std::to_string(i) + "/tcp/4001"));
    mdns->set_addresses(many);
    ask();
    const auto sent = answers(seconds{1});
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_GT(sent[0].second.additionals.size(), 6u);
    EXPECT_LE(encode(sent[0].second).size(), 1400u);
    EXPECT_GT(encode(sent[0].second).size(), 1200u);
}

TEST_F(MdnsTest, says_nothing_of_itself_that_would_lead_nowhere) {
    open();
    mdns->set_addresses({address("/ip4/0.0.0.0/tcp/1"), address("/ip6/::/tcp/1"), address_of(2),
                         address("/dns4/" + std::string(250, 'a') + "/tcp/1")});
    ask();
    EXPECT_THAT(answers(seconds{1}), IsEmpty());
    mdns->set_addresses({address_of(kSelf), address("/ip4/192.168.7.9/tcp/4001")});
    ask(seconds{1});
    EXPECT_THAT(answers(seconds{3})[0].second.additionals, SizeIs(1));
}

TEST_F(MdnsTest, answers_who_asks_which_services_there_are) {
    open();
    hear(Message{.questions = {{.name = *Name::parse(kMetaService), .type = Type::any}}});
    const auto sent = answers(seconds{1});
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0].second.answers[0].name, *Name::parse(kMetaService));
    EXPECT_EQ(sent[0].second.answers[0].target, *Name::parse(kService));
}

TEST_F(MdnsTest, leaves_other_questions_to_others) {
    open();
    const auto service = *Name::parse(kService);
    hear(Message{.questions = {{.name = *Name::parse("_ipp._tcp.local")}}});
    hear(Message{.questions = {{.name = service, .type = Type{1}}}});
    hear(Message{.questions = {{.name = service, .dns_class = 3}}});
    hear(Message{.opcode = 4, .questions = {{.name = service}}});
    hear(Message{.rcode = 1, .questions = {{.name = service}}});
    EXPECT_THAT(answers(seconds{3}), IsEmpty());
    EXPECT_EQ(mdns->counters().foreign, 5u);
    // One of several, with the bit that asks for unicast, in another case.
    hear(Message{.questions = {{.name = *Name::parse("_ipp._tcp.local")},
                               {.name = *Name::parse("_P2P._udp.LOCAL"), .dns_class = 0x8001}}},
         seconds{3});
    EXPECT_THAT(answers(seconds{5}), SizeIs(1));
}

TEST_F(MdnsTest, learns_what_js_says) {
    open();
    const auto file = vectors::load("mdns");
    const auto answer = vectors::hex(file, "answer");
    hear(answer);
    const auto event = std::get<Mdns::Discovered>(*mdns->poll_event());
    EXPECT_EQ(event.peer.text(), *file.get_text("peer"));
    // The other one is loopback, and js was on another machine.
    const std::string second{*(*file.get_array("addresses")).begin()[1].as_text()};
    EXPECT_THAT(event.addresses, ElementsAre(address(second)));
    hear(answer, seconds{1}, "udp://192.168.7.1:5353");
    EXPECT_THAT(discovered(), SizeIs(2));
}

// rust: PTR among the answers, TXT among the additional records with the highest bit of the class
// set, from a port of its own, to a question with an id.
TEST_F(MdnsTest, learns_what_rust_says_and_answers_it) {
    open();
    auto said =
        announcement(2, {"/ip4/192.168.7.9/tcp/4001", "/ip4/10.1.1.1/udp/4001/quic-v1"}, 360);
    said.id = 0xf8f8;
    const auto instance = *Name::parse("Gd72Hs8aHd73Kd92Lq01Pz83Nv64Bx55Ru");
    said.answers[0].target = instance;
    for (auto& record : said.additionals) {
        record.name = instance;
        record.dns_class = 0x8001;
    }
    hear(said, {}, "udp://192.168.7.9:41234");
    EXPECT_THAT(discovered(), SizeIs(2));
    hear(Message{.id = 0x1234, .questions = {{.name = *Name::parse(kService)}}}, {},
         "udp://192.168.7.9:41234");
    const auto sent = answers(seconds{1});
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0].second.id, 0);
}

TEST_F(MdnsTest, learns_several_addresses_of_one_record_as_go_writes_them) {
    open();
    auto said = announcement(2, {"/ip4/192.168.7.9/tcp/1"});
    said.additionals[0].texts.push_back("dnsaddr=" +
                                        address_of(2, "/ip4/192.168.7.9/tcp/2").text());
    said.additionals[0].texts.push_back("txtvers=1");
    hear(said);
    EXPECT_THAT(discovered(), SizeIs(2));
    EXPECT_EQ(mdns->counters().unfit, 0u);
}

TEST_F(MdnsTest, tells_of_a_peer_again_only_when_there_is_more_to_tell) {
    open();
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}));
    EXPECT_THAT(discovered(), SizeIs(1));
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}), seconds{1});
    EXPECT_THAT(discovered(), IsEmpty());
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/2"}), seconds{2});
    EXPECT_THAT(discovered(), SizeIs(2));
}

TEST_F(MdnsTest, forgets_who_is_not_heard_of_in_its_time) {
    open();
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}, 60));
    std::ignore = discovered();
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}, 60), seconds{50});
    std::ignore = until(milliseconds{109'999});
    EXPECT_FALSE(mdns->poll_event());
    std::ignore = until(seconds{110});
    EXPECT_EQ(std::get<Mdns::Expired>(*mdns->poll_event()).peer, peer(2));
    EXPECT_EQ(mdns->peers(), 0u);
}

TEST_F(MdnsTest, keeps_a_peer_neither_for_a_moment_nor_for_ever) {
    open();
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}, 1));
    hear(announcement(3, {"/ip4/192.168.7.9/tcp/1"}, 0xffffffff));
    std::ignore = until(milliseconds{14'999});
    EXPECT_EQ(mdns->peers(), 2u);
    std::ignore = until(seconds{15});
    EXPECT_EQ(mdns->peers(), 1u);
    std::ignore = until(minutes{60});
    EXPECT_EQ(mdns->peers(), 0u);
}

TEST_F(MdnsTest, heeds_a_goodbye_after_a_second_unless_the_peer_speaks_up) {
    open();
    const auto goodbye = announcement(2, {"/ip4/192.168.7.9/tcp/1"}, 0);
    hear(goodbye);  // of somebody unknown
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}));
    std::ignore = discovered();
    hear(goodbye, seconds{5});
    hear(announcement(2, {"/ip4/192.168.7.9/tcp/1"}), milliseconds{5500});
    std::ignore = until(seconds{8});
    EXPECT_EQ(mdns->peers(), 1u);
    hear(goodbye, seconds{8});
    std::ignore = until(seconds{9});
    EXPECT_TRUE(std::holds_alternative<Mdns::Expired>(*mdns->poll_event()));
}

TEST_F(MdnsTest, believes_no_address_that_leads_nowhere_or_to_ourselves) {
    open();
    std::vector<std::string> unfit{
        "/ip4/127.0.0.1/tcp/1",       "/ip6/::1/tcp/1",     "/ip6/::ffff:127.0.0.1/tcp/1",
        "/ip4/0.0.0.0/tcp/1",         "/ip6/::/tcp/1",      "/ip4/224.0.0.1/tcp/1",
        "/ip4/255.255.255.255/tcp/1", "/ip6/fe80::1/tcp/1", "/ip6/ff02::1/tcp/1",
        "/dns4/example.org/tcp/1",    "/dnsaddr/x.org",     "/ip4/192.168.7.9/tcp/0"};
    auto said = announcement(2, unfit);
    const auto instance = said.answers[0].target;
    for (const auto* text : {"dnsaddr=", "dnsaddr=/ip4/192.168.7.9/tcp/1", "dnsaddr=/nonsense",
                             "dnsaddr=/ip4/192.168.7.9/tcp/1/p2p/12D3KooWnonsense"}) {
        said.additionals.push_back({.name = instance, .type = Type::txt, .texts = {text}});
    }
    hear(said);
    EXPECT_THAT(discovered(), IsEmpty());
    EXPECT_EQ(mdns->counters().unfit, unfit.size() + 4);
    EXPECT_EQ(mdns->peers(), 0u);

    hear(announcement(2, {"/ip4/169.254.3.4/tcp/1", "/ip6/fd00::1/tcp/1", "/ip4/192.0.2.9/tcp/1"}));
    EXPECT_THAT(discovered(), SizeIs(3));
    for (const auto* own : {"udp://127.0.0.1:5353", "udp://192.168.7.1:5353"}) {
        hear(announcement(3, {"/ip4/127.0.0.1/tcp/" + std::string{own}.substr(6, 3)}), {}, own);
        EXPECT_THAT(discovered(), SizeIs(::testing::Gt(0u)));
    }
}

TEST_F(MdnsTest, ignores_what_is_said_of_itself_and_what_belongs_to_no_pointer) {
    open();
    hear(announcement(kSelf, {"/ip4/192.168.7.9/tcp/1"}));
    auto stray = announcement(2, {"/ip4/192.168.7.9/tcp/1"});
    stray.additionals[0].name = *Name::parse("another._p2p._udp.local");
    hear(stray);
    auto other = announcement(2, {"/ip4/192.168.7.9/tcp/1"});
    other.answers[0].name = *Name::parse("_other._udp.local");
    hear(other);
    EXPECT_FALSE(mdns->poll_event());
    EXPECT_EQ(mdns->counters().foreign, 1u);
    // Two peers under one name: the first is meant.
    auto mixed = announcement(2, {"/ip4/192.168.7.9/tcp/1"});
    mixed.additionals[0].texts.push_back("dnsaddr=" + address_of(3).text());
    hear(mixed);
    EXPECT_THAT(discovered(), ElementsAre(address_of(2, "/ip4/192.168.7.9/tcp/1")));
}

TEST_F(MdnsTest, its_own_answers_come_back_and_do_nothing) {
    open();
    ask();
    for (const auto& [when, message] : answers(seconds{1})) hear(message, when);
    EXPECT_FALSE(mdns->poll_event());
}

TEST_F(MdnsTest, takes_only_so_many_peers_and_of_one_source_fewer) {
    open({.peers_max = 5, .peers_per_source_max = 3});
    for (std::uint8_t i = 10; i < 20; ++i) hear(announcement(i, {"/ip4/10.0.0.1/tcp/1"}));
    EXPECT_EQ(mdns->peers(), 3u);
    for (std::uint8_t i = 20; i < 30; ++i)
        hear(announcement(i, {"/ip4/10.0.0.1/tcp/1"}), {}, "udp://192.168.7.10:5353");
    EXPECT_EQ(mdns->peers(), 5u);
    EXPECT_EQ(mdns->counters().overflow, 15u);
    // Those who are known can go on, and make place when they go.
    hear(announcement(10, {"/ip4/10.0.0.1/tcp/2"}, 0));
    hear(announcement(10, {"/ip4/10.0.0.1/tcp/1"}, 0));
    std::ignore = until(seconds{2});
    hear(announcement(19, {"/ip4/10.0.0.1/tcp/1"}), seconds{2});
    EXPECT_EQ(mdns->peers(), 5u);
}

TEST_F(MdnsTest, takes_only_so_many_addresses_of_a_peer_and_peers_of_a_message) {
    open({.addresses_max = 4});
    std::vector<std::string> many;
    for (int i = 1; i <= 9; ++i) many.push_back("/ip4/10.0.0.1/tcp/" + std::to_string(i));
    hear(announcement(2, many));
    EXPECT_THAT(discovered(), SizeIs(4));
    hear(announcement(2, {"/ip4/10.0.0.1/tcp/99"}));
    EXPECT_THAT(discovered(), IsEmpty());
    Message crowd{.response = true};
    for (std::uint8_t i = 10; i < 30; ++i) {
        auto one = announcement(i, {"/ip4/10.0.0.1/tcp/1"});
        crowd.answers.push_back(one.answers[0]);
        crowd.additionals.push_back(one.additionals[0]);
    }
    hear(crowd);
    EXPECT_EQ(mdns->peers(), 1u + 8u);
}

TEST_F(MdnsTest, counts_what_cannot_be_read) {
    open();
    hear(Bytes(11));
    hear(Bytes{});
    mdns->on_input(LinkBytes{LinkId{8}, Bytes(11), kNeighbour}, at({}));  // not our link
    EXPECT_EQ(mdns->counters().malformed, 2u);
}

TEST_F(MdnsTest, sends_nothing_without_room_and_goes_on_when_there_is_some) {
    mdns.emplace(Mdns::Config{.self = peer(kSelf)}, Rng{5});
    LinkOpen link;
    link.id = kLink;
    link.room = 30;  // a question has 33
    mdns->on_input(link, at({}));
    EXPECT_THAT(until(milliseconds{200}), IsEmpty());
    mdns->on_input(Room{kLink, 3}, at({}));
    EXPECT_THAT(until(seconds{2}), SizeIs(1));
}

TEST_F(MdnsTest, stops_by_hanging_up_also_when_the_link_comes_late) {
    open();
    ask();
    mdns->stop();
    EXPECT_EQ(std::get<HangUp>(*mdns->poll_output()).link, kLink);
    ask();
    EXPECT_EQ(mdns->next_wake(), Instant::max());
    mdns->on_input(LinkClosed{kLink, "stopping"}, at({}));
    mdns->check_invariants();

    Mdns late{{.self = peer(kSelf)}, Rng{5}};
    late.start();
    std::ignore = late.poll_output();
    late.stop();
    LinkOpen link;
    link.id = kLink;
    late.on_input(link, at({}));
    EXPECT_EQ(std::get<HangUp>(*late.poll_output()).link, kLink);
}

TEST(Expand, puts_each_host_where_all_interfaces_are_listened_on) {
    const std::vector<std::string> hosts{"192.0.2.1", "2001:db8::1", "198.51.100.1"};
    EXPECT_THAT(
        expand(address("/ip4/0.0.0.0/tcp/4001"), hosts),
        ElementsAre(address("/ip4/192.0.2.1/tcp/4001"), address("/ip4/198.51.100.1/tcp/4001")));
    EXPECT_THAT(expand(address_of(1, "/ip6/::/tcp/4001"), hosts),
                ElementsAre(address_of(1, "/ip6/2001:db8::1/tcp/4001")));
    EXPECT_THAT(expand(address("/ip4/127.0.0.1/tcp/1"), hosts),
                ElementsAre(address("/ip4/127.0.0.1/tcp/1")));
    EXPECT_THAT(expand(address("/dns4/a.b/tcp/1"), hosts), SizeIs(1));
    EXPECT_THAT(expand(address("/ip4/0.0.0.0/tcp/1"), std::vector<std::string>(99, "10.0.0.1")),
                SizeIs(16));
}

}  // namespace
}  // namespace sennit::libp2p::mdns
