// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "transport/http/http.hpp"
#include "transport/tcp/tcp.hpp"
#include "transport/transport.hpp"
#include "transport/udp/udp.hpp"

namespace sennit::transport {

namespace {

struct Entry {
    std::string_view scheme;
    Carrier carrier;
    std::unique_ptr<Transport> (*make)(Environment);
};

constexpr std::array kEntries{
    Entry{"http", Carrier::exchange,
          [](Environment e) {
              http::Options options;
              const auto inbound = std::min(e.links_inbound_max, e.links_max);
              options.connections_inbound_max = std::min(options.connections_inbound_max, inbound);
              options.exchanges_outbound_max =
                  std::min(options.exchanges_outbound_max, e.links_max - inbound);
              return http::make_transport(std::move(e), options);
          }},
    Entry{"tcp", Carrier::stream,
          [](Environment e) {
              tcp::Options options;
              options.links_inbound_max = e.links_inbound_max;
              options.links_max = e.links_max;
              return tcp::make_transport(std::move(e), options);
          }},
    Entry{"udp", Carrier::datagram,
          [](Environment e) {
              udp::Options options;
              options.links_max = std::min(options.links_max, e.links_max);
              return udp::make_transport(std::move(e), options);
          }},
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(std::string_view scheme,
                                                  Environment environment) {
    std::string known;
    for (const auto& entry : kEntries) {
        if (entry.scheme == scheme) return entry.make(std::move(environment));
        known += (known.empty() ? "" : ", ") + std::string{entry.scheme};
    }
    return Error{Errc::unsupported, "no such transport", Error::kNowhere,
                 std::string{scheme} + ", only " + known};
}

std::vector<std::string> transport_schemes() {
    std::vector<std::string> out;
    for (const auto& entry : kEntries) out.emplace_back(entry.scheme);
    return out;
}

std::optional<Carrier> carrier_of(std::string_view scheme) {
    for (const auto& entry : kEntries) {
        if (entry.scheme == scheme) return entry.carrier;
    }
    return std::nullopt;
}

}  // namespace sennit::transport
