// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "crypto/ed25519.hpp"
#include "crypto/secp256k1.hpp"

/// Keys in files: 64 hexadecimal digits and a line feed, readable by the owner only.
namespace sennit::cli {

using Secret = std::array<std::uint8_t, 32>;

Secret new_secret();
/// Refuses to overwrite. Errors: duplicate, io.
Result<void> write_secret(const std::string& path, const Secret& secret);
/// Errors: io, malformed; each names the file and what was expected.
Result<Secret> read_secret(const std::string& path);

Result<crypto::Ed25519Key> read_ed25519(const std::string& path);
Result<crypto::Secp256k1Key> read_account(const std::string& path);

/// Whole text of a file, and back; the latter replaces. Errors: io, naming the file.
Result<std::string> read_text(const std::string& path);
Result<void> write_text(const std::string& path, std::string_view text);

}  // namespace sennit::cli
