// SPDX-License-Identifier: MIT
/// Two Sennit nodes with each other: type 0x50, proofs of identity, duplicates.
#include <gmock/gmock.h>

#include "protocol/moderntensor/extension.hpp"
#include "protocol/moderntensor/fixture.hpp"
#include "protocol/moderntensor/json_form.hpp"

namespace sennit::protocol::moderntensor {
namespace {

using namespace std::chrono_literals;

/// Two instances; what one transmits on a link the other hears.
class ModernTensorPair : public testing::Test {
  protected:
    /// `from` dials the other; nullopt where a test wants to change what passes.
    std::pair<LinkId, LinkId> link(Instance& from, Instance& to) {
        const auto inbound = to.open(true, {"tcp", "9.9.9.1", 41000});
        const auto outbound = from.open(false, {"tcp", "9.9.9.2", 30303});
        wires.push_back({&from, outbound, &to, inbound});
        return {outbound, inbound};
    }
    void run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (auto& wire : wires) {
                moved = carry(*wire.a, wire.on_a, *wire.b, wire.on_b) || moved;
                moved = carry(*wire.b, wire.on_b, *wire.a, wire.on_a) || moved;
            }
        }
    }
    /// a and b, connected; the first dialled.
    void connect() {
        link(a, b);
        run();
        ASSERT_EQ(a.peers.size(), 1u);
        ASSERT_EQ(b.peers.size(), 1u);
    }
    PeerId b_at_a() { return a.peers.begin()->first; }
    PeerId a_at_b() { return b.peers.begin()->first; }

    template <class T>
    T pass(T message) {
        EXPECT_TRUE(a.send(b_at_a(), make_message(std::move(message))).refused.empty());
        run();
        const auto got = b.all<T>();
        EXPECT_EQ(got.size(), 1u);
        return got.empty() ? T{} : got.front();
    }
    /// a asks, b's engine answers; what b was asked, and what a got.
    template <class Ask, class Answer>
    std::pair<Ask, Answer> ask(Ask request, Answer answer) {
        const RequestId id{++last_request};
        EXPECT_TRUE(a.send(b_at_a(), make_message(std::move(request)), id).refused.empty());
        run();
        const auto asked = b.received.back();
        EXPECT_TRUE(
            b.send(asked.peer, make_message(std::move(answer)), {}, asked.receipt).refused.empty());
        b.input(Settle{asked.receipt, Verdict::accept});
        run();
        const auto got = a.received.back();
        EXPECT_EQ(got.answers, id);
        return {std::get<Ask>(*asked.message), std::get<Answer>(*got.message)};
    }

    struct Wire {
        Instance* a;
        LinkId on_a;
        Instance* b;
        LinkId on_b;
    };
    static bool carry(Instance& from, LinkId out, Instance& to, LinkId in) {
        const auto bytes = std::exchange(from.transmitted[out], {});
        if (!bytes.empty()) to.say(in, bytes);
        if (!from.is_closed(out) || !bytes.empty()) return !bytes.empty();
        to.input(CarrierInput{LinkClosed{in, "closed by peer"}});
        from.input(CarrierInput{LinkClosed{out, "closed"}});
        return false;
    }

    Instance a{1};
    Instance b{2};
    std::vector<Wire> wires;
    std::uint64_t last_request{0};
};

TEST_F(ModernTensorPair, both_are_proven_sennit_peers) {
    connect();
    for (const auto& [node, other] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
        const auto& facts = node->peers.begin()->second;
        EXPECT_EQ(facts.identity.id, other->id);
        EXPECT_TRUE(facts.identity.proven);
        EXPECT_TRUE(facts.traits.sennit);
        EXPECT_FALSE(facts.traits.finalised_only);
        EXPECT_EQ(facts.traits.headers_max, 2048u);
        EXPECT_EQ(facts.traits.blocks_max, 128u);
        EXPECT_TRUE(node->misbehaved.empty());
        EXPECT_EQ(facts.address.port, 30303) << "where it listens, not where it came from";
    }
}

TEST_F(ModernTensorPair, status_votes_blocks_and_evidence_arrive_as_they_were) {
    connect();
    Status status;
    status.chain_id = 4711;
    status.genesis = test_genesis();
    status.head.bytes.fill(1);
    status.head_height = Height{12};
    status.certified = {Slot{11}, status.head};
    status.certified_height = Height{11};
    status.finalised = {Slot{10}, status.genesis};
    status.finalised_height = Height{10};
    status.set_version = 3;
    EXPECT_EQ(pass(status), status);

    Vote vote;
    vote.set_version = 2;
    vote.key.bytes.fill(9);
    vote.link.target.slot = Slot{77};
    vote.signature.bytes.fill(8);
    EXPECT_EQ(pass(Votes{{vote, vote}}).votes, (std::vector{vote, vote}));

    const auto block = test_block(5);
    const auto got = pass(NewBlock{WireBlock{block, test_certificate()}}).block;
    EXPECT_EQ(got.id(), block->id);
    EXPECT_EQ(got.header(), block->header);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(to_hex(got.transaction(0)), to_hex(block->transactions[0]->rlp));
    ASSERT_NE(got.certificate(), nullptr);
    EXPECT_EQ(*got.certificate(), *test_certificate());

    const Evidence evidence{{1, 2, 3}, {4}};
    EXPECT_EQ(pass(Evidences{{evidence}}).items, std::vector{evidence});
    EXPECT_EQ(pass(Transactions{{WireTransaction{test_transaction(7)}}}).transactions.size(), 1u);
    EXPECT_EQ(pass(Certificates{{test_certificate()}, {}}).certificates.size(), 1u);
    EXPECT_TRUE(b.misbehaved.empty());
}

TEST_F(ModernTensorPair, requests_of_every_form_are_answered_with_their_number) {
    connect();
    BlockId id;
    id.bytes.fill(0x1d);
    const auto block = test_block(5);
    const WireHeader header{block->header};

    const auto by_id = ask(GetHeaders{id, 2048, true}, Headers{{header}, {test_certificate()}});
    EXPECT_EQ(std::get<BlockId>(by_id.first.from), id);
    EXPECT_EQ(by_id.first.max, 2048u);
    EXPECT_TRUE(by_id.first.newest_first);
    EXPECT_EQ(by_id.second.headers, std::vector{header});
    EXPECT_EQ(*by_id.second.certificates.at(0), *test_certificate());
    const auto by_height = ask(GetHeaders{Height{9}, 3, false}, Headers{}).first;
    EXPECT_EQ(std::get<Height>(by_height.from), Height{9});
    EXPECT_FALSE(by_height.newest_first);

    const auto range = ask(GetBlocks{BlockRange{Height{3}, 7}}, Blocks{{WireBlock{block}}});
    EXPECT_EQ(std::get<BlockRange>(range.first.what).from, Height{3});
    EXPECT_EQ(std::get<BlockRange>(range.first.what).max, 7u);
    EXPECT_EQ(range.second.blocks.at(0).id(), block->id);
    EXPECT_EQ(range.second.blocks.at(0).certificate(), nullptr);
    const auto ids = ask(GetBlocks{std::vector{id}}, Blocks{});
    EXPECT_EQ(std::get<std::vector<BlockId>>(ids.first.what), std::vector{id});

    Bodies bodies;
    bodies.bodies.push_back({id, {WireTransaction{test_transaction(1)}}});
    const auto body = ask(GetBodies{{id, id}}, bodies).second.bodies;
    EXPECT_EQ(body.at(0).id, id);
    EXPECT_EQ(to_hex(body.at(0).transactions.at(0).bytes()), to_hex(test_transaction(1)->rlp));

    const Transactions found{{WireTransaction{test_transaction(4)}}};
    EXPECT_EQ(ask(GetTransactions{{TxId{}}}, found).second.transactions.size(), 1u);
    EXPECT_EQ(ask(GetPeers{9}, Peers{{{{"tcp", "8.8.8.8", 1}, {}}}}).second.peers.size(), 1u);
}

TEST_F(ModernTensorPair, certificates_come_with_the_sets_that_they_bring) {
    connect();
    ValidatorSet set;
    set.version = 4;
    set.first_slot = Slot{64};
    for (std::uint8_t i = 1; i <= 3; ++i) {
        Member member;
        member.account.bytes.fill(i);
        member.key.bytes.fill(static_cast<std::uint8_t>(0x40 + i));
        member.weight = 1000u * i;
        set.members.push_back(member);
    }
    const Certificates answer{{test_certificate()}, {std::make_shared<const ValidatorSet>(set)}};
    const auto by_version = ask(GetCertificates{FromSetVersion{3}}, answer);
    EXPECT_EQ(std::get<FromSetVersion>(by_version.first.what).version, 3u);
    EXPECT_EQ(*by_version.second.sets.at(0), set);
    const auto latest = ask(GetCertificates{LatestCertificate{}}, answer).first;
    EXPECT_TRUE(std::holds_alternative<LatestCertificate>(latest.what));
    const auto by_id = ask(GetCertificates{std::vector{BlockId{}}}, Certificates{}).first;
    EXPECT_EQ(std::get<std::vector<BlockId>>(by_id.what).size(), 1u);

    // What Quorum relies on is checked where it comes in.
    const auto decode = [&](const ValidatorSet& wrong) {
        const auto frame = encode_extension(
            Message{Certificates{{}, {std::make_shared<const ValidatorSet>(wrong)}}}, 1);
        return decode_extension(Type::sennit_certificates, BytesView{*frame}.subspan(6));
    };
    EXPECT_TRUE(decode(set));
    auto wrong = set;
    std::swap(wrong.members[0], wrong.members[1]);
    EXPECT_EQ(decode(wrong).error().code, Errc::malformed);
    wrong = set;
    wrong.members[1].account = wrong.members[0].account;
    EXPECT_EQ(decode(wrong).error().code, Errc::malformed);
    wrong = set;
    wrong.members[0].weight = std::uint64_t{1} << 63;
    EXPECT_EQ(decode(wrong).error().code, Errc::malformed);
}

TEST_F(ModernTensorPair, many_requests_of_one_kind_may_be_in_flight_and_answered_in_any_order) {
    connect();
    for (std::uint64_t i = 1; i <= 8; ++i) {
        const auto sent =
            a.send(b_at_a(), make_message(GetHeaders{Height{i * 100}, 1, false}), RequestId{i});
        EXPECT_TRUE(sent.refused.empty());
        EXPECT_GT(sent.overdue, a.now.at);
    }
    run();
    ASSERT_EQ(b.received.size(), 8u);
    for (auto item = b.received.rbegin(); item != b.received.rend(); ++item) {
        const auto height = std::get<Height>(std::get<GetHeaders>(*item->message).from).value;
        Headers headers{{WireHeader{test_block(height)->header}}, {}};
        b.send(item->peer, make_message(std::move(headers)), {}, item->receipt);
    }
    run();
    ASSERT_EQ(a.received.size(), 8u);
    for (const auto& item : a.received) {
        EXPECT_EQ(std::get<Headers>(*item.message).headers.at(0).header.height.value,
                  item.answers->value * 100);
    }
}

TEST_F(ModernTensorPair, a_refusal_is_an_answer_too) {
    connect();
    a.send(b_at_a(), make_message(GetBodies{{BlockId{}}}), RequestId{5});
    run();
    const auto asked = b.received.back();
    b.send(asked.peer, make_message(Refused{Errc::not_found, "pruned"}), {}, asked.receipt);
    run();
    EXPECT_EQ(a.received.back().answers, RequestId{5});
    EXPECT_EQ(a.all<Refused>().at(0).why, "pruned");
    EXPECT_EQ(a.all<Refused>().at(0).code, Errc::not_found);
}

TEST_F(ModernTensorPair, answers_that_nobody_asked_for_or_too_long_ones_are_offences) {
    connect();
    const auto on_a = wires[0].on_a;
    const auto header = WireHeader{test_block(1)->header};
    a.say(on_a, *encode_extension(Message{Headers{{header}, {}}}, 9));
    EXPECT_EQ(a.misbehaved.at(0).offence, Offence::unsolicited);
    a.send(b_at_a(), make_message(GetHeaders{Height{1}, 1, false}), RequestId{1});
    const auto number = decode_extension(Type::sennit_get_headers, a.frames(on_a).at(0).payload);
    a.say(on_a, *encode_extension(Message{Blocks{}}, number->request));
    EXPECT_EQ(a.misbehaved.at(1).offence, Offence::unsolicited) << "of another kind";
    a.say(on_a, *encode_extension(Message{Headers{{header, header}, {}}}, number->request));
    EXPECT_EQ(a.misbehaved.at(2).offence, Offence::oversized);
    EXPECT_TRUE(a.received.empty());
    const auto right = *encode_extension(Message{Headers{{header}, {}}}, number->request);
    auto twice = right;
    twice.insert(twice.end(), right.begin(), right.end());
    a.say(on_a, twice);
    EXPECT_EQ(a.received.size(), 1u);
    EXPECT_EQ(a.misbehaved.size(), 4u) << "the second copy in the same bytes answers nothing";
    EXPECT_FALSE(a.is_closed(on_a));
}

TEST_F(ModernTensorPair, an_answer_that_nobody_asked_for_is_not_even_read) {
    connect();
    const auto on_a = wires[0].on_a;
    Writer out;
    out.le(std::uint32_t{9}).raw(Bytes(100, 0xff));
    for (const auto type :
         {Type::sennit_headers, Type::sennit_blocks, Type::sennit_bodies, Type::sennit_transactions,
          Type::sennit_certificates, Type::sennit_refused}) {
        a.say(on_a, *make_frame(type, out.bytes()));
        EXPECT_EQ(a.misbehaved.back().offence, Offence::unsolicited) << to_string(type);
    }
    EXPECT_EQ(a.misbehaved.size(), 6u);
}

TEST_F(ModernTensorPair, a_large_answer_is_kept_only_while_one_of_its_kind_is_owed) {
    connect();
    const auto on_a = wires[0].on_a;
    const auto frame = *make_frame(Type::sennit_bodies, Bytes(300'000, 0xff));
    const auto half = BytesView{frame}.first(200'000);
    a.say(on_a, half);
    EXPECT_EQ(a.budget->used(), 0u);
    a.say(on_a, BytesView{frame}.subspan(200'000));
    EXPECT_EQ(a.misbehaved.back().offence, Offence::unsolicited);
    a.send(b_at_a(), make_message(GetBodies{{BlockId{}}}), RequestId{1});
    a.say(on_a, half);
    EXPECT_GT(a.budget->used(), 100'000u);
}

TEST_F(ModernTensorPair, a_sennit_peer_may_ask_in_json_and_is_answered_in_json) {
    connect();
    const auto on_b = wires[0].on_b;
    b.say(on_b, text_frame(Type::get_headers, R"({"start_height": 1, "max_headers": 2048})"));
    EXPECT_EQ(b.all<GetHeaders>().at(0).max, 2048u);
    b.send(a_at_b(), make_message(Headers{{WireHeader{test_block(1)->header}}, {}}), {},
           b.received.back().receipt);
    const auto frames = b.frames(on_b);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].type, Type::headers);
    b.say(on_b, text_frame(Type::new_block, write_block(WireBlock{test_block(3)})));
    EXPECT_EQ(b.all<NewBlock>().size(), 1u) << "and its blocks in JSON are read";
}

/// An item of one byte on the wire would take seventy in memory.
TEST_F(ModernTensorPair, a_list_of_transactions_too_short_to_be_any_is_refused) {
    const auto bodies = [](std::size_t first, std::size_t others) {
        Writer out;
        out.le(std::uint32_t{1}).le(std::uint16_t{1}).hash(BlockId{}).le(std::uint16_t{65'535});
        for (std::size_t i = 0; i < 65'535; ++i) {
            const Bytes item(i == 0 ? first : others, 0xc0);
            out.uleb128(item.size()).raw(item);
        }
        return decode_extension(Type::sennit_bodies, out.bytes());
    };
    EXPECT_FALSE(bodies(0, 0));
    EXPECT_FALSE(bodies(1, 0));
    EXPECT_FALSE(bodies(100, 0));
    EXPECT_FALSE(bodies(100, 29));
    EXPECT_EQ(bodies(100, 29).error().code, Errc::malformed);
    EXPECT_TRUE(bodies(30, 30)) << "what decode_transaction may accept";

    const auto json = [](std::size_t size) {
        const WireTransaction tx{SharedSlice{Bytes(size, 0xc0)}, std::nullopt};
        return read_json(Type::transactions, as_bytes(write_transactions({{tx}})));
    };
    EXPECT_TRUE(json(30));
    EXPECT_FALSE(json(29));
    EXPECT_FALSE(json(0));
}

TEST_F(ModernTensorPair, a_wrong_proof_ends_the_link) {
    const auto [on_a, on_b] = link(a, b);
    b.say(on_b, std::exchange(a.transmitted[on_a], {}));
    auto bytes = std::exchange(b.transmitted[on_b], {});
    bytes.back() ^= 1;
    a.say(on_a, bytes);
    EXPECT_TRUE(a.is_closed(on_a));
    EXPECT_EQ(a.misbehaved.at(0).offence, Offence::forged);
    EXPECT_FALSE(a.misbehaved.at(0).identity.proven);
}

TEST_F(ModernTensorPair, a_proof_of_another_link_is_worth_nothing) {
    const auto [first_a, first_b] = link(a, b);
    b.say(first_b, std::exchange(a.transmitted[first_a], {}));
    const auto old_proof = b.frames(first_b).at(1);
    ASSERT_EQ(old_proof.type, Type::sennit_proof);
    const auto [on_a, on_b] = link(a, b);
    b.say(on_b, std::exchange(a.transmitted[on_a], {}));
    const auto hello = b.frames(on_b).at(0);
    a.say(on_a, *make_frame(hello.type, hello.payload));
    a.say(on_a, *make_frame(old_proof.type, old_proof.payload));
    EXPECT_TRUE(a.is_closed(on_a));
    EXPECT_EQ(a.misbehaved.at(0).offence, Offence::forged);
}

TEST_F(ModernTensorPair, a_second_proof_changes_nothing) {
    const auto [on_a, on_b] = link(a, b);
    b.say(on_b, std::exchange(a.transmitted[on_a], {}));
    const auto frames = b.frames(on_b);
    a.say(on_a, *make_frame(frames[0].type, frames[0].payload));
    for (int i = 0; i < 3; ++i) a.say(on_a, *make_frame(frames[1].type, frames[1].payload));
    EXPECT_TRUE(a.peers.begin()->second.identity.proven);
    EXPECT_EQ(a.protocol->stats().at("ignored_second_proof"), 2u);
}

TEST_F(ModernTensorPair, bug_of_two_links_to_one_peer_both_ends_keep_the_same) {
    link(a, b);
    link(b, a);
    run();
    EXPECT_EQ(a.peers.size(), 1u);
    EXPECT_EQ(b.peers.size(), 1u);
    // The one that the smaller id dialled: a's end of it is outbound iff a's id is smaller.
    EXPECT_EQ(a.peers.begin()->second.inbound, b.id < a.id);
    EXPECT_EQ(b.peers.begin()->second.inbound, a.id < b.id);
}

TEST_F(ModernTensorPair, bug_a_node_never_connects_to_itself) {
    link(a, a);
    run();
    EXPECT_TRUE(a.peers.empty());
    EXPECT_EQ(a.protocol->stats().at("links"), 0u);
}

TEST_F(ModernTensorPair, an_announcement_reaches_originals_and_sennit_peers_encoded_for_each) {
    connect();
    const auto link = a.meet_original();
    std::vector<PeerId> all;
    for (const auto& [peer, facts] : a.peers) all.push_back(peer);
    const Outgoing outgoing{make_message(Transactions{{WireTransaction{test_transaction(1)}}}),
                            Priority::normal,
                            {},
                            {},
                            {},
                            {}};
    EXPECT_TRUE(a.protocol->send(all, outgoing, a.now).refused.empty());
    a.drain();
    EXPECT_EQ(a.frames(link).at(0).type, Type::new_transaction);
    EXPECT_EQ(a.frames(wires[0].on_a).at(0).type, Type::sennit_transactions);
}

TEST_F(ModernTensorPair, every_kind_is_described_and_made_again) {
    Status status;
    status.head_height = Height{3};
    Votes votes;
    votes.votes.resize(2);
    const WireBlock block{test_block(2), test_certificate()};
    Bodies bodies;
    bodies.bodies.push_back({BlockId{}, {WireTransaction{test_transaction(1)}}});
    ValidatorSet set;
    set.members.resize(1);
    const std::vector<Message> messages{
        status,
        votes,
        NewBlock{block},
        Evidences{{{{1}, {2}}}},
        GetHeaders{Height{1}, 2, true},
        GetHeaders{BlockId{}, 2, true},
        GetBlocks{BlockRange{Height{1}, 2}},
        GetBlocks{std::vector{BlockId{}}},
        GetBodies{{BlockId{}}},
        GetTransactions{{TxId{}}},
        GetCertificates{FromSetVersion{1}},
        GetCertificates{LatestCertificate{}},
        GetCertificates{std::vector{BlockId{}}},
        Headers{{WireHeader{test_block(1)->header}}, {test_certificate()}},
        Blocks{{block}},
        bodies,
        Transactions{{WireTransaction{test_transaction(1)}}},
        Certificates{{test_certificate()}, {std::make_shared<const ValidatorSet>(set)}},
        Refused{Errc::busy, "later"}};
    for (const auto& message : messages) {
        const auto name = std::string{to_string(kind_of(message))};
        const auto frame = encode_extension(message, 7);
        ASSERT_NE(frame, nullptr) << name;
        const auto frames = describe(*frame, {{"capability", "sennit/1"}});
        ASSERT_EQ(frames.size(), 1u) << name;
        EXPECT_EQ(frames[0].find("error"), nullptr) << name;
        EXPECT_GT(frames[0].as_object()->size(), 3u) << name << " has no fields";
        EXPECT_EQ(to_hex(*encode(frames[0])), to_hex(*frame)) << name;
        // Every byte counts: cut anywhere, it is an error that lies inside.
        const auto type = static_cast<Type>((*frame)[5] | kExtensionBit);
        const auto payload = BytesView{*frame}.subspan(6);
        for (std::size_t cut = 0; cut < payload.size(); ++cut) {
            const auto part = decode_extension(type, payload.first(cut));
            ASSERT_FALSE(part) << name << " " << cut;
            EXPECT_LE(part.error().at, cut) << name;
        }
        auto longer = to_bytes(payload);
        longer.push_back(0);
        EXPECT_EQ(decode_extension(type, longer).error().code, Errc::trailing) << name;
    }
}

}  // namespace
}  // namespace sennit::protocol::moderntensor
