// SPDX-License-Identifier: MIT
#pragma once

#include "transport/transport.hpp"

/// The carrier `exchange` over HTTP/1.1: a link is one request and its one answer.
namespace sennit::transport::http {

struct Options {
    /// Of a request and of an answer. A request over it is refused with 413 and never becomes a
    /// link; it is above the protocols' own limits, so that they may answer as their documents say.
    std::size_t body_size_max{2u << 20};
    std::size_t header_size_max{16u << 10};
    std::size_t connections_inbound_max{256};
    std::size_t exchanges_outbound_max{256};
    /// For the protocol to answer a request, else the client gets 504; and for the peer to answer
    /// ours.
    Duration answer_timeout{std::chrono::seconds{20}};
    /// Between LinkOpen and the Transmit of the request. A peer may close an idle connection.
    Duration request_timeout{std::chrono::seconds{5}};
};

/// As a server: LinkOpen{inbound}, LinkBytes{label "POST /message", bytes = body}; the first
/// Transmit{code, bytes} answers, its label is the content type (empty: plain text), and the link
/// closes. A HangUp without an answer is a 503.
///
/// As a client: Dial connects, LinkOpen; the first Transmit{label "POST /message", bytes} is the
/// request; LinkBytes{code, bytes, label = content type} is the answer, and the link closes.
///
/// Hold has no meaning here. Bodies are counted against `body_size_max`, which is also the room.
std::unique_ptr<Transport> make_transport(Environment environment, Options options);

}  // namespace sennit::transport::http
