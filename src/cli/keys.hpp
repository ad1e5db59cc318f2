// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "crypto/ed25519.hpp"
#include "crypto/secp256k1.hpp"
#include "libp2p/keys.hpp"

/// Keys in files, readable by the owner only: 64 hexadecimal digits and a line feed. Those of
/// libp2p identities may also be the protobuf that other tools write, see `read_identity`.
namespace sennit::cli {

using Secret = std::array<std::uint8_t, 32>;

Secret new_secret();
/// Refuses to overwrite. Errors: duplicate, io.
Result<void> write_secret(const std::string& path, const Secret& secret);
/// The same with any text or bytes.
Result<void> write_key_file(const std::string& path, std::string_view content);
/// Errors: io, malformed; each names the file and what was expected.
Result<Secret> read_secret(const std::string& path);

Result<crypto::Ed25519Key> read_ed25519(const std::string& path);
Result<crypto::Secp256k1Key> read_account(const std::string& path);

/// How a libp2p identity lies in its file.
enum class KeyFormat : std::uint8_t {
    hex,       ///< an Ed25519 seed, as `read_secret` reads it
    protobuf,  ///< libp2p's PrivateKey message (libp2p/specs, peer-ids.md), as rust and go write it
    base64,    ///< the same as text, as Kubo's configuration and js have it
};
std::string_view to_string(KeyFormat format);

struct IdentityFile {
    libp2p::PrivateKey key;
    KeyFormat format;
};
/// In whichever form it is. Errors: io, malformed, unsupported, mismatch; each names the file.
Result<IdentityFile> read_identity(const std::string& path);
/// Refuses to overwrite. Errors: duplicate, io; unsupported for types that we do not make, and for
/// hex and another type than Ed25519: hex does not say a type, and would be read as that.
Result<void> write_identity(const std::string& path, libp2p::KeyType type, const Secret& secret,
                            KeyFormat format);

/// RFC 4648 section 4, padded: what other libp2p tools print keys in.
std::string to_base64(BytesView bytes);

/// Whole text of a file, and back; the latter replaces. Errors: io, naming the file.
Result<std::string> read_text(const std::string& path);
Result<void> write_text(const std::string& path, std::string_view text);

}  // namespace sennit::cli
