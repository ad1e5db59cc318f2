// SPDX-License-Identifier: MIT
#include "sim/network.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace sennit::sim {

namespace {

constexpr std::uint16_t kPort = 30'333;
/// What LinkBytes allows at once.
constexpr std::size_t kPieceMax = 64 * 1024;

}  // namespace

NetAddress Network::address_of(HostId host) {
    constexpr std::uint32_t kNets = 200;
    SENNIT_ASSERT(host.value < kNets * 256);
    const auto net = std::to_string(host.value % kNets + 1);
    return {"tcp", "20." + net + "." + std::to_string(host.value / kNets) + ".1", kPort};
}

Duration Network::delay(HostId from, HostId to) {
    const auto jitter = static_cast<std::uint64_t>(line_.jitter.count());
    const auto latency = line_.distance ? line_.distance(from, to) : line_.latency;
    return latency + Duration{static_cast<Duration::rep>(rng_.below(jitter + 1))};
}

bool Network::reach(HostId a, HostId b) const {
    const auto of_a = group_.find(a);
    const auto of_b = group_.find(b);
    return of_a == group_.end() || of_b == group_.end() || of_a->second == of_b->second;
}

void Network::carry_out(HostId host, const CarrierOutput& output) {
    std::visit([&](const auto& one) { on(host, one); }, output);
}

void Network::on(HostId host, const Listen& listen) {
    listening_[listen.address] = host;
    scheduler_.after(Duration{0}, [this, host, address = listen.address] {
        const auto found = listening_.find(address);
        if (found != listening_.end() && found->second == host) sink_(host, Listening{address});
    });
}

void Network::on(HostId host, const Dial& dial) {
    const auto there = listening_.find(dial.to);
    const auto way = delay(host, there == listening_.end() ? host : there->second);
    scheduler_.after(way, [this, host, dial, run = runs_[host]] {
        const auto target = listening_.find(dial.to);
        if (target != listening_.end() && reach(host, target->second)) {
            return open(host, target->second, dial, run);
        }
        // Nobody says no across a silent cut: the dialler finds out by its own patience.
        const bool silent = target != listening_.end() && cut_ == Cut::silence;
        scheduler_.after(silent ? dial.timeout : delay(host, host),
                         [this, host, id = dial.id, run] { fail(host, id, run, "unreachable"); });
    });
}

void Network::fail(HostId host, DialId dial, std::uint64_t run, const std::string& why) {
    if (runs_[host] == run) sink_(host, DialFailed{dial, why});
}

void Network::open(HostId host, HostId to, const Dial& dial, std::uint64_t run) {
    if (runs_[host] != run) return;
    const LinkId near{next_link_++};
    const LinkId far{next_link_++};
    const NetAddress local{dial.to.scheme, address_of(host).host,
                           static_cast<std::uint16_t>(40'000 + near.value % 20'000)};
    const auto opens = delay(host, to);
    ends_[near] = {.host = host, .far = far, .announced = false, .room = line_.window};
    // Bytes that the far side sends at once must not come before the link.
    ends_[far] = {
        .host = to, .far = near, .room = line_.window, .arrives = scheduler_.now().at + opens};
    scheduler_.after(opens, [this, near, dial, local, run] {
        auto& end = ends_.at(near);
        if (!end.open) return fail(end.host, dial.id, run, "connection reset");
        end.announced = true;
        sink_(end.host,
              LinkOpen{near, Carrier::stream, false, dial.id, local, dial.to, line_.window, 0});
    });
    sink_(to, LinkOpen{far, Carrier::stream, true, {}, dial.to, local, line_.window, 0});
}

void Network::on(HostId host, const Transmit& transmit) {
    auto& end = ends_.at(transmit.link);
    SENNIT_ASSERT(end.host == host && end.open && !end.hung_up);
    SENNIT_ASSERT(transmit.bytes->size() <= end.room);
    end.room -= transmit.bytes->size();
    if (!reach(host, ends_.at(end.far).host)) {
        end.lossy = true;
        return;
    }
    if (end.lossy) return;
    end.arrives = std::max(end.arrives, scheduler_.now().at + delay(end));
    if (line_.lost_per_mille > 0 && rng_.chance(line_.lost_per_mille, 1000))
        end.arrives += line_.retransmit;
    for (BytesView left = *transmit.bytes; !left.empty();) {
        const auto most = std::min({left.size(), line_.piece_max, kPieceMax});
        const auto size = 1 + rng_.below(most);
        auto piece = std::make_shared<const Bytes>(to_bytes(left.first(size)));
        left = left.subspan(size);
        scheduler_.at(end.arrives, [this, to = end.far, piece] { deliver(to, piece); });
    }
}

void Network::deliver(LinkId to, SharedBytes bytes) {
    auto& end = ends_.at(to);
    if (!end.open || end.hung_up) return;
    auto& sender = ends_.at(end.far);
    if (sender.lossy || !reach(end.host, sender.host)) {
        sender.lossy = true;
        return;
    }
    if (!end.reading || !end.held.empty()) {
        end.held.push_back(std::move(bytes));
        return;
    }
    take(to, bytes);
}

void Network::take(LinkId to, const SharedBytes& bytes) {
    const auto host = ends_.at(to).host;
    const auto from = ends_.at(to).far;
    sink_(host, LinkBytes{to, *bytes, {}, 0});
    scheduler_.after(delay(ends_.at(to)), [this, from, size = bytes->size()] {
        auto& sender = ends_.at(from);
        if (!sender.open) return;
        sender.room += size;
        sink_(sender.host, Room{from, size});
    });
}

void Network::on(HostId host, const Hold& hold) {
    auto& end = ends_.at(hold.link);
    SENNIT_ASSERT(end.host == host);
    end.reading = hold.reading;
    if (!hold.reading) return;
    scheduler_.after(Duration{0}, [this, link = hold.link] {
        auto& resumed = ends_.at(link);
        while (resumed.open && resumed.reading && !resumed.held.empty()) {
            const auto bytes = std::move(resumed.held.front());
            resumed.held.pop_front();
            take(link, bytes);
        }
    });
}

void Network::on(HostId host, const HangUp& hang_up) {
    auto& end = ends_.at(hang_up.link);
    SENNIT_ASSERT(end.host == host);
    SENNIT_ASSERT(!end.hung_up);
    if (!end.open) return;
    end.hung_up = true;
    const bool reaches = reach(host, ends_.at(end.far).host);
    scheduler_.after(delay(end), [this, link = hang_up.link] { close(link, "hung up"); });
    if (!reaches) return;
    const auto last = std::max(end.arrives, scheduler_.now().at + delay(end));
    scheduler_.at(last, [this, far = end.far] { close(far, "closed by the other side"); });
}

void Network::close(LinkId link, const std::string& why) {
    auto& end = ends_.at(link);
    if (!end.open) return;
    end.open = false;
    end.held.clear();
    if (end.announced) sink_(end.host, LinkClosed{link, why});
}

void Network::drop_host(HostId host) {
    ++runs_[host];
    std::erase_if(listening_, [&](const auto& one) { return one.second == host; });
    for (auto& [id, end] : ends_) {
        if (end.host != host || !end.open) continue;
        end.open = false;
        end.held.clear();
        if (!reach(host, ends_.at(end.far).host)) continue;
        scheduler_.after(delay(end), [this, far = end.far] { close(far, "connection reset"); });
    }
}

void Network::partition(std::vector<std::vector<HostId>> groups, Cut cut) {
    group_.clear();
    cut_ = cut;
    for (std::size_t group = 0; group < groups.size(); ++group) {
        for (const auto host : groups[group]) group_[host] = group;
    }
    if (cut == Cut::silence) return;
    for (const auto& [id, end] : ends_) {
        if (!end.open || reach(end.host, ends_.at(end.far).host)) continue;
        scheduler_.after(Duration{0}, [this, link = id] { close(link, "network unreachable"); });
    }
}

void Network::heal() {
    for (const auto& [id, end] : ends_) {
        const auto& far = ends_.at(end.far);
        const bool half_closed = end.open && !far.open && !reach(end.host, far.host);
        if (!half_closed && !end.lossy && !far.lossy) continue;
        scheduler_.after(delay(end), [this, link = id] { close(link, "connection reset"); });
    }
    group_.clear();
}

void Network::reset_links() {
    for (const auto& [id, end] : ends_) {
        scheduler_.after(Duration{0}, [this, link = id] { close(link, "connection reset"); });
    }
}

std::size_t Network::open_links() const {
    return static_cast<std::size_t>(
        std::count_if(ends_.begin(), ends_.end(), [](const auto& one) { return one.second.open; }));
}

}  // namespace sennit::sim
