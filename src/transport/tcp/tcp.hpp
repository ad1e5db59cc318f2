// SPDX-License-Identifier: MIT
#pragma once

#include "transport/transport.hpp"

/// The carrier `stream` over TCP.
namespace sennit::transport::tcp {

struct Options {
    /// What each link may have waiting; a protocol's largest message must fit.
    std::size_t room{1u << 20};
    std::size_t links_inbound_max{512};
    /// From one public host, or IPv6 /64: a few peers behind one address, and as many links again
    /// that are closing. The protocol allows fewer to be strangers at once.
    std::size_t links_inbound_per_host_max{16};
    /// In both directions; a dial over it fails.
    std::size_t links_max{4096};
    std::size_t dials_max{256};
    /// A peer that takes no byte for so long while some wait is closed.
    Duration slow_peer_timeout{std::chrono::seconds{30}};
    /// What HangUp gives to the bytes that still wait.
    Duration hang_up_timeout{std::chrono::seconds{2}};
};

/// Links over TCP, IPv4 and IPv6, with names resolved.
///
/// Writing: what one turn of the driver transmits on a link leaves in one gathered write at the
/// end of that turn. Reading: no link owns a buffer; when its socket becomes readable, at most
/// 64 KiB go through one buffer that all share, then the next link has its turn. HangUp ends our
/// direction once all has left and waits for the peer's end, since closing over unread bytes would
/// reset the connection and could destroy what the peer has not yet read.
///
/// The peer's end closes the link, also when bytes for it still wait. Held links are not watched:
/// that their peer is gone shows when they are resumed or written to.
std::unique_ptr<Transport> make_transport(Environment environment, Options options);

}  // namespace sennit::transport::tcp
