// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

namespace {

using protocol::MessagePtr;
using protocol::Priority;
using protocol::Verdict;

/// Our own lists stay below it, so that a receiver's unsettled bytes do (CONTRACT rule 1).
constexpr std::size_t kAnswerBytesMax = 900 * 1024;
/// Of one peer, the one being answered included: as many as protocols have in flight.
constexpr std::size_t kQuestionsMax = 16;
/// Over all peers: enough to keep some workers busy, few enough that whatever else they are for
/// waits for milliseconds.
constexpr std::size_t kLoadsMax = 4;
/// Answers that are kept until there is room for them, over all peers; others are made again.
constexpr std::size_t kKeptMax = 16;
/// Who asks on without waiting for answers may do so for a while; honest peers never do.
constexpr double kPatience = 64;
constexpr double kPatiencePerSecond = 4;
/// What came with one read from the link is one deed, else its rest would ban time and again.
constexpr Duration kScoreEvery = std::chrono::milliseconds{100};

std::size_t size_of(const CertificatePtr& certificate) {
    return certificate ? certificate->signatures.size() * Signature::kSize : 0;
}

}  // namespace

bool Desk::on_request(PeerRef peer, protocol::ReceiptId receipt, const MessagePtr& message) {
    const bool request = std::visit(
        [&](const auto& ask) {
            return requires {
                serve(peer, ask);
            };
        },
        *message);
    if (!request) return false;
    auto& asker =
        askers_.try_emplace(peer, Asker{{}, {}, {}, kPatience, core_.now.at, {}}).first->second;
    if (asker.questions.size() == kQuestionsMax) {
        refuse(peer, asker, receipt);
        return true;
    }
    asker.questions.push_back({receipt, message});
    if (asker.state == Asker::State::idle) wait_for_turn(peer, asker);
    next();
    return true;
}

void Desk::refuse(PeerRef peer, Asker& asker, protocol::ReceiptId receipt) {
    // With what leaves first: the queue of answers may be why there are so many questions. Nothing
    // is said to who has no word for it.
    core_.send(peer, {protocol::make_message(protocol::Refused{Errc::busy, "too many questions"}),
                      Priority::control,
                      {},
                      {},
                      receipt,
                      {}});
    core_.settle(peer, receipt, Verdict::ignore);
    const auto passed = std::chrono::duration<double>(core_.now.at - asker.since).count();
    asker.since = core_.now.at;
    asker.patience = std::min(kPatience, asker.patience + passed * kPatiencePerSecond) - 1;
    asker.patience = std::max(asker.patience, 0.0);
    if (asker.patience > 0 || core_.now.at < asker.scored + kScoreEvery) return;
    asker.scored = core_.now.at;
    core_.judge(peer, peers::Deed::spam, "asks on and on without waiting for answers");
}

void Desk::wait_for_turn(PeerRef peer, Asker& asker) {
    asker.state = Asker::State::waiting;
    turns_.push_back(peer);
}

void Desk::next() {
    while (!turns_.empty() && loads_ < kLoadsMax) {
        const auto peer = turns_.front();
        turns_.pop_front();
        // Kept alive beyond the answer, which settles the question.
        const auto message = askers_.at(peer).questions.front().message;
        std::visit(
            [&](const auto& ask) {
                if constexpr (requires { serve(peer, ask); }) serve(peer, ask);
            },
            *message);
    }
}

void Desk::load(PeerRef peer, Job job, MakeAnswer make) {
    askers_.at(peer).state = Asker::State::loading;
    ++loads_;
    core_.run(std::move(job), [this, peer, make = std::move(make)](JobResult&& result) {
        --loads_;
        // Peers are never two by one name, so whoever is here is who asked.
        if (askers_.contains(peer)) answer(peer, make(std::move(result)));
        next();
    });
}

void Desk::answer(PeerRef peer, MessagePtr message) {
    auto& asker = askers_.at(peer);
    auto* protocol = core_.protocol_of(peer);
    if (core_.stopping || protocol == nullptr) return settle_first(peer, asker, Verdict::ignore);
    const auto receipt = asker.questions.front().receipt;
    const protocol::Outgoing outgoing{message, Priority::bulk, {}, {}, receipt, {}};
    const auto sent = protocol->send(std::span{&peer.peer, 1}, outgoing, core_.now);
    if (sent.refused.empty()) return settle_first(peer, asker, Verdict::accept);
    const auto why = sent.refused.front().second;
    if (why == protocol::Refusal::busy) {
        // Until Ready; a peer that never reads again is the carrier's to find out.
        asker.state = Asker::State::full;
        if (kept_ == kKeptMax) return;
        asker.answer = std::move(message);
        ++kept_;
        return;
    }
    if (why != protocol::Refusal::gone) {
        const auto code = why == protocol::Refusal::too_large ? Errc::oversized : Errc::unsupported;
        core_.send(peer, {protocol::make_message(protocol::Refused{code, "no answer fits"}),
                          Priority::control,
                          {},
                          {},
                          receipt,
                          {}});
    }
    settle_first(peer, asker, Verdict::ignore);
}

void Desk::settle_first(PeerRef peer, Asker& asker, Verdict verdict) {
    core_.settle(peer, asker.questions.front().receipt, verdict);
    asker.questions.pop_front();
    asker.state = Asker::State::idle;
    if (!asker.questions.empty()) wait_for_turn(peer, asker);
}

void Desk::on_ready(PeerRef peer) {
    const auto found = askers_.find(peer);
    if (found == askers_.end() || found->second.state != Asker::State::full) return;
    auto& asker = found->second;
    if (auto kept = std::exchange(asker.answer, nullptr)) {
        --kept_;
        answer(peer, std::move(kept));
    } else {
        wait_for_turn(peer, asker);
    }
    next();
}

void Desk::on_down(PeerRef peer) {
    const auto found = askers_.find(peer);
    if (found == askers_.end()) return;
    for (const auto& question : found->second.questions)
        core_.settle(peer, question.receipt, Verdict::ignore);
    if (found->second.answer) --kept_;
    std::erase(turns_, peer);
    askers_.erase(found);
}

void Desk::check_invariants() const {
    using State = Asker::State;
    std::size_t loading = 0;
    std::size_t waiting = 0;
    std::size_t kept = 0;
    for (const auto& [peer, asker] : askers_) {
        SENNIT_ASSERT(asker.questions.size() <= kQuestionsMax);
        SENNIT_ASSERT(asker.questions.empty() == (asker.state == State::idle));
        SENNIT_ASSERT(!asker.answer || asker.state == State::full);
        loading += asker.state == State::loading ? 1 : 0;
        kept += asker.answer ? 1 : 0;
        if (asker.state != State::waiting) continue;
        ++waiting;
        SENNIT_ASSERT(std::count(turns_.begin(), turns_.end(), peer) == 1);
    }
    SENNIT_ASSERT(waiting == turns_.size());
    SENNIT_ASSERT(loading <= loads_ && loads_ <= kLoadsMax);
    SENNIT_ASSERT(kept == kept_ && kept_ <= kKeptMax);
    // Nobody waits for a turn that nothing will bring.
    SENNIT_ASSERT(turns_.empty() || loads_ == kLoadsMax);
}

void Desk::serve(PeerRef peer, const protocol::GetHeaders& ask) {
    if (std::holds_alternative<BlockId>(ask.from)) return serve_branch_headers(peer, ask);
    LoadBlocks job{LoadBlocks::What::headers,
                   protocol::BlockRange{std::get<Height>(ask.from),
                                        std::min<std::uint32_t>(ask.max, protocol::kHeadersMax)},
                   ask.newest_first, kAnswerBytesMax};
    load(peer, std::move(job), [](JobResult&& result) {
        protocol::Headers headers;
        headers.headers = std::move(std::get<BlocksLoaded>(result).headers);
        return protocol::make_message(std::move(headers));
    });
}

void Desk::serve_branch_headers(PeerRef peer, const protocol::GetHeaders& ask) {
    // By id: the unfinalised branch, downwards, which is in memory.
    protocol::Headers headers;
    std::size_t bytes = 0;
    auto id = std::get<BlockId>(ask.from);
    while (headers.headers.size() < std::min<std::uint32_t>(ask.max, protocol::kHeadersMax) &&
           bytes <= kAnswerBytesMax) {
        const auto block = core_.intake->block(id);
        if (!block) break;
        bytes += block->header_bytes.size();
        headers.headers.emplace_back(block->header, block->id);
        if (!ask.newest_first) break;
        id = block->header.previous_hash;
    }
    answer(peer, protocol::make_message(std::move(headers)));
}

void Desk::serve(PeerRef peer, const protocol::GetBlocks& ask) {
    LoadBlocks job{LoadBlocks::What::blocks, {}, false, kAnswerBytesMax};
    if (const auto* range = std::get_if<protocol::BlockRange>(&ask.what)) {
        job.which = protocol::BlockRange{range->from,
                                         std::min<std::uint32_t>(range->max, protocol::kBlocksMax)};
    } else {
        // Unfinalised ones are in memory, with their certificates; the answer is a prefix.
        protocol::Blocks answer_now;
        std::size_t bytes = 0;
        std::vector<BlockId> stored;
        for (const auto& id : std::get<std::vector<BlockId>>(ask.what)) {
            if (answer_now.blocks.size() == protocol::kBlocksMax || bytes > kAnswerBytesMax) break;
            const auto block = core_.intake->block(id);
            if (!block) {
                if (answer_now.blocks.empty()) stored.push_back(id);
                if (stored.size() == protocol::kBlocksMax) break;
                continue;
            }
            if (!stored.empty()) break;
            const auto facts = core_.tree.find(id);
            const auto link = facts
                                  ? chain::required_link(*facts, block->header, core_.tree.lookup())
                                  : std::optional<VoteLink>{};
            auto certificate = link ? core_.tree.certificate(link->target.id) : nullptr;
            bytes += luxtensor_size(*block) + size_of(certificate);
            answer_now.blocks.emplace_back(block, std::move(certificate));
        }
        if (stored.empty()) return answer(peer, protocol::make_message(std::move(answer_now)));
        job.which = std::move(stored);
    }
    load(peer, std::move(job), [](JobResult&& result) {
        protocol::Blocks blocks;
        for (auto& block : std::get<BlocksLoaded>(result).blocks)
            blocks.blocks.emplace_back(std::move(block));
        return protocol::make_message(std::move(blocks));
    });
}

void Desk::serve(PeerRef peer, const protocol::GetBodies& ask) {
    LoadBlocks job{LoadBlocks::What::bodies, ask.ids, false, kAnswerBytesMax};
    auto& ids = std::get<std::vector<BlockId>>(job.which);
    if (ids.size() > protocol::kBlocksMax) ids.resize(protocol::kBlocksMax);
    load(peer, std::move(job), [](JobResult&& result) {
        protocol::Bodies bodies;
        for (const auto& block : std::get<BlocksLoaded>(result).blocks) {
            auto& body = bodies.bodies.emplace_back();
            body.id = block->id;
            for (const auto& tx : block->transactions) body.transactions.emplace_back(tx);
        }
        return protocol::make_message(std::move(bodies));
    });
}

void Desk::serve(PeerRef peer, const protocol::GetTransactions& ask) {
    protocol::Transactions found;
    std::size_t bytes = 0;
    for (const auto& id : ask.ids) {
        const auto tx = core_.pool.find(id);
        if (!tx) continue;
        bytes += tx->rlp.size();
        found.transactions.emplace_back(tx);
        if (bytes > kAnswerBytesMax) break;
    }
    answer(peer, protocol::make_message(std::move(found)));
}

void Desk::serve(PeerRef peer, const protocol::GetCertificates& ask) {
    protocol::Certificates out;
    if (const auto* ids = std::get_if<std::vector<BlockId>>(&ask.what)) {
        std::size_t bytes = 0;
        for (const auto& id : *ids) {
            if (out.certificates.size() == protocol::kCertificatesMax || bytes > kAnswerBytesMax)
                break;
            auto certificate = core_.tree.certificate(id);
            if (!certificate) continue;
            bytes += size_of(certificate);
            out.certificates.push_back(std::move(certificate));
        }
        return answer(peer, protocol::make_message(std::move(out)));
    }
    if (std::holds_alternative<protocol::LatestCertificate>(ask.what)) {
        if (core_.finality) out.certificates.push_back(core_.finality);
        return answer(peer, protocol::make_message(std::move(out)));
    }
    // Proofs at set changes, from that version on, then the latest (CHAIN rule 21), which takes the
    // last place. Whoever gets fewer than there are asks on from the last that it learnt.
    Writer from;
    from.be(std::get<protocol::FromSetVersion>(ask.what).version);
    LoadRows job{chain::Column::proofs, from.bytes(), protocol::kCertificatesMax - 1};
    load(peer, std::move(job), [this](JobResult&& result) {
        protocol::Certificates proofs;
        std::size_t bytes = 0;
        for (const auto& [key, row] : std::get<RowsLoaded>(result).rows) {
            bytes += row.size();
            if (bytes > kAnswerBytesMax) break;
            auto proof = decode_proof(row);
            if (!proof) {
                core_.halt("stored proof: " + proof.error().text());
                break;
            }
            proofs.sets.push_back(std::move(proof->set));
            proofs.certificates.push_back(std::move(proof->certificate));
        }
        if (core_.finality) proofs.certificates.push_back(core_.finality);
        return protocol::make_message(std::move(proofs));
    });
}

void Desk::serve(PeerRef peer, const protocol::GetPeers& ask) {
    const auto& facts = core_.meeting->facts();
    const auto known = facts.find(peer);
    protocol::Peers out;
    if (known != facts.end()) {
        const auto max = std::min<std::size_t>(ask.max, protocol::kPeersMax);
        for (auto& address : core_.peers.share(peer.instance, known->second.address, max)) {
            out.peers.push_back({std::move(address), {}});
        }
    }
    answer(peer, protocol::make_message(std::move(out)));
}

}  // namespace sennit::engine
