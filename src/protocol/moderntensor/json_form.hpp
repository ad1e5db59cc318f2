// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/message.hpp"
#include "protocol/moderntensor/codec.hpp"

/// Messages as the original's JSON, and back. Written as Python's json.dumps does; hexadecimal is
/// lower case without 0x.
///
/// Numbers outside the chain's ranges and hashes of the wrong length are malformed here, though the
/// original's decoder lets them through: they name nothing that we could answer.
namespace sennit::protocol::moderntensor {

/// Batch sizes of the document, and what the original asks for when it does not say.
constexpr std::uint32_t kHeadersDefault = 192;
constexpr std::uint32_t kBlocksDefault = 128;
constexpr std::uint32_t kPeersDefault = 50;

// Out.

std::string write_announce(const BlockRef& block);
/// nullopt: not a transaction, or its sender is not known; keys are never recovered to serve.
std::optional<std::string> write_transaction(const WireTransaction& tx);
/// The flat header with `extra_data`, `transactions` and, if there is one, `certificate`.
std::string write_block(const WireBlock& block);
std::string write_blocks(const Blocks& message);
/// The original asks for headers and gets headers alone; `certificates` is a sibling list.
std::string write_headers(const Headers& message);
std::string write_bodies(const Bodies& message);
std::string write_transactions(const Transactions& message);
std::string write_peers(const Peers& message);
std::string write_get_peers(const GetPeers& message);

// In.

/// The message in a payload of that type. What belongs to no message of ours (HELLO, PING, STATE,
/// ...) is Errc::unsupported. Errors: those of json::parse; not_found for a missing key, malformed,
/// oversized.
Result<MessagePtr> read_json(Type type, BytesView payload);

/// The height of a GET_STATE.
Result<std::uint64_t> read_get_state(BytesView payload);
/// A header in the original's flat form; keys that are not required have its defaults.
Result<Header> read_header(const json::Value& object);

}  // namespace sennit::protocol::moderntensor
