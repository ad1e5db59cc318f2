// SPDX-License-Identifier: MIT
#pragma once

#include "base/json.hpp"
#include "crypto/ed25519.hpp"

namespace sennit::protocol::moderntensor {

/// The HELLO of one end.
///
/// What came in is kept as loosely as the original reads it: hashes have any length, and a number
/// that is none of ours (a float, a text, a negative) is absent, not an error.
struct Hello {
    std::optional<std::uint64_t> protocol_version;
    std::optional<std::uint64_t> network_id;
    Bytes genesis_hash;
    std::optional<std::uint64_t> best_height;
    Bytes best_hash;
    std::optional<std::uint64_t> listen_port;
    Bytes node_id;
    std::vector<std::string> capabilities;  ///< of those that came in, texts only, at most 32
    std::optional<Digest> nonce;            ///< Sennit's own key

    bool has(std::string_view capability) const;
};

/// As Python's json.dumps writes it, keys in the original's order.
std::string write_hello(const Hello& hello);
/// All keys but `nonce` must be there, hashes in hexadecimal as bytes.fromhex takes it. Further
/// keys and any order are fine. Errors: those of json::parse; not_found, malformed.
Result<Hello> parse_hello(BytesView payload);

/// What a node signs to prove the id in its HELLO: "sennit/hello/1" || genesis || both payloads,
/// the dialler's first. Both hold a fresh nonce, so a proof serves one link.
Bytes proof_bytes(const BlockId& genesis, BytesView dialler, BytesView listener);

/// bytes.fromhex: upper and lower case, white space between bytes.
Result<Bytes> from_python_hex(std::string_view text);

}  // namespace sennit::protocol::moderntensor
