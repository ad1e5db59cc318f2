// SPDX-License-Identifier: MIT
/// Two connections and a link that the input cuts, and from a point on corrupts: every two bytes
/// are one thing that happens. As long as nothing is corrupted, what one side wrote the other has,
/// in order; whatever comes, nobody crashes, and invariants hold. With one byte over it is TLS.
#include "libp2p/connection/pair.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;

constexpr std::size_t kEventsMax = 300;

class World {
  public:
    explicit World(Security security)
        : pair_{1, std::nullopt, /*same_identity=*/false, {security}} {}

    void happen(std::uint8_t what, std::uint8_t detail) {
        auto& end = what % 2 == 0 ? pair_.dialler : pair_.listener;
        auto& queue = what % 2 == 0 ? to_listener_ : to_dialler_;
        switch (what / 2 % 8) {
            case 0:
            case 1: send(end, queue); break;
            case 2:
            case 3: deliver(end, what % 2 == 0 ? to_dialler_ : to_listener_, detail); break;
            case 4:
                (void)end.connection->open({detail % 3 == 0 ? "/none" : "/echo"}, pair_.now);
                break;
            case 5: write(end, detail); break;
            case 6: reset_or_close(end, detail); break;
            default: corrupt_or_wait(end, queue, detail);
        }
        end.take_events(pair_.now);
        end.connection->check_invariants();
    }

    void finish() {
        if (disturbed_) return;
        for (int i = 0; i < 50; ++i) {
            send(pair_.dialler, to_listener_);
            deliver(pair_.listener, to_listener_, 255);
            send(pair_.listener, to_dialler_);
            deliver(pair_.dialler, to_dialler_, 255);
        }
        // Honest sides find no fault with each other.
        SENNIT_ASSERT(!pair_.dialler.closed && !pair_.listener.closed);
        for (const auto* end : {&pair_.dialler, &pair_.listener}) {
            for (const auto& [id, text] : end->received) {
                const auto written = written_.find({end, id});
                SENNIT_ASSERT(written != written_.end() && written->second.starts_with(text));
            }
        }
    }

  private:
    using Key = std::pair<const testing::End*, StreamId>;

    void send(testing::End& end, Bytes& queue) {
        end.connection->transmit(1 << 17, pair_.now, queue);
    }
    void deliver(testing::End& to, Bytes& queue, std::uint8_t detail) {
        const auto size =
            detail == 255 ? queue.size() : std::min<std::size_t>(detail, queue.size());
        to.connection->on_bytes(BytesView{queue}.first(size), pair_.now);
        queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(size));
        to.take_events(pair_.now);
    }
    void write(testing::End& end, std::uint8_t detail) {
        for (const auto& [id, protocol] : end.agreed) {
            const std::string text(detail, static_cast<char>('a' + id.value % 26));
            const auto taken = end.connection->write(id, as_bytes(text));
            written_[{&end, id}] += text.substr(0, taken);
        }
    }
    void reset_or_close(testing::End& end, std::uint8_t detail) {
        if (end.agreed.empty()) return;
        const auto id = std::next(end.agreed.begin(), detail % end.agreed.size())->first;
        if (detail % 2 == 0) {
            end.connection->reset(id);
        } else {
            end.connection->close_write(id);
        }
    }
    void corrupt_or_wait(testing::End& end, Bytes& queue, std::uint8_t detail) {
        disturbed_ = true;
        if (detail % 2 == 0 && !queue.empty()) {
            queue[detail % queue.size()] ^= static_cast<std::uint8_t>(1u + detail);
        } else {
            pair_.now.at += std::chrono::seconds{detail};
            end.connection->on_time(pair_.now);
        }
    }

    testing::Pair pair_;
    Bytes to_listener_;
    Bytes to_dialler_;
    bool disturbed_{false};
    std::map<Key, std::string> written_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world{size % 2 == 0 ? Security::noise : Security::tls};
    for (std::size_t i = 0; i + 2 <= std::min(size, 2 * kEventsMax); i += 2)
        world.happen(data[i], data[i + 1]);
    world.finish();
    return 0;
}
