// SPDX-License-Identifier: MIT
#include "protocol/receipts.hpp"

namespace sennit::protocol {

void Receipts::peer_up(PeerId peer, Identity identity, NetAddress address) {
    const auto [it, fresh] =
        senders_.emplace(peer, Sender{std::move(identity), std::move(address), 0, 0, {}});
    SENNIT_ASSERT(fresh);
}

void Receipts::peer_changed(PeerId peer, Identity identity, NetAddress address) {
    auto& sender = senders_.at(peer);
    sender.identity = std::move(identity);
    sender.address = std::move(address);
}

void Receipts::peer_down(PeerId peer, Instant now) {
    const auto it = senders_.find(peer);
    SENNIT_ASSERT(it != senders_.end() && !it->second.left);
    if (it->second.count == 0) {
        senders_.erase(it);
        return;
    }
    it->second.left = now;
    departed_[now].push_back(peer);
}

ReceiptId Receipts::issue(PeerId peer, Kind kind, std::size_t bytes, std::uint64_t tag) {
    auto& sender = senders_.at(peer);
    SENNIT_ASSERT(!sender.left);
    const ReceiptId id{++last_id_};
    const auto counted = bytes + kOverhead;
    receipts_.emplace(id, Receipt{peer, kind, counted, tag});
    sender.unsettled += counted;
    ++sender.count;
    return id;
}

const Receipt* Receipts::find(ReceiptId id) const {
    const auto it = receipts_.find(id);
    return it == receipts_.end() ? nullptr : &it->second;
}

std::optional<Receipts::Settled> Receipts::settle(ReceiptId id, Verdict verdict) {
    const auto it = receipts_.find(id);
    if (it == receipts_.end()) return std::nullopt;
    Settled settled{it->second, false, std::nullopt};
    receipts_.erase(it);

    const auto& receipt = settled.receipt;
    const auto found = senders_.find(receipt.peer);
    SENNIT_ASSERT(found != senders_.end());
    auto& sender = found->second;
    sender.unsettled -= receipt.bytes;
    --sender.count;
    settled.peer_is_up = !sender.left;
    if (verdict == Verdict::reject) {
        settled.blame = Misbehaved{
            settled.peer_is_up ? std::optional{receipt.peer} : std::nullopt,
            sender.identity,
            sender.address,
            Offence::rejected,
            Error{Errc::invalid, "refused by the rules of the chain", Error::kNowhere, {}},
            std::string{to_string(receipt.kind)}};
    }
    return settled;
}

std::size_t Receipts::unsettled(PeerId peer) const {
    const auto it = senders_.find(peer);
    return it == senders_.end() ? 0 : it->second.unsettled;
}

void Receipts::expire(Instant now) {
    while (!departed_.empty() && departed_.begin()->first + kBlameKept <= now) {
        for (const auto peer : departed_.begin()->second) {
            senders_.erase(peer);
            std::erase_if(receipts_, [&](const auto& item) { return item.second.peer == peer; });
        }
        departed_.erase(departed_.begin());
    }
}

std::optional<Instant> Receipts::deadline() const {
    if (departed_.empty()) return std::nullopt;
    return departed_.begin()->first + kBlameKept;
}

void Receipts::check_invariants() const {
    std::map<PeerId, std::pair<std::size_t, std::size_t>> sums;
    for (const auto& [id, receipt] : receipts_) {
        SENNIT_ASSERT(id.value <= last_id_);
        sums[receipt.peer].first += receipt.bytes;
        ++sums[receipt.peer].second;
    }
    for (const auto& [peer, sum] : sums) SENNIT_ASSERT(senders_.contains(peer));
    for (const auto& [peer, sender] : senders_) {
        const auto it = sums.find(peer);
        const auto [bytes, count] =
            it == sums.end() ? std::pair<std::size_t, std::size_t>{} : it->second;
        SENNIT_ASSERT(sender.unsettled == bytes && sender.count == count);
    }
}

}  // namespace sennit::protocol
