// SPDX-License-Identifier: MIT
/// Nodes in one virtual network, seeded: they start one after the other, each knowing one that was
/// there, and minutes later they have to find what is closest to random ids. Some scenarios have
/// liars among them, and nodes that die just before the lookups.
///
/// SENNIT_SIM_NODES asks for more of them: with the few that every run has, tables hold everybody.
#include <gtest/gtest.h>

#include <cstdlib>

#include "libp2p/kad/testing.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p::kad {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::address;
using testing::peer;

std::size_t nodes_of_run() {
    const char* text = std::getenv("SENNIT_SIM_NODES");
    return text == nullptr ? 60 : std::strtoull(text, nullptr, 10);
}

struct Scenario {
    std::size_t nodes{nodes_of_run()};
    std::size_t liars_percent{0};
    std::size_t dead_percent{0};
    Duration since_death{};  ///< before the lookups
    std::uint64_t seed{1};
};

struct Figures {
    std::size_t lookups{0};
    std::size_t exact{0};   ///< found exactly the closest set of those that live
    std::size_t honest{0};  ///< honest and alive, among the closest
    std::size_t honest_found{0};
    std::size_t requests{0};
    std::size_t table_max{0};
    Digest digest{};
};

class World {
  public:
    explicit World(const Scenario& scenario) : scenario_{scenario}, rng_{scenario.seed} {
        for (std::size_t i = 0; i < scenario.nodes; ++i) {
            Kad::Config config;
            config.self = peer(i);
            config.protocol = "/sim/kad/1.0.0";
            auto& node = nodes_.emplace_back();
            node.kad = std::make_unique<Kad>(config, Rng{scenario.seed * 1000 + i});
            node.liar = i > 3 && i % 100 < scenario.liars_percent;
            numbers_[peer(i)] = i;
        }
        for (std::uint64_t i = 0; i < 1000; ++i)
            made_up_.emplace_back(key_of(peer(1'000'000 + i)), peer(1'000'000 + i));
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            (nodes_[i].liar ? liars_ : honest_).emplace_back(key_of(peer(i)), peer(i));
    }

    Figures run() {
        for (std::size_t i = 1; i < nodes_.size(); ++i) {
            run_until(now_.at + milliseconds{200});
            nodes_[i].kad->bootstrap({testing::reachable(rng_.below(std::min<std::size_t>(i, 4)))},
                                     now_);
            settle(i);
        }
        run_until(now_.at + minutes{3});
        for (std::size_t i = 4; i < nodes_.size(); ++i)
            nodes_[i].dead = rng_.chance(scenario_.dead_percent, 100);
        run_until(now_.at + scenario_.since_death);
        for (int i = 0; i < 2; ++i) look_up(nodes_.size() / 3);
        for (const auto& node : nodes_) {
            node.kad->check_invariants();
            figures_.table_max = std::max(figures_.table_max, node.kad->table().size());
        }
        figures_.digest = digest_;
        return figures_;
    }

  private:
    struct Node {
        std::unique_ptr<Kad> kad;
        bool liar{false};
        bool dead{false};
        std::set<std::size_t> connected{};
        Instant wakes{};
        std::optional<Kad::QueryDone> found{};
    };
    struct Happening {
        enum class Kind : std::uint8_t { request, response, failure } kind;
        std::size_t from;
        std::size_t to;
        RequestId id;
        Bytes frame;  ///< without its length
    };

    static Bytes body(const Bytes& frame) {
        Reader in{frame};
        return to_bytes(*read_prefixed(in));
    }
    void later(Duration time, Happening what) {
        queue_.emplace(std::pair{now_.at + time, ++sequence_}, std::move(what));
    }
    Duration latency() { return milliseconds{10 + rng_.below(90)}; }

    void note(const Happening& what) {
        Writer out;
        out.hash(digest_).le(now_.at.time_since_epoch().count() + std::uint64_t{0});
        out.le(std::uint64_t{what.from}).le(std::uint64_t{what.to}).raw(what.frame);
        digest_ = crypto::sha256(out.bytes());
    }

    void connect(std::size_t a, std::size_t b) {
        if (!nodes_[a].connected.insert(b).second) return;
        nodes_[b].connected.insert(a);
        for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}}) {
            nodes_[one].kad->on_connected(peer(other), address(other), now_);
            nodes_[one].kad->on_identified(peer(other), {address(other)}, {"/sim/kad/1.0.0"}, now_);
            settle(one);
        }
    }

    void send(std::size_t from, const Kad::SendRequest& request) {
        const auto to = numbers_.find(request.peer);
        const bool known = to != numbers_.end();
        // Nobody is there, or somebody else.
        const bool right = known && (nodes_[from].connected.contains(to->second) ||
                                     std::ranges::find(request.addresses, address(to->second)) !=
                                         request.addresses.end());
        if (known && nodes_[to->second].dead) return;  // silence
        if (!right) {
            later(2 * latency(), {Happening::Kind::failure, from, from, request.id, {}});
            return;
        }
        later(latency(),
              {Happening::Kind::request, from, to->second, request.id, body(request.frame)});
    }

    /// Takes what a node has to say, and notes when it wants to be woken.
    void settle(std::size_t i) {
        auto& node = nodes_[i];
        while (auto event = node.kad->poll_event()) {
            if (const auto* const e = std::get_if<Kad::SendRequest>(&*event)) {
                send(i, *e);
            } else if (auto* const d = std::get_if<Kad::QueryDone>(&*event)) {
                if (d->purpose == Kad::Purpose::find) node.found = std::move(*d);
            }
        }
        wakes_.erase({node.wakes, i});
        node.wakes = node.kad->next_wake();
        wakes_.insert({node.wakes, i});
    }

    void happen(const Happening& what) {
        note(what);
        auto& node = nodes_[what.to];
        if (node.dead) return;
        switch (what.kind) {
            case Happening::Kind::request: {
                connect(what.from, what.to);
                const auto answer = node.liar ? lie(what) : honest(what);
                const auto kind = answer ? Happening::Kind::response : Happening::Kind::failure;
                later(latency(), {kind, what.to, what.from, what.id, answer.value_or(Bytes{})});
                break;
            }
            case Happening::Kind::response: node.kad->on_response(what.id, what.frame, now_); break;
            case Happening::Kind::failure: node.kad->on_failure(what.id, now_); break;
        }
        settle(what.to);
        if (++happened_ % 4096 == 0) node.kad->check_invariants();
    }

    std::optional<Bytes> honest(const Happening& what) {
        auto answer = nodes_[what.to].kad->on_request(peer(what.from), what.frame, now_);
        if (!answer) return std::nullopt;
        return body(*answer);
    }

    /// Six ways, each liar has one.
    std::optional<Bytes> lie(const Happening& what) {
        const auto question = *decode(what.frame);
        const auto key = key_of(question.key);
        Message out{MessageType::find_node, {}, {}};
        const auto name = [&](const PeerId& id, std::vector<Multiaddr> addresses) {
            out.closer.push_back({id, std::move(addresses), ConnectionType::connected});
        };
        switch (what.to % 6) {
            case 0:  // made-up ids, closer than anybody
                for (const auto& id : testing::closest_of(made_up_, key, 20))
                    name(id, {address(rng_.below(60'000))});
                break;
            case 1:  // only its accomplices
                for (const auto& id : testing::closest_of(liars_, key, 20))
                    name(id, {address(numbers_.at(id))});
                break;
            case 2:  // honest ids at addresses that lead nowhere
                for (const auto& id : testing::closest_of(honest_, key, 20))
                    name(id, {address(50'000 + numbers_.at(id))});
                break;
            case 3:  // one address under many ids, and the asker, and itself
                for (const auto& id : testing::closest_of(made_up_, key, 18))
                    name(id, {address(0)});
                name(peer(what.from), {address(what.from)});
                name(peer(what.to), {address(what.to)});
                break;
            case 4: return Bytes(20'000, 0x42);
            default: break;  // nobody at all
        }
        return encode(out);
    }
    void step(Instant end) {
        const auto next = queue_.empty() ? Instant::max() : queue_.begin()->first.first;
        const auto wake = wakes_.empty() ? Instant::max() : wakes_.begin()->first;
        if (std::min(next, wake) > end) {
            now_.at = end;
            return;
        }
        now_.at = std::max(now_.at, std::min(next, wake));
        if (next <= wake) {
            const auto what = std::move(queue_.begin()->second);
            queue_.erase(queue_.begin());
            happen(what);
            return;
        }
        const auto i = wakes_.begin()->second;
        if (nodes_[i].dead) {
            wakes_.erase(wakes_.begin());
            return;
        }
        nodes_[i].kad->on_time(now_);
        settle(i);
    }
    void run_until(Instant end) {
        while (now_.at < end) step(end);
    }

    /// Many look at the same time, so that minutes do not become hours.
    void look_up(std::size_t count) {
        std::map<std::size_t, PeerId> looking;
        while (looking.size() < count) {
            const auto who = rng_.below(nodes_.size());
            auto& node = nodes_[who];
            if (node.dead || node.liar || looking.contains(who)) continue;
            const auto target = peer(5'000'000 + rng_.below(1'000'000));
            looking.emplace(who, target);
            node.found.reset();
            ASSERT_TRUE(node.kad->find(target, now_));
            settle(who);
        }
        run_until(now_.at + seconds{90});
        for (const auto& [who, target] : looking) judge(who, target);
    }

    void judge(std::size_t who, const PeerId& target) {
        const auto& node = nodes_[who];
        ASSERT_TRUE(node.found);
        std::vector<PeerId> all;
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            if (i != who && !nodes_[i].dead) all.push_back(peer(i));
        // Those who answer junk cannot be found, and need not be.
        std::erase_if(all, [&](const PeerId& id) {
            return nodes_[numbers_.at(id)].liar && numbers_.at(id) % 6 == 4;
        });
        const auto expected = testing::closest_of(all, key_of(target), 20);
        const auto found = testing::ids(node.found->closest);
        ++figures_.lookups;
        figures_.exact += found == expected;
        figures_.requests += node.found->requests;
        for (const auto& id : expected) {
            if (nodes_[numbers_.at(id)].liar) continue;
            ++figures_.honest;
            figures_.honest_found += std::ranges::find(found, id) != found.end();
        }
    }

    Scenario scenario_;
    Rng rng_;
    Now now_{Instant{seconds{1}}, UnixTime{}};
    std::vector<Node> nodes_;
    std::map<PeerId, std::size_t> numbers_;
    testing::Keyed made_up_;
    testing::Keyed liars_;
    testing::Keyed honest_;
    std::map<std::pair<Instant, std::uint64_t>, Happening> queue_;
    std::set<std::pair<Instant, std::size_t>> wakes_;
    std::uint64_t sequence_{0};
    std::uint64_t happened_{0};
    Digest digest_{};
    Figures figures_;
};

Figures run(const Scenario& scenario) {
    const auto figures = World{scenario}.run();
    std::printf("exact %zu of %zu, honest %zu of %zu, %zu requests, tables up to %zu\n",
                figures.exact, figures.lookups, figures.honest_found, figures.honest,
                figures.requests, figures.table_max);
    return figures;
}

TEST(KadSimulation, honest_nodes_find_exactly_the_closest_with_few_requests) {
    const auto figures = run({});
    EXPECT_EQ(figures.lookups, nodes_of_run() / 3 * 2);
    EXPECT_GE(figures.exact * 100, figures.lookups * 99);
    EXPECT_LE(figures.requests, figures.lookups * 30);
}

/// Everybody still names the dead, who fill a fifth of each answer; so of the last of the 20
/// closest that live some are named by nobody.
TEST(KadSimulation, with_a_fifth_of_all_nodes_just_died_finds_most_of_those_that_live) {
    const auto figures = run({.dead_percent = 20});
    EXPECT_GE(figures.honest_found * 100, figures.honest * 92);
    EXPECT_LE(figures.requests, figures.lookups * 30);
}

TEST(KadSimulation, a_quarter_of_an_hour_after_a_fifth_died_finds_exactly_those_that_live) {
    const auto figures = run({.dead_percent = 20, .since_death = minutes{15}});
    EXPECT_GE(figures.exact * 100, figures.lookups * 99);
    EXPECT_LE(figures.requests, figures.lookups * 30);
}

TEST(KadSimulation, with_a_quarter_of_liars_finds_all_honest_ones_almost_always) {
    const auto figures = run({.liars_percent = 25});
    EXPECT_GE(figures.honest_found * 100, figures.honest * 99);
    EXPECT_LE(figures.requests, figures.lookups * 40);
}

TEST(KadSimulation, with_a_quarter_of_liars_and_a_fifth_just_died_finds_most_honest_ones) {
    const auto figures = run({.liars_percent = 25, .dead_percent = 20});
    EXPECT_GE(figures.honest_found * 100, figures.honest * 92);
    EXPECT_LE(figures.requests, figures.lookups * 45);
}

TEST(KadSimulation, of_the_same_seed_is_the_same_bit_for_bit) {
    const Scenario scenario{.nodes = 60, .liars_percent = 20, .dead_percent = 10, .seed = 7};
    const auto first = run(scenario);
    EXPECT_EQ(first.digest, run(scenario).digest);
    auto other = scenario;
    other.seed = 8;
    EXPECT_NE(first.digest, run(other).digest);
}

}  // namespace
}  // namespace sennit::libp2p::kad
