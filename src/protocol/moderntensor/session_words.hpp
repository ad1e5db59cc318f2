// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/protocol.hpp"

namespace sennit::protocol::moderntensor {

/// Reasons of a DISCONNECT. The first seven are the original's, word for word; a node that reads
/// logs of both should not have to translate.
namespace words {

constexpr std::string_view kExpectedHello = "Expected HELLO";
constexpr std::string_view kOtherNetwork = "Different network";
constexpr std::string_view kHandshakeFailed = "Handshake failed";
constexpr std::string_view kInvalidHandshake = "Invalid handshake";
constexpr std::string_view kShutdown = "Node shutting down";
constexpr std::string_view kClosed = "Connection closed";
constexpr std::string_view kTimeout = "Timeout";

constexpr std::string_view kOtherGenesis = "Different genesis";
constexpr std::string_view kSelf = "connected to self";
constexpr std::string_view kWrongProof = "Wrong proof of identity";
constexpr std::string_view kBusy = "Too busy for large frames";

/// The first frame is something else than a HELLO.
constexpr std::string_view no_hello(bool inbound) {
    return inbound ? kExpectedHello : kInvalidHandshake;
}
/// The HELLO cannot be read.
constexpr std::string_view bad_hello(bool inbound) {
    return inbound ? kHandshakeFailed : kInvalidHandshake;
}

}  // namespace words

/// What an original can be told and asked: everything in its own words, but it answers only
/// GET_PEERS, and its chain is not ours.
PeerTraits traits_of_original();
PeerTraits traits_of_sennit();

}  // namespace sennit::protocol::moderntensor
