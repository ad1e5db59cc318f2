// SPDX-License-Identifier: MIT
#pragma once

#include "transport/transport.hpp"

/// The carrier `datagram` over UDP, with multicast.
namespace sennit::transport::udp {

struct Options {
    /// What each link may have waiting; also room for one largest datagram.
    std::size_t room{256u << 10};
    /// Of a datagram's payload, both ways. Multicast DNS may send 9000 bytes with the headers of
    /// IP and UDP (RFC 6762, section 17), and no protocol here more.
    std::size_t datagram_size_max{8972};
    /// Listened on and dialled together; each is one descriptor.
    std::size_t links_max{256};
    /// What HangUp gives to the datagrams that still wait.
    Duration hang_up_timeout{std::chrono::seconds{2}};
};

/// Links over UDP; addresses are `udp://host:port`.
///
/// - `Listen` makes one link, which has everybody's datagrams: its LinkOpen is inbound, without a
///   dial, and comes right after Listening. `LinkBytes::label` says who sent one, and
///   `Transmit::label` whom one is for, both as the text of a NetAddress with a numeric host.
/// - `Dial` makes a link with one peer, whose datagrams alone come in. That it opened says nothing
///   about the peer. A Transmit without a label is for `LinkOpen::remote`.
/// - Either, when the host is an IPv4 multicast group, joins it: `remote` is the group, a Transmit
///   without a label goes to all, once on each interface, and what anybody sends to the group comes
///   in, our own included. Several programs can have one group and port. The socket is bound to the
///   group, so that nobody from outside the network reaches it by unicast. Interfaces are those
///   that are up and carry multicast, or loopback where there are none; `224.0.0.251%eth0` or
///   `224.0.0.251%192.0.2.7` names one instead. They are looked up again every minute in which
///   something is sent, since laptops move. Datagrams to 224.0.0.*, which no router forwards,
///   leave with 255 hops, as multicast DNS asks, those to other groups with one.
///
/// A Listen that cannot bind or join says why through `listen_failed`.
///
/// Datagrams get lost, and here that is never an error: those over `datagram_size_max`, those for
/// an address that is none or another group's, and those that the system refuses are dropped, and
/// LinkClosed says how many. Nothing that comes from the network closes a link: ICMP is forged as
/// easily as datagrams are.
///
/// Attack: a flood. At most 64 datagrams of a link are read before others have their turn; the
/// kernel drops what overruns its buffer.
std::unique_ptr<Transport> make_transport(Environment environment, Options options);

}  // namespace sennit::transport::udp
