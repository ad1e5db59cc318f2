// SPDX-License-Identifier: MIT
#include "sim/mallory.hpp"

#include "libp2p/gossipsub/config.hpp"
#include "libp2p/varint.hpp"

namespace sennit::sim {

using namespace libp2p;
using namespace libp2p::gossipsub;

namespace {

constexpr Duration kEvery = std::chrono::milliseconds{250};
constexpr std::size_t kRpcSizeMax = 1 << 20;
constexpr std::size_t kHeardMax = 256;

}  // namespace

Mallory::Mallory(Kind kind, Swarm& swarm, std::string topic, std::vector<PeerId> victims, Rng rng,
                 Now now)
    : kind_{kind},
      swarm_{swarm},
      topic_{std::move(topic)},
      victims_{std::move(victims)},
      rng_{std::move(rng)},
      next_{now.at + kEvery} {}

bool Mallory::on_event(const Swarm::Event& event, Now now) {
    if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
        (void)swarm_.open(connected->id, protocol_ids(), now);
    } else if (const auto* agreed = std::get_if<Swarm::Agreed>(&event)) {
        ours_.insert(agreed->stream);
        say(agreed->stream, {.subscriptions = {{true, topic_}}, .control = {.graft = {topic_}}});
    } else if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        theirs_.emplace(opened->stream, FrameCutter{kRpcSizeMax});
    } else if (const auto* readable = std::get_if<Swarm::Readable>(&event)) {
        if (kind_ != Kind::mute) read(readable->stream, now);
    } else if (const auto* failed = std::get_if<Swarm::Failed>(&event)) {
        ours_.erase(failed->stream);
        theirs_.erase(failed->stream);
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        std::erase_if(ours_, [&](const auto& one) { return one.connection == gone->id; });
        std::erase_if(theirs_, [&](const auto& one) { return one.first.connection == gone->id; });
    }
    return true;
}

void Mallory::read(StreamRef stream, Now now) {
    const auto cutter = theirs_.find(stream);
    for (;;) {
        const auto piece = swarm_.readable(stream);
        if (piece.empty()) return;
        for (auto in = piece; cutter != theirs_.end() && !in.empty();) {
            const auto frame = cutter->second.next(in);
            if (!frame || !*frame) break;
            const auto rpc = decode_rpc(**frame);
            if (!rpc) continue;
            for (const auto& ihave : rpc->control.ihave) {
                for (const auto& id : ihave.ids) {
                    if (heard_of_.size() < kHeardMax) heard_of_.push_back(id);
                }
            }
        }
        swarm_.consume(stream, piece.size(), now);
    }
}

void Mallory::say(StreamRef stream, const Rpc& rpc) {
    Writer frame;
    write_prefixed(frame, encode_rpc(rpc));
    (void)swarm_.write(stream, frame.bytes());
}

Message Mallory::forgery() {
    Message out;
    out.from = to_bytes(victims_[rng_.below(victims_.size())].view());
    out.seqno = std::move(Writer{8}.be(rng_.next())).take();
    out.topic = topic_;
    out.data = Bytes(200, 0xee);
    out.signature = Bytes(64, 1);
    return out;
}

Rpc Mallory::harm() {
    Rpc out;
    if (kind_ == Kind::forger) {
        for (int i = 0; i < 8; ++i) out.publish.push_back(forgery());
        return out;
    }
    IHave invented{topic_, {}};
    for (int i = 0; i < 100; ++i) {
        invented.ids.push_back(std::move(Writer{8}.be(rng_.next())).take());
        out.control.idontwant.push_back(invented.ids.back());
    }
    out.control.ihave.push_back(std::move(invented));
    out.control.iwant = heard_of_;
    out.control.graft.push_back(topic_);
    if (rng_.chance(1, 4)) out.control.prune.push_back({topic_, {}, ~std::uint64_t{0}});
    return out;
}

void Mallory::on_time(Now now) {
    if (now.at < next_) return;
    next_ = now.at + kEvery;
    if (kind_ == Kind::sink || kind_ == Kind::mute) return;
    const auto rpc = harm();
    for (const auto stream : ours_) say(stream, rpc);
}

}  // namespace sennit::sim
