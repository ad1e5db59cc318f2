// SPDX-License-Identifier: MIT
/// What reads as an address is written as a text that reads as the same one: else a peer's hearsay
/// would be dialled as somebody else after a restart.
#include "base/bytes.hpp"
#include "base/net_address.hpp"

using namespace sennit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = as_text({data, size});
    const auto address = NetAddress::parse(text);
    if (address) {
        const auto again = NetAddress::parse(address->text());
        SENNIT_ASSERT(again && *again == *address);
    }
    // Hosts come without a scheme too, from sockets and from peer lists.
    const auto host = address ? std::string_view{address->host} : text;
    const bool is_public =
        host_kind(host) == HostKind::public_ipv4 || host_kind(host) == HostKind::public_ipv6;
    SENNIT_ASSERT(net_groups(host).wide.empty() == !is_public);
    SENNIT_ASSERT(net_groups(host).narrow.empty() == !is_public);
    SENNIT_ASSERT(!is_public || !host_group(host).empty());
    return 0;
}
