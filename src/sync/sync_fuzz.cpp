// SPDX-License-Identifier: MIT
/// Drives sync with whatever events the input spells: answers right, bent and late, peers that come
/// and go, a disk that forgets, executions that fail. Whatever comes, its invariants hold, what it
/// holds stays bounded, and it never asks for the same moment twice.
#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "chain/genesis_fixture.hpp"
#include "sync/sync.hpp"

namespace sennit::sync {
namespace {

constexpr std::uint64_t kFinal = 120;
constexpr std::uint64_t kHead = 140;

/// A chain that looks like one: nobody here checks signatures.
struct Chain {
    chain::Genesis genesis = chain::fixture::genesis({1, 1});
    std::vector<protocol::WireHeader> headers;
    std::vector<chain::FactsPtr> facts;

    Chain() {
        for (std::uint64_t h = 0; h <= kHead; ++h) {
            Header header;
            header.height = Height{h};
            header.timestamp = genesis.genesis_time + h * genesis.stake.slot_seconds;
            if (h > 0) header.previous_hash = headers.back().id;
            header.txs_root = merkle_root({});
            if (h % 3 == 0) header.txs_root.bytes[0] ^= 1;
            headers.emplace_back(header);
            chain::Facts one = *chain::genesis_facts(genesis, header);
            one.id = headers.back().id;
            one.parent = header.previous_hash;
            one.height = Height{h};
            one.slot = Slot{h};
            facts.push_back(std::make_shared<const chain::Facts>(one));
        }
    }

    CertificatePtr proof(std::uint64_t height) const {
        const auto& quorum = *facts.front()->quorum;
        Certificate certificate;
        certificate.link.source = facts[height]->checkpoint();
        certificate.link.target = facts[height + 1]->checkpoint();
        certificate.target_height = Height{height + 1};
        certificate.bitmap.assign(quorum.bitmap_size(), 0);
        for (std::size_t bit = 0; bit < quorum.size(); ++bit) set_bit(certificate.bitmap, bit);
        certificate.signatures.resize(quorum.size());
        return std::make_shared<const Certificate>(std::move(certificate));
    }
};

const Chain& the_chain() {
    static const Chain chain;
    return chain;
}

/// Bytes of the input, then zeros.
class Choices {
  public:
    Choices(const std::uint8_t* data, std::size_t size) : bytes_{data, size} {}
    bool empty() const { return at_ == bytes_.size(); }
    std::uint64_t below(std::uint64_t bound) { return empty() ? 0 : bytes_[at_++] % bound; }

  private:
    BytesView bytes_;
    std::size_t at_{0};
};

class Run {
  public:
    Run(const std::uint8_t* data, std::size_t size) : choices_{data, size}, sync_{make()} {
        sync_.set_known([this](const BlockId& id) { return known_.contains(id); });
        known_.insert(the_chain().headers.front().id);
        tell_local();
    }

    void run() {
        for (int steps = 0; !choices_.empty() && steps < 2000; ++steps) {
            step();
            drain();
            sync_.check_invariants();
            const auto held = sync_.held();
            SENNIT_ASSERT(held.requests <= 16 && held.window_blocks <= 1024 &&
                          held.branch_ids <= 64 && held.branch_bytes <= (17 << 20));
            (void)sync_.progress(now_);
        }
    }

  private:
    static Sync make() {
        Options options;
        options.headers_batch = 5;
        options.headers_batch_sennit = 24;
        options.blocks_batch = 4;
        options.window_blocks_max = 1024;
        options.branch_max = 64;
        return Sync{the_chain().genesis, the_chain().headers.front().id, options, Rng{1}};
    }

    PeerRef peer() { return {InstanceId{1}, PeerId{choices_.below(5)}}; }

    void step() {
        switch (choices_.below(16)) {
            case 0: return come();
            case 1: return leave();
            case 2: return status();
            case 3: return pass(choices_.below(200));
            case 4: return refuse();
            case 5: return execute();
            case 6: return read_rows();
            case 7: return prove();
            case 8: return finish_offer();
            case 9: return move_base();
            case 10:
            case 11: return write();
            default: return answer();
        }
    }

    void come() {
        protocol::PeerTraits traits;
        traits.sennit = choices_.below(8) > 0;
        traits.answers = protocol::FormSet::all();
        if (choices_.below(4) == 0) traits.answers.remove(protocol::Form::headers_newest_first);
        if (choices_.below(4) == 0) traits.answers.remove(protocol::Form::bodies_by_id);
        if (choices_.below(8) == 0) traits.answers.remove(protocol::Form::headers_by_height);
        traits.headers_max = static_cast<std::uint32_t>(choices_.below(32));
        const auto who = peer();
        here_.insert(who);
        sync_.on_peer(who, traits, now_);
    }

    void leave() {
        const auto who = peer();
        here_.erase(who);
        std::erase_if(asked_, [&](const auto& one) { return one.second.peer == who; });
        sync_.on_peer_gone(who, now_);
    }

    void status() {
        const auto final_height = choices_.below(kFinal + 1);
        const auto head = std::max(final_height, choices_.below(kHead + 1));
        protocol::Status status;
        status.genesis = the_chain().headers.front().id;
        status.head = the_chain().headers[head].id;
        status.head_height = Height{head};
        status.certified = the_chain().facts[head]->checkpoint();
        status.finalised_height = Height{choices_.below(6) == 0 ? ~std::uint64_t{0} : final_height};
        sync_.on_status(peer(), status, now_);
    }

    void pass(std::uint64_t tenths) {
        now_.at += std::chrono::milliseconds{100 * tenths};
        sync_.on_deadline(now_);
        SENNIT_ASSERT(!sync_.deadline() || now_.at < *sync_.deadline());
    }

    std::optional<Ask> pick() {
        if (asked_.empty()) return std::nullopt;
        auto at = asked_.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(choices_.below(asked_.size())));
        auto ask = at->second;
        asked_.erase(at);
        return ask;
    }

    void refuse() {
        if (const auto ask = pick()) {
            sync_.on_refused(ask->request, static_cast<protocol::Refusal>(choices_.below(4)), now_);
        }
    }

    void answer() {
        const auto ask = pick();
        if (!ask) return;
        if (!here_.contains(ask->peer)) return;
        (void)sync_.on_answer(ask->request, ask->peer, bend(*ask->message), now_);
    }

    protocol::Message bend(const protocol::Message& ask) {
        const auto how = choices_.below(12);
        if (how == 0) return protocol::Refused{static_cast<Errc>(choices_.below(13)), "no"};
        if (how == 1) return protocol::Votes{};
        if (const auto* get = std::get_if<protocol::GetHeaders>(&ask)) return headers(*get, how);
        if (const auto* get = std::get_if<protocol::GetBodies>(&ask)) return bodies(*get, how);
        if (const auto* get = std::get_if<protocol::GetBlocks>(&ask)) return blocks(*get, how);
        protocol::Certificates proofs;
        if (how == 2) return proofs;
        auto proof = *the_chain().proof(choices_.below(kFinal + 1));
        if (how == 3) proof.target_height = Height{choices_.below(256)};
        if (how == 4) proof.set_version = 1;
        if (how == 5) proof.signatures.pop_back();
        proofs.certificates.push_back(std::make_shared<const Certificate>(std::move(proof)));
        if (how == 6) proofs.sets.push_back(the_chain().facts.front()->sets.current);
        if (how == 7) proofs.certificates.push_back(nullptr);
        return proofs;
    }

    static std::optional<std::uint64_t> find(const BlockId& id) {
        for (std::uint64_t h = 0; h <= kHead; ++h) {
            if (the_chain().headers[h].id == id) return h;
        }
        return std::nullopt;
    }

    protocol::Headers headers(const protocol::GetHeaders& get, std::uint64_t how) {
        protocol::Headers out;
        const auto* id = std::get_if<BlockId>(&get.from);
        auto at = id == nullptr ? std::get<Height>(get.from).value : find(*id).value_or(kHead + 1);
        const auto most = how == 2 ? choices_.below(4) : get.max;
        while (at <= kHead && out.headers.size() < most) {
            out.headers.push_back(the_chain().headers[at]);
            if (get.newest_first && at-- == 0) break;
            if (!get.newest_first) ++at;
        }
        if (out.headers.empty()) return out;
        auto& one = out.headers[choices_.below(out.headers.size())];
        if (how == 3) one.header.gas_used ^= 1;
        if (how == 3) one = protocol::WireHeader{one.header};
        if (how == 4) one = the_chain().headers[choices_.below(kHead)];
        if (how == 5) out.headers.push_back(out.headers.front());
        return out;
    }

    std::vector<protocol::WireTransaction> body(std::uint64_t how) {
        const std::size_t bytes = how == 3 ? 0 : how == 4 ? 70'000 : 100;
        return {protocol::WireTransaction{protocol::SharedSlice{Bytes(bytes)}, std::nullopt}};
    }

    protocol::Bodies bodies(const protocol::GetBodies& get, std::uint64_t how) {
        protocol::Bodies out;
        for (const auto& id : get.ids) out.bodies.push_back({id, body(how)});
        if (how == 2) out.bodies.resize(choices_.below(out.bodies.size() + 3));
        if (how == 5) std::reverse(out.bodies.begin(), out.bodies.end());
        return out;
    }

    protocol::Blocks blocks(const protocol::GetBlocks& get, std::uint64_t how) {
        protocol::Blocks out;
        if (const auto* range = std::get_if<protocol::BlockRange>(&get.what)) {
            for (std::uint64_t i = 0; i < range->max && range->from.value + i <= kHead; ++i) {
                out.blocks.emplace_back(the_chain().headers[range->from.value + i], body(how));
            }
        } else {
            for (const auto& id : std::get<std::vector<BlockId>>(get.what)) {
                if (const auto h = find(id))
                    out.blocks.emplace_back(the_chain().headers[*h], body(how));
            }
        }
        if (how == 2) out.blocks.resize(choices_.below(out.blocks.size() + 3));
        if (how == 5) std::reverse(out.blocks.begin(), out.blocks.end());
        return out;
    }

    void execute() {
        if (appends_.empty()) return;
        const auto append = appends_.front();
        appends_.pop_front();
        chain::State::Appended result;
        const auto how = choices_.below(10);
        const auto first = append.blocks.front().height().value;
        // What is final already is not executed again.
        const bool fits = first == base_ + 1;
        const auto most = append.blocks.size();
        result.applied = !fits ? 0 : how < 3 ? choices_.below(most) : most;
        if (result.applied < most) {
            // A block without a body cannot have a wrong one; a condemned one ends the run.
            const bool has_body = append.blocks[result.applied].size() > 0;
            const auto code = !fits || how == 1         ? Errc::not_found
                              : choices_.below(30) == 1 ? Errc::invalid
                              : has_body                ? Errc::mismatch
                                                        : Errc::not_found;
            result.error = Error{code, "refused"};
            appends_.clear();
        }
        base_ += result.applied;
        result.base = the_chain().facts[base_];
        if (result.applied > 0) tell_local();
        sync_.on_appended(result, now_);
    }

    /// In the order in which it was given to the disk.
    void write() {
        if (writes_.empty()) return;
        const auto one = std::move(writes_.front());
        writes_.pop_front();
        if (const auto* drop = std::get_if<DropHeaders>(&one)) {
            rows_.erase(rows_.begin(), rows_.upper_bound(drop->up_to));
            return;
        }
        for (const auto& [height, bytes] : std::get<KeepHeaders>(one).headers)
            rows_[height] = bytes;
        SENNIT_ASSERT(rows_.size() <= kHead);
        sync_.on_headers_kept(now_);
    }

    void read_rows() {
        if (loads_.empty()) return;
        const auto load = loads_.front();
        loads_.pop_front();
        std::vector<Bytes> found;
        auto row = rows_.lower_bound(load.from);
        const auto first = row == rows_.end() ? std::nullopt : std::optional{row->first};
        for (; row != rows_.end() && found.size() < load.count; ++row) {
            if (row->first != *first + found.size()) break;
            found.push_back(row->second);
        }
        // A disk that does so for long ends the run.
        const auto how = choices_.below(60);
        if (how == 0 && !found.empty()) found.back().back() ^= 1;
        if (how == 1) found.clear();
        if (how == 2 && !found.empty()) found.resize(choices_.below(found.size()));
        sync_.on_headers_loaded(load.from, std::move(found), now_, first);
    }

    void prove() {
        if (jobs_.empty()) return;
        const auto job = jobs_.front();
        jobs_.pop_front();
        sync_.on_proof(job, choices_.below(8) > 0, now_);
    }

    void finish_offer() {
        if (offers_.empty()) return;
        const auto id = offers_.front();
        offers_.pop_front();
        const bool accepted = choices_.below(6) > 0;
        if (accepted) known_.insert(id);
        sync_.on_offer_done(id, accepted, now_);
    }

    void move_base() {
        // Seldom and little, else it is there before sync is.
        if (choices_.below(8) > 0) return;
        base_ = std::min(kFinal, base_ + choices_.below(4));
        tell_local();
    }

    void tell_local() {
        const auto& base = the_chain().facts[base_];
        known_.insert(base->id);
        sync_.on_local({base, base->id, base->height, base->slot}, now_);
    }

    void drain() {
        while (auto output = sync_.poll()) {
            if (const auto* ask = std::get_if<Ask>(&*output)) {
                SENNIT_ASSERT(here_.contains(ask->peer));
                asked_.emplace(ask->request, *ask);
                sync_.on_sent(ask->request, now_.at + std::chrono::seconds{30});
            } else if (const auto* forget = std::get_if<Forget>(&*output)) {
                asked_.erase(forget->request);
            } else if (const auto* verify = std::get_if<VerifyProof>(&*output)) {
                jobs_.push_back(verify->job);
            } else if (const auto* keep = std::get_if<KeepHeaders>(&*output)) {
                writes_.emplace_back(*keep);
            } else if (const auto* load = std::get_if<LoadHeaders>(&*output)) {
                loads_.push_back(*load);
            } else if (const auto* drop = std::get_if<DropHeaders>(&*output)) {
                writes_.emplace_back(*drop);
            } else if (auto* append = std::get_if<Append>(&*output)) {
                check(*append);
                appends_.push_back(std::move(*append));
            } else if (const auto* offer = std::get_if<Offer>(&*output)) {
                offers_.push_back(offer->block.id());
            }
        }
    }

    /// In strict order of height, each the child of the one before.
    static void check(const Append& append) {
        SENNIT_ASSERT(!append.blocks.empty() && append.blocks.size() == append.senders.size());
        for (const auto& block : append.blocks) {
            SENNIT_ASSERT(block.id() == the_chain().headers[block.height().value].id);
            SENNIT_ASSERT(block.height() ==
                          append.blocks.front().height() +
                              static_cast<std::uint64_t>(&block - append.blocks.data()));
        }
    }

    Choices choices_;
    Now now_{Instant{} + std::chrono::hours{1}, {}};
    Sync sync_;
    std::set<BlockId> known_;
    std::set<PeerRef> here_;
    std::map<protocol::RequestId, Ask> asked_;
    std::map<Height, Bytes> rows_;
    std::deque<std::variant<KeepHeaders, DropHeaders>> writes_;
    std::deque<LoadHeaders> loads_;
    std::deque<std::uint64_t> jobs_;
    std::deque<Append> appends_;
    std::deque<BlockId> offers_;
    std::uint64_t base_{0};
};

}  // namespace
}  // namespace sennit::sync

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sennit::sync::Run{data, size}.run();
    return 0;
}
