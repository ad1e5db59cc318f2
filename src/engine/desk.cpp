// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

namespace {

using protocol::Verdict;

/// Our own lists stay below it, so that a receiver's unsettled bytes do (CONTRACT rule 1).
constexpr std::size_t kAnswerBytesMax = 900 * 1024;

}  // namespace

bool Desk::on_request(PeerRef peer, protocol::ReceiptId receipt, const protocol::Message& message) {
    return std::visit(
        [&](const auto& ask) {
            if constexpr (requires { serve(peer, receipt, ask); }) {
                serve(peer, receipt, ask);
                return true;
            } else {
                return false;
            }
        },
        message);
}

void Desk::answer(PeerRef peer, protocol::ReceiptId receipt, protocol::MessagePtr message) {
    protocol::Outgoing outgoing{std::move(message), protocol::Priority::bulk, {}, {}, receipt, {}};
    core_.send(peer, outgoing);
    core_.settle(peer, receipt, Verdict::accept);
}

void Desk::serve(PeerRef peer, protocol::ReceiptId receipt, const protocol::GetHeaders& ask) {
    if (std::holds_alternative<BlockId>(ask.from)) return serve_branch_headers(peer, receipt, ask);
    LoadBlocks job{LoadBlocks::What::headers,
                   protocol::BlockRange{std::get<Height>(ask.from),
                                        std::min<std::uint32_t>(ask.max, protocol::kHeadersMax)},
                   ask.newest_first, kAnswerBytesMax};
    core_.run(std::move(job), [this, peer, receipt](JobResult&& result) {
        protocol::Headers headers;
        headers.headers = std::move(std::get<BlocksLoaded>(result).headers);
        answer(peer, receipt, protocol::make_message(std::move(headers)));
    });
}

void Desk::serve_branch_headers(PeerRef peer, protocol::ReceiptId receipt,
                                const protocol::GetHeaders& ask) {
    // By id: the unfinalised branch, downwards, which is in memory.
    protocol::Headers headers;
    auto id = std::get<BlockId>(ask.from);
    while (headers.headers.size() < std::min<std::uint32_t>(ask.max, protocol::kHeadersMax)) {
        const auto block = core_.intake->block(id);
        if (!block) break;
        headers.headers.emplace_back(block->header, block->id);
        if (!ask.newest_first) break;
        id = block->header.previous_hash;
    }
    answer(peer, receipt, protocol::make_message(std::move(headers)));
}

void Desk::serve(PeerRef peer, protocol::ReceiptId receipt, const protocol::GetBlocks& ask) {
    LoadBlocks job{LoadBlocks::What::blocks, {}, false, kAnswerBytesMax};
    protocol::Blocks answer_now;
    if (const auto* range = std::get_if<protocol::BlockRange>(&ask.what)) {
        job.which = protocol::BlockRange{range->from,
                                         std::min<std::uint32_t>(range->max, protocol::kBlocksMax)};
    } else {
        // Unfinalised ones are in memory, with their certificates; the answer is a prefix.
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
            answer_now.blocks.emplace_back(
                block, link ? core_.tree.certificate(link->target.id) : nullptr);
            bytes += luxtensor_size(*block);
        }
        if (stored.empty())
            return answer(peer, receipt, protocol::make_message(std::move(answer_now)));
        job.which = std::move(stored);
    }
    core_.run(std::move(job), [this, peer, receipt](JobResult&& result) {
        protocol::Blocks blocks;
        for (auto& block : std::get<BlocksLoaded>(result).blocks)
            blocks.blocks.emplace_back(std::move(block));
        answer(peer, receipt, protocol::make_message(std::move(blocks)));
    });
}

void Desk::serve(PeerRef peer, protocol::ReceiptId receipt, const protocol::GetBodies& ask) {
    LoadBlocks job{LoadBlocks::What::bodies, ask.ids, false, kAnswerBytesMax};
    auto& ids = std::get<std::vector<BlockId>>(job.which);
    if (ids.size() > protocol::kBlocksMax) ids.resize(protocol::kBlocksMax);
    core_.run(std::move(job), [this, peer, receipt](JobResult&& result) {
        protocol::Bodies bodies;
        for (const auto& block : std::get<BlocksLoaded>(result).blocks) {
            auto& body = bodies.bodies.emplace_back();
            body.id = block->id;
            for (const auto& tx : block->transactions) body.transactions.emplace_back(tx);
        }
        answer(peer, receipt, protocol::make_message(std::move(bodies)));
    });
}

void Desk::serve(PeerRef peer, protocol::ReceiptId receipt, const protocol::GetTransactions& ask) {
    protocol::Transactions found;
    std::size_t bytes = 0;
    for (const auto& id : ask.ids) {
        const auto tx = core_.pool.find(id);
        if (!tx) continue;
        bytes += tx->rlp.size();
        found.transactions.emplace_back(tx);
        if (bytes > kAnswerBytesMax) break;
    }
    answer(peer, receipt, protocol::make_message(std::move(found)));
}

void Desk::serve(PeerRef peer, protocol::ReceiptId receipt, const protocol::GetCertificates& ask) {
    protocol::Certificates out;
    if (const auto* ids = std::get_if<std::vector<BlockId>>(&ask.what)) {
        for (const auto& id : *ids) {
            if (out.certificates.size() == protocol::kCertificatesMax) break;
            if (auto certificate = core_.tree.certificate(id))
                out.certificates.push_back(std::move(certificate));
        }
        return answer(peer, receipt, protocol::make_message(std::move(out)));
    }
    if (std::holds_alternative<protocol::LatestCertificate>(ask.what)) {
        if (core_.finality) out.certificates.push_back(core_.finality);
        return answer(peer, receipt, protocol::make_message(std::move(out)));
    }
    // Proofs at set changes, from that version on, then the latest (CHAIN rule 21), which takes the
    // last place. Whoever gets fewer than there are asks on from the last that it learnt.
    Writer from;
    from.be(std::get<protocol::FromSetVersion>(ask.what).version);
    core_.run(LoadRows{chain::Column::proofs, from.bytes(), protocol::kCertificatesMax - 1},
              [this, peer, receipt](JobResult&& result) {
                  protocol::Certificates proofs;
                  std::size_t bytes = 0;
                  for (const auto& [key, row] : std::get<RowsLoaded>(result).rows) {
                      bytes += row.size();
                      if (bytes > kAnswerBytesMax) break;
                      auto proof = decode_proof(row);
                      if (!proof) return core_.halt("stored proof: " + proof.error().text());
                      proofs.sets.push_back(std::move(proof->set));
                      proofs.certificates.push_back(std::move(proof->certificate));
                  }
                  if (core_.finality) proofs.certificates.push_back(core_.finality);
                  answer(peer, receipt, protocol::make_message(std::move(proofs)));
              });
}

void Desk::serve(PeerRef peer, protocol::ReceiptId receipt, const protocol::GetPeers& ask) {
    const auto& facts = core_.meeting->facts();
    const auto known = facts.find(peer);
    protocol::Peers out;
    if (known != facts.end()) {
        const auto max = std::min<std::size_t>(ask.max, protocol::kPeersMax);
        for (auto& address : core_.peers.share(peer.instance, known->second.address, max)) {
            out.peers.push_back({std::move(address), {}});
        }
    }
    answer(peer, receipt, protocol::make_message(std::move(out)));
}

}  // namespace sennit::engine
