// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "sync/test_world.hpp"

/// Peers that lie, fall silent or leave: who suffers, and who is blamed.
namespace sennit::sync {
namespace {

using fixture::Peer;
using fixture::Source;
using fixture::World;
using protocol::make_message;
using protocol::Message;
using protocol::MessagePtr;
using std::chrono::milliseconds;
using std::chrono::seconds;
using What = Blame::What;

Options small() {
    Options options;
    options.headers_batch = 16;
    options.headers_batch_sennit = 16;
    options.blocks_batch = 8;
    return options;
}

const Source& source() {
    static const Source source{{.final_height = 240, .unfinalised = 4, .transfer_every = 2}};
    return source;
}

template <class T>
std::function<MessagePtr(const Message&, MessagePtr)> bending(std::function<void(T&)> bend) {
    return [bend](const Message&, MessagePtr honest) {
        const auto* answer = std::get_if<T>(honest.get());
        if (answer == nullptr) return honest;
        auto bent = *answer;
        bend(bent);
        return make_message(std::move(bent));
    };
}

/// Headers that link to each other from the lowest upwards, and to nothing else.
void relink(protocol::Headers& answer) {
    auto& headers = answer.headers;
    for (std::size_t i = headers.size(); i-- > 0;) {
        auto header = headers[i].header;
        if (i + 1 == headers.size()) {
            header.gas_used ^= 1;
        } else {
            header.previous_hash = headers[i + 1].id;
        }
        headers[i] = protocol::WireHeader{std::move(header)};
    }
}

/// A byte each on the wire.
std::vector<protocol::WireTransaction> empty_items(std::size_t count) {
    return std::vector(count, protocol::WireTransaction{protocol::SharedSlice{Bytes{0x80}}, {}});
}

/// One liar among honest peers: the chain arrives, the liar is blamed, nobody else is.
class Liars : public testing::Test {
  protected:
    Liars() : world_{source(), small()} {
        for (int i = 0; i < 2; ++i) honest_.push_back(world_.add().ref);
    }

    Peer& liar() {
        auto& peer = world_.add();
        liar_ = peer.ref;
        peer.latency = milliseconds{10};
        return peer;
    }
    void expect_blamed(What what) {
        ASSERT_TRUE(world_.run_to(Height{240}));
        EXPECT_GE(world_.blamed(liar_, what), 1U);
        EXPECT_EQ(world_.blamed(liar_, what), world_.blamed(liar_));
        for (const auto peer : honest_) EXPECT_EQ(world_.blamed(peer), 0U);
        EXPECT_EQ(world_.state->base()->id, source().block(Height{240})->id);
    }

    World world_;
    std::vector<PeerRef> honest_;
    PeerRef liar_;
};

TEST_F(Liars, with_a_header_that_does_not_link_are_blamed) {
    liar().bend = bending<protocol::Headers>([](protocol::Headers& headers) {
        auto& one = headers.headers.at(headers.headers.size() / 2);
        one.header.gas_used ^= 1;
        one = protocol::WireHeader{one.header};
    });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_a_range_of_another_chain_are_blamed_when_the_proven_part_reaches_it) {
    liar().bend = bending<protocol::Headers>(relink);
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, who_lied_once_are_blamed_when_the_proven_part_reaches_it) {
    auto& peer = liar();
    // Its only answer, long before what lies above it: right then nobody can tell.
    peer.bend = [lied = false](const Message&, MessagePtr honest) mutable {
        const auto* headers = std::get_if<protocol::Headers>(honest.get());
        if (headers == nullptr) return honest;
        if (std::exchange(lied, true)) return MessagePtr{};
        auto bent = *headers;
        relink(bent);
        return make_message(std::move(bent));
    };
    for (const auto one : honest_) world_.peers.at(one).latency = milliseconds{400};
    ASSERT_TRUE(world_.run_to(Height{240}));
    EXPECT_EQ(world_.blamed(liar_, What::wrong_answer), 1U);
    for (const auto one : honest_) EXPECT_EQ(world_.blamed(one), 0U);
}

TEST_F(Liars, with_headers_of_other_heights_are_blamed) {
    liar().bend = bending<protocol::Headers>(
        [](protocol::Headers& headers) { headers.headers.erase(headers.headers.begin()); });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_empty_lists_are_blamed) {
    liar().bend =
        bending<protocol::Headers>([](protocol::Headers& headers) { headers.headers.clear(); });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_more_than_was_asked_for_are_blamed) {
    liar().bend = bending<protocol::Headers>([](protocol::Headers& headers) {
        for (auto h = headers.headers.back().header.height;
             h > Height{1} && headers.headers.size() < 20;) {
            h = h - 1;
            headers.headers.emplace_back(source().block(h)->header);
        }
    });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_an_answer_of_another_kind_are_blamed) {
    liar().bend = [](const Message& ask, MessagePtr honest) {
        return std::holds_alternative<protocol::GetBodies>(ask) ? make_message(protocol::Votes{})
                                                                : honest;
    };
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_the_body_of_another_block_are_blamed_when_it_is_executed) {
    liar().bend = bending<protocol::Bodies>([](protocol::Bodies& bodies) {
        for (auto& body : bodies.bodies) body.transactions = bodies.bodies.back().transactions;
        if (bodies.bodies.size() == 1) {
            auto& twice = bodies.bodies.front().transactions;
            twice.push_back(twice.front());
        }
    });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_bytes_that_are_no_transaction_are_blamed) {
    liar().bend = bending<protocol::Bodies>([](protocol::Bodies& bodies) {
        for (auto& body : bodies.bodies) {
            body.transactions.assign(
                1, protocol::WireTransaction{protocol::SharedSlice{Bytes{1, 2, 3}}, {}});
        }
    });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_bodies_under_other_ids_are_blamed) {
    liar().bend = bending<protocol::Bodies>(
        [](protocol::Bodies& bodies) { bodies.bodies.front().id.bytes[0] ^= 1; });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_bodies_without_transactions_are_blamed) {
    liar().bend = bending<protocol::Bodies>(
        [](protocol::Bodies& bodies) { bodies.bodies.front().transactions.clear(); });
    expect_blamed(What::wrong_answer);
}

TEST_F(Liars, with_bodies_larger_than_a_block_are_blamed_and_not_kept) {
    liar().bend = bending<protocol::Bodies>([](protocol::Bodies& bodies) {
        bodies.bodies.front().transactions.assign(
            1, protocol::WireTransaction{protocol::SharedSlice{Bytes(3'000'000)}, {}});
    });
    expect_blamed(What::wrong_answer);
    EXPECT_LT(world_.most.window_bytes, 1'000'000U);
}

TEST_F(Liars, with_bodies_of_more_items_than_a_block_has_room_for_are_blamed_and_not_kept) {
    liar().bend = bending<protocol::Bodies>(
        [](protocol::Bodies& bodies) { bodies.bodies.front().transactions = empty_items(2000); });
    expect_blamed(What::wrong_answer);
    EXPECT_THAT(world_.blames.front().why, testing::HasSubstr("larger than the chain allows"));
    EXPECT_LT(world_.most.window_bytes, 100'000U);
}

TEST_F(Liars, who_fall_silent_are_blamed_as_overdue) {
    liar().bend = [](const Message&, MessagePtr) { return MessagePtr{}; };
    expect_blamed(What::overdue);
}

TEST_F(Liars, who_fall_silent_about_bodies_are_blamed_as_overdue_or_outrun) {
    liar().bend = [](const Message& ask, MessagePtr honest) {
        return std::holds_alternative<protocol::GetBodies>(ask) ? MessagePtr{} : honest;
    };
    const auto before = world_.now.at;
    ASSERT_TRUE(world_.run_to(Height{240}));
    // A second peer is asked long before the first is overdue.
    EXPECT_LT(world_.now.at - before, seconds{10});
}

TEST_F(Liars, with_forged_signatures_in_a_proof_are_blamed) {
    liar().bend = bending<protocol::Certificates>([](protocol::Certificates& proofs) {
        auto forged = *proofs.certificates.back();
        forged.signatures.front().bytes[5] ^= 1;
        proofs.certificates.back() = std::make_shared<const Certificate>(std::move(forged));
    });
    liar().finalised = Height{240};
    // Asked whom to ask by chance: leave the liar alone with it for a while.
    for (const auto peer : honest_) world_.remove(peer);
    world_.run([&] { return world_.blamed(liar_) > 0 || !world_.blames.empty(); });
    ASSERT_FALSE(world_.blames.empty());
    EXPECT_EQ(world_.blames.front().what, What::wrong_answer);
    EXPECT_EQ(world_.state->base()->height, Height{0});
}

TEST_F(Liars, who_claim_another_height_than_the_certified_block_has_are_blamed) {
    for (const auto peer : honest_) world_.remove(peer);
    liar().bend = bending<protocol::Certificates>([](protocol::Certificates& proofs) {
        auto stretched = *proofs.certificates.back();
        stretched.target_height = Height{200};  // of 241
        proofs.certificates.back() = std::make_shared<const Certificate>(std::move(stretched));
    });
    ASSERT_TRUE(world_.run([&] { return world_.blamed(liar_) > 0; }));
    EXPECT_TRUE(world_.rows.empty());
    EXPECT_FALSE(world_.sync->syncing());
    world_.add();
    ASSERT_TRUE(world_.run_to(Height{240}));
}

TEST_F(Liars, who_claim_a_height_beyond_what_slots_allow_are_blamed_at_once) {
    for (const auto peer : honest_) world_.remove(peer);
    liar().bend = bending<protocol::Certificates>([](protocol::Certificates& proofs) {
        auto stretched = *proofs.certificates.back();
        stretched.target_height = Height{1'000'000'000};
        proofs.certificates.back() = std::make_shared<const Certificate>(std::move(stretched));
    });
    ASSERT_TRUE(world_.run([&] { return world_.blamed(liar_, What::wrong_answer) > 0; }));
    EXPECT_EQ(world_.asks.count("GetHeaders"), 0U);
}

TEST_F(Liars, who_prove_with_a_set_of_their_own_are_blamed) {
    for (const auto peer : honest_) world_.remove(peer);
    liar().bend = bending<protocol::Certificates>([](protocol::Certificates& proofs) {
        auto set = *source().facts(Height{1})->sets.current;
        set.version = 1;
        for (auto& member : set.members) {
            member.key = chain::fixture::validator_key(50).public_key<ValidatorKey>();
        }
        set.members.resize(1);
        auto own = *proofs.certificates.back();
        own.set_version = 1;
        proofs.certificates = {std::make_shared<const Certificate>(std::move(own))};
        proofs.sets = {std::make_shared<const ValidatorSet>(std::move(set))};
    });
    ASSERT_TRUE(world_.run([&] { return world_.blamed(liar_, What::wrong_answer) > 0; }));
    EXPECT_TRUE(world_.rows.empty());
}

TEST(SyncAdversary, a_mere_claim_does_not_make_a_validator_stop) {
    World world{source(), small()};
    ASSERT_TRUE((world.add(), world.run_to(Height{240})));
    world.wait(seconds{20});
    auto& liar = world.add(Height{240}, Height{240});
    liar.bend = [](const Message&, MessagePtr) { return MessagePtr{}; };
    world.wait(milliseconds{1});
    auto status = source().status(Height{240}, Height{240});
    status.finalised_height = Height{1'000'000};
    status.head_height = Height{1'000'000};
    world.say(liar.ref, status);
    bool ever = false;
    world.run([&] { return ever = ever || world.sync->syncing(); }, std::chrono::minutes{30});
    EXPECT_FALSE(ever);
    EXPECT_EQ(world.blamed(liar.ref, What::overdue), world.blamed(liar.ref));
    // Each empty claim is believed for less time than the one before.
    EXPECT_LT(liar.asked, 14U);
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::synced);
}

TEST(SyncAdversary, peers_that_leave_are_replaced) {
    World world{source(), small()};
    std::vector<PeerRef> peers;
    for (int i = 0; i < 5; ++i) peers.push_back(world.add().ref);
    for (std::size_t i = 0; i < 4; ++i) {
        const Height next{world.state->base()->height.value + 30};
        const auto asked = world.asks["GetHeaders"] + 3;
        world.run([&] {
            return world.state->base()->height >= next || world.asks["GetHeaders"] >= asked;
        });
        world.remove(peers[i]);
    }
    ASSERT_TRUE(world.run_to(Height{240}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(SyncAdversary, what_was_asked_of_who_left_is_forgotten) {
    World world{source(), small()};
    const auto peer = world.add().ref;
    ASSERT_TRUE(world.run([&] { return world.unanswered() == 3; }));
    world.remove(peer);
    EXPECT_EQ(world.unanswered(), 0U);
}

TEST(SyncAdversary, alone_with_a_liar_it_is_behind_until_an_honest_peer_comes) {
    World world{source(), small()};
    auto& liar = world.add();
    liar.bend = bending<protocol::Bodies>([](protocol::Bodies& bodies) {
        for (auto& body : bodies.bodies) body.transactions.push_back(body.transactions.front());
    });
    world.run([&] { return world.blamed(liar.ref) > 0; });
    world.wait(std::chrono::minutes{1});
    EXPECT_LT(world.state->base()->height, Height{10});
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::behind);
    world.add();
    ASSERT_TRUE(world.run_to(Height{240}));
}

TEST(SyncAdversary, a_certified_chain_without_our_finalised_block_stops_it) {
    const Source other{{.final_height = 20, .transfer_every = 3}};
    World world{source(), small()};
    std::vector<BlockPtr> blocks;
    for (Height h{1}; h <= Height{20}; ++h) blocks.push_back(other.block(h));
    ASSERT_EQ(world.state->append_final(blocks)->applied, 20U);
    world.overtake(world.state->base()->height);
    world.add();
    ASSERT_TRUE(world.run([&] { return world.sync->progress(world.now).phase == Phase::error; }));
    EXPECT_THAT(world.sync->progress(world.now).error, testing::HasSubstr("finalised"));
    world.asks.clear();
    world.wait(std::chrono::minutes{10});
    EXPECT_TRUE(world.asks.empty());
}

TEST(SyncAdversary, who_is_busy_is_asked_again_when_ready) {
    World world{source(), small()};
    auto& peer = world.add();
    peer.refuses = protocol::Refusal::busy;
    world.wait(seconds{10});
    EXPECT_GT(peer.asked, 5U);
    EXPECT_LT(peer.asked, 15U);
    peer.refuses.reset();
    world.ready(peer.ref);
    ASSERT_TRUE(world.run_to(Height{240}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(SyncAdversary, who_has_no_word_for_it_is_left_alone_for_longer_each_time) {
    World world{source(), small()};
    auto& peer = world.add();
    peer.refuses = protocol::Refusal::unsupported;
    world.wait(std::chrono::minutes{10});
    EXPECT_GE(peer.asked, 3U);
    EXPECT_LE(peer.asked, 12U);
    EXPECT_TRUE(world.blames.empty());
    EXPECT_NE(world.sync->progress(world.now).phase, Phase::syncing);
}

TEST(SyncAdversary, refusals_cost_nothing_at_first_and_something_later) {
    World world{source(), small()};
    auto& peer = world.add();
    peer.bend = [](const Message&, MessagePtr) {
        return make_message(protocol::Refused{Errc::not_found, "no"});
    };
    ASSERT_TRUE(world.run([&] { return peer.asked == 3; }));
    EXPECT_TRUE(world.blames.empty());
    world.wait(std::chrono::minutes{10});
    EXPECT_GE(world.blamed(peer.ref, What::overdue), 1U);
}

TEST(SyncAdversary, a_forged_branch_is_blamed_and_offered_to_nobody) {
    World world{source(), small()};
    auto& peer = world.add(Height{200}, Height{200});
    ASSERT_TRUE(world.run_to(Height{200}));
    peer.bend = bending<protocol::Headers>(relink);
    world.tell(peer, Height{200}, Height{230});
    ASSERT_TRUE(world.run([&] { return world.blamed(peer.ref) > 0; }));
    EXPECT_EQ(world.blames.front().what, What::wrong_answer);
    EXPECT_EQ(world.offers, 0U);
}

std::function<MessagePtr(const Message&, MessagePtr)> with_bodies(
    std::vector<protocol::WireTransaction> body) {
    return bending<protocol::Blocks>([body](protocol::Blocks& blocks) {
        for (auto& block : blocks.blocks)
            block = protocol::WireBlock{protocol::WireHeader{block.header()}, body};
    });
}

class BranchBodies : public testing::TestWithParam<std::size_t> {};

TEST_P(BranchBodies, larger_than_a_block_are_blamed_and_offered_to_nobody) {
    World world{source(), small()};
    auto& peer = world.add(Height{0}, Height{240});
    auto body = empty_items(GetParam());
    if (body.size() == 1) body.front().rlp = protocol::SharedSlice{Bytes(3'000'000)};
    peer.bend = with_bodies(body);
    ASSERT_TRUE(world.run([&] { return world.blamed(peer.ref) > 0; }));
    EXPECT_EQ(world.blames.front().what, What::wrong_answer);
    EXPECT_EQ(world.offers, 0U);
    EXPECT_EQ(world.most.branch_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(OneOrMany, BranchBodies, testing::Values(1, 2000));

TEST(SyncAdversary, a_branch_of_full_blocks_is_held_only_up_to_a_bound_of_bytes) {
    World world{source(), small()};
    world.offer_latency = seconds{25};
    auto& peer = world.add(Height{0}, Height{240});
    std::vector<protocol::WireTransaction> body(
        360, protocol::WireTransaction{protocol::SharedSlice{Bytes(160)}, {}});
    peer.bend = with_bodies(body);
    world.wait(seconds{20});
    EXPECT_GT(world.most.branch_bytes, 12'000'000U);
    EXPECT_LT(world.most.branch_bytes, 17'000'000U);
}

/// A branch that nobody built: every header is in its slot and links to the next, the lowest to
/// nothing. By id.
std::map<BlockId, protocol::WireHeader> invent(std::uint64_t from, std::uint64_t count,
                                               BlockId& top) {
    std::map<BlockId, protocol::WireHeader> branch;
    const auto schedule = source().keys().schedule();
    for (std::uint64_t h = from; h < from + count; ++h) {
        Header header;
        header.height = Height{h};
        header.timestamp = schedule.timestamp(Slot{h + 1000});
        header.previous_hash = top;
        const protocol::WireHeader wire{header};
        branch.emplace(top = wire.id, wire);
    }
    return branch;
}

class Drips : public testing::Test {
  protected:
    Drips() : world_{source(), small()} {
        honest_ = world_.add(Height{200}, Height{200}).ref;
        SENNIT_ASSERT(world_.run_to(Height{200}));
    }
    /// Follows a liar whose branch never ends.
    void start_with_invented_headers() {
        auto top = BlockId{{1}};
        const auto branch = invent(201, 3000, top);
        auto& liar = world_.add(Height{200}, Height{200});
        liar.latency = seconds{9};
        liar.bend = [branch](const Message& ask, MessagePtr honest) {
            const auto* get = std::get_if<protocol::GetHeaders>(&ask);
            if (get == nullptr || !std::holds_alternative<BlockId>(get->from)) return honest;
            protocol::Headers out;
            const auto found = branch.find(std::get<BlockId>(get->from));
            if (found != branch.end()) out.headers.push_back(found->second);
            return make_message(std::move(out));
        };
        liar_ = liar.ref;
        world_.wait(milliseconds{1});
        auto status = source().status(Height{200}, Height{200});
        status.head = top;
        status.head_height = Height{3200};
        status.certified.slot = Slot{~std::uint64_t{0}};
        world_.say(liar_, status);
        SENNIT_ASSERT(world_.sync->stage() == Stage::branch);
    }

    World world_;
    PeerRef honest_;
    PeerRef liar_;
};

TEST_F(Drips, of_invented_headers_end_at_one_deadline) {
    start_with_invented_headers();
    EXPECT_TRUE(world_.run([&] { return world_.sync->stage() == Stage::none; }, seconds{61}));
    EXPECT_GT(world_.most.branch_ids, 3U);
    // Each time it is believed for no longer, and left alone for longer.
    world_.wait(std::chrono::minutes{30});
    EXPECT_LT(world_.peers.at(liar_).asked, 100U);
}

TEST_F(Drips, of_invented_headers_do_not_keep_it_from_an_honest_branch) {
    start_with_invented_headers();
    world_.tell(world_.peers.at(honest_), Height{200}, Height{240});
    ASSERT_TRUE(
        world_.run([&] { return world_.head == source().block(Height{240})->id; }, seconds{15}));
    EXPECT_EQ(world_.blamed(honest_), 0U);
}

TEST_F(Drips, of_invented_headers_do_not_keep_it_from_finality) {
    start_with_invented_headers();
    world_.tell(world_.peers.at(honest_), Height{240}, Height{240});
    ASSERT_TRUE(
        world_.run([&] { return world_.state->base()->height == Height{240}; }, seconds{15}));
}

TEST_F(Drips, of_blocks_slower_than_the_chain_grows_are_given_up) {
    auto& slow = world_.add(Height{200}, Height{240});
    slow.latency = seconds{9};
    slow.bend =
        bending<protocol::Blocks>([](protocol::Blocks& blocks) { blocks.blocks.resize(1); });
    const auto ref = slow.ref;
    ASSERT_TRUE(world_.run([&] { return world_.offers > 0; }, std::chrono::minutes{3}));
    EXPECT_EQ(world_.sync->stage(), Stage::branch);
    world_.tell(world_.peers.at(honest_), Height{200}, Height{240});
    ASSERT_TRUE(
        world_.run([&] { return world_.head == source().block(Height{240})->id; }, seconds{70}));
    EXPECT_EQ(world_.blamed(ref), 0U);
    EXPECT_EQ(world_.blamed(honest_), 0U);
}

}  // namespace
}  // namespace sennit::sync
