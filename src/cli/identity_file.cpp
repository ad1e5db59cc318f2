// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/bytes.hpp"
#include "cli/keys.hpp"
#include "io/file.hpp"
#include "libp2p/multibase.hpp"

namespace sennit::cli {

namespace {

using libp2p::Base;
using libp2p::PrivateKey;

/// An RSA key, which is refused with a better reason than its size, has 2.4 KB at 4096 bits.
constexpr std::size_t kFileSizeMax = 16 * 1024;

Error named(Error error, const std::string& path) {
    error.detail = path + (error.detail.empty() ? "" : ": " + error.detail);
    return error;
}

/// It is a key, and one that is of no use: other errors only say that it is none.
bool says_why(const Error& error) {
    return error.code == Errc::unsupported || error.code == Errc::mismatch;
}

std::string_view without_line_end(std::string_view text) {
    const auto last = text.find_last_not_of("\r\n ");
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

/// The alphabet differs from base64url's in two digits, and this one is padded.
Result<Bytes> from_base64(std::string_view text) {
    std::string digits{text.substr(0, std::min(text.size(), text.find_last_not_of('=') + 1))};
    std::ranges::replace(digits, '+', '-');
    std::ranges::replace(digits, '/', '_');
    return libp2p::decode_digits(Base::base64url, digits);
}

}  // namespace

std::string to_base64(BytesView bytes) {
    auto out = libp2p::encode_digits(Base::base64url, bytes);
    std::ranges::replace(out, '-', '+');
    std::ranges::replace(out, '_', '/');
    out.resize((out.size() + 3) / 4 * 4, '=');
    return out;
}

std::string_view to_string(KeyFormat format) {
    switch (format) {
        case KeyFormat::hex: return "hex";
        case KeyFormat::protobuf: return "protobuf";
        case KeyFormat::base64: return "base64";
    }
    return "?";
}

Result<IdentityFile> read_identity(const std::string& path) {
    SENNIT_TRY(const auto content, io::read_file(path, kFileSizeMax));
    const auto text = without_line_end(content);
    if (const auto seed = hash_from_hex<Digest>(text)) {
        const auto key = crypto::Ed25519Key::from_seed(seed->bytes);
        return IdentityFile{PrivateKey::from_ed25519(key), KeyFormat::hex};
    }
    auto key = PrivateKey::decode(as_bytes(content));
    auto format = KeyFormat::protobuf;
    if (!key && !says_why(key.error())) {
        if (const auto bytes = from_base64(text)) {
            key = PrivateKey::decode(*bytes);
            format = KeyFormat::base64;
        }
    }
    if (key) return IdentityFile{*std::move(key), format};
    if (says_why(key.error())) return named(key.error(), path);
    return Error{Errc::malformed,
                 "not a key file: expected 64 hexadecimal digits, or a libp2p private key as "
                 "protobuf or in base64",
                 Error::kNowhere, path};
}

Result<PrivateKey> identity_from(libp2p::KeyType type, const Secret& secret) {
    if (type == libp2p::KeyType::secp256k1) return PrivateKey::from_secp256k1(secret);
    if (type == libp2p::KeyType::ed25519)
        return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(secret));
    return Error{Errc::unsupported, "no keys of this type are made here", Error::kNowhere,
                 std::string{to_string(type)}};
}

Result<void> write_identity(const std::string& path, libp2p::KeyType type, const Secret& secret,
                            KeyFormat format) {
    SENNIT_TRY(const auto key, identity_from(type, secret));
    if (format == KeyFormat::hex) {
        if (type == libp2p::KeyType::ed25519) return write_secret(path, secret);
        return Error{Errc::unsupported, "hexadecimal holds Ed25519 keys only", Error::kNowhere,
                     std::string{to_string(type)} + "; choose protobuf or base64"};
    }
    const auto protobuf = key.encode();
    if (format == KeyFormat::base64) return write_key_file(path, to_base64(protobuf) + "\n");
    return write_key_file(path, as_text(protobuf));
}

}  // namespace sennit::cli
