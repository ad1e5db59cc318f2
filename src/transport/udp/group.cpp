// SPDX-License-Identifier: MIT
#include "transport/udp/group.hpp"

#include <algorithm>
#include <boost/asio/ip/multicast.hpp>

namespace sennit::transport::udp {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kInterfacesTime = std::chrono::minutes{1};

}  // namespace

Result<std::optional<GroupName>> group_name(std::string_view host) {
    const auto percent = host.find('%');
    error_code bad;
    const auto address = asio::ip::make_address(std::string{host.substr(0, percent)}, bad);
    if (bad || !address.is_multicast()) return std::optional<GroupName>{};
    if (!address.is_v4()) {
        return Error{Errc::unsupported, "multicast is IPv4 only", Error::kNowhere,
                     std::string{host}};
    }
    GroupName out{.group = address.to_v4(), .zone = {}};
    if (percent == std::string_view::npos) return std::optional{out};
    out.zone = host.substr(percent + 1);
    if (out.zone.empty()) {
        return Error{Errc::malformed, "no interface after %", Error::kNowhere, std::string{host}};
    }
    return std::optional{out};
}

Result<std::vector<io::Interface>> suitable(const std::vector<io::Interface>& all,
                                            std::string_view zone) {
    std::vector<io::Interface> out;
    const auto take = [&](const auto& wanted) {
        for (const auto& one : all) {
            const auto same = [&](const auto& other) { return other.name == one.name; };
            if (wanted(one) && std::ranges::none_of(out, same)) out.push_back(one);
        }
    };
    if (!zone.empty()) {
        take([&](const auto& one) { return one.name == zone || one.address.to_string() == zone; });
        if (out.empty()) {
            return Error{Errc::not_found, "no such interface with IPv4", Error::kNowhere,
                         std::string{zone}};
        }
        return out;
    }
    take([](const auto& one) { return one.multicast && !one.loopback; });
    if (out.empty()) take([](const auto& one) { return one.loopback; });
    if (out.empty())
        return Error{Errc::not_found, "no interface with IPv4 is up", Error::kNowhere, {}};
    return out;
}

Result<void> Group::join(Udp::socket& socket, Instant now) {
    joined_at_ = now;
    SENNIT_TRY(const auto wanted, suitable(io::ipv4_interfaces(), name_.zone));
    std::vector<io::Interface> joined;
    error_code last;
    for (const auto& one : wanted) {
        error_code error;
        socket.set_option(asio::ip::multicast::join_group{name_.group, one.address}, error);
        // Taken: joined before, maybe under an address that the interface has no more.
        if (!error || error == asio::error::address_in_use) {
            joined.push_back(one);
        } else {
            last = error;
        }
    }
    if (joined.empty()) {
        return Error{Errc::io, "cannot join the multicast group", Error::kNowhere, last.message()};
    }
    joined_ = std::move(joined);
    return {};
}

bool Group::stale(Instant now) const {
    return now - joined_at_ >= kInterfacesTime;
}

}  // namespace sennit::transport::udp
