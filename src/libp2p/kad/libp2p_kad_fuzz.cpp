// SPDX-License-Identifier: MIT
/// The first byte chooses: (a) the rest is a message, whose reading is within its limits and reads
/// the same when written; or (b) every few bytes are one thing that happens to a Kad: peers come,
/// go, answer with what the input says, ask, and time passes. Invariants hold, nothing grows.
#include "libp2p/kad/testing.hpp"

using namespace sennit;
using namespace sennit::libp2p;
using namespace sennit::libp2p::kad;

namespace {

class Choices {
  public:
    explicit Choices(BytesView bytes) : in_{bytes} {}

    bool empty() const { return in_.empty(); }
    std::uint8_t byte() {
        if (in_.empty()) return 0;
        const auto out = in_.front();
        in_ = in_.subspan(1);
        return out;
    }
    BytesView take(std::size_t n) {
        const auto out = in_.first(std::min(n, in_.size()));
        in_ = in_.subspan(out.size());
        return out;
    }

  private:
    BytesView in_;
};

void read_message(BytesView bytes) {
    const auto read = decode(bytes);
    if (!read) return;
    const MessageLimits limits;
    SENNIT_ASSERT(read->key.size() <= limits.key_size_max);
    SENNIT_ASSERT(read->closer.size() <= limits.peers_max);
    for (const auto& one : read->closer)
        SENNIT_ASSERT(one.addresses.size() <= limits.addresses_max);
    const auto written = encode(*read);
    SENNIT_ASSERT(written.size() <= kMessageSizeMax);
    const auto again = decode(written);
    SENNIT_ASSERT(again && again->type == read->type && again->key == read->key);
    SENNIT_ASSERT(again->closer.size() <= read->closer.size());
    SENNIT_ASSERT(
        std::ranges::equal(again->closer, std::span{read->closer}.first(again->closer.size())));
}

class World {
  public:
    explicit World(Choices choices) : choices_{choices} {
        const auto shape = choices_.byte();
        Kad::Config config;
        config.self = testing::peer(0);
        config.table.k = 1 + (shape & 3u);
        config.table.replacements_max = (shape >> 2) & 3u;
        config.query.k = 1 + ((shape >> 4) & 3u);
        config.query.waiting_max = 4;
        config.query.requests_max = 12;
        config.connected_max = 40;
        config.queries_max = 3;
        config.probes_max = 4;
        config.addresses.private_hosts = (shape & 0x40u) != 0;
        config.mode = (shape & 0x80u) != 0 ? Mode::client : Mode::server;
        kad_.emplace(std::move(config), Rng{shape});
    }

    void run() {
        for (int i = 0; i < 400 && !choices_.empty(); ++i) {
            step();
            while (const auto event = kad_->poll_event()) take(*event);
            kad_->check_invariants();
            SENNIT_ASSERT(kad_->requests() == waiting_.size());
        }
        // However it went, what runs comes to an end.
        for (int i = 0; i < 100 && kad_->queries() > 0; ++i) {
            now_.at += std::chrono::seconds{1};
            kad_->on_time(now_);
            while (const auto event = kad_->poll_event()) take(*event);
        }
        kad_->check_invariants();
    }

  private:
    std::uint64_t someone() { return choices_.byte() % 64; }

    Bytes some_message(MessageType type) {
        Message out{type, {}, {}};
        if (type == MessageType::find_node && choices_.byte() % 8 == 0)
            return to_bytes(choices_.take(choices_.byte()));
        out.key = to_bytes(testing::peer(someone()).view());
        for (auto n = choices_.byte() % 26; n > 0; --n) {
            const auto who = someone();
            out.closer.push_back({testing::peer(who), {testing::address(who)}, {}});
        }
        return encode(out);
    }

    void step() {
        const auto act = choices_.byte();
        const auto who = someone();
        switch (act % 10) {
            case 0: kad_->on_connected(testing::peer(who), testing::address(who / 4), now_); break;
            case 1:
                kad_->on_identified(testing::peer(who), {testing::address(who)},
                                    {act < 200 ? "/ipfs/kad/1.0.0" : "/other"}, now_);
                break;
            case 2: kad_->on_disconnected(testing::peer(who), now_); break;
            case 3:
                (void)kad_->on_request(testing::peer(who),
                                       some_message(static_cast<MessageType>(act / 10 % 6)), now_);
                break;
            case 4:
            case 5:
            case 6: answer(who, act); break;
            case 7: (void)kad_->find(testing::peer(who), now_); break;
            case 8:
                kad_->bootstrap({testing::reachable(who), testing::reachable(who + 1)}, now_);
                break;
            default: now_.at += std::chrono::seconds{choices_.byte()}; kad_->on_time(now_);
        }
    }
    void answer(std::uint64_t which, std::uint8_t act) {
        if (waiting_.empty()) {
            kad_->on_response(RequestId{which}, some_message(MessageType::find_node), now_);
            return;
        }
        const auto id =
            *std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(which % waiting_.size()));
        waiting_.erase(id);
        if (act < 40) {
            kad_->on_failure(id, now_);
        } else {
            kad_->on_response(id, some_message(MessageType::find_node), now_);
        }
    }
    void take(const Kad::Event& event) {
        if (const auto* const e = std::get_if<Kad::SendRequest>(&event)) {
            SENNIT_ASSERT(waiting_.insert(e->id).second);
            SENNIT_ASSERT(e->peer != testing::peer(0) && !e->frame.empty());
        } else if (const auto* const c = std::get_if<Kad::CancelRequest>(&event)) {
            SENNIT_ASSERT(waiting_.erase(c->id) == 1);
        } else if (const auto* const d = std::get_if<Kad::QueryDone>(&event)) {
            for (const auto& one : d->closest) SENNIT_ASSERT(one.id != testing::peer(0));
        }
    }

    Choices choices_;
    std::optional<Kad> kad_;
    Now now_{Instant{std::chrono::seconds{1}}, UnixTime{}};
    std::set<RequestId> waiting_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{{data, size}};
    if (choices.byte() % 4 == 0) {
        read_message(choices.take(size));
    } else {
        World{choices}.run();
    }
    return 0;
}
