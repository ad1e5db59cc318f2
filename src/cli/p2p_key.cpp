// SPDX-License-Identifier: MIT
/// `sennit p2p key`: libp2p identities in files.
#include <cstdio>

#include "base/bytes.hpp"
#include "cli/keys.hpp"
#include "cli/p2p_common.hpp"

namespace sennit::cli {

namespace {

using libp2p::KeyType;

/// The arguments' parser lets nothing else through.
KeyType type_of(const P2pKeyOptions& options) {
    return options.type == "secp256k1" ? KeyType::secp256k1 : KeyType::ed25519;
}

KeyFormat format_of(const P2pKeyOptions& options) {
    for (const auto format : {KeyFormat::hex, KeyFormat::protobuf, KeyFormat::base64}) {
        if (options.format == to_string(format)) return format;
    }
    return type_of(options) == KeyType::ed25519 ? KeyFormat::hex : KeyFormat::protobuf;
}

}  // namespace

Result<void> p2p_key_new(const P2pKeyOptions& options) {
    SENNIT_TRY(write_identity(options.file, type_of(options), new_secret(), format_of(options)));
    return p2p_key_show(options);
}

Result<void> p2p_key_show(const P2pKeyOptions& options) {
    SENNIT_TRY(const auto read, read_identity(options.file));
    const auto& key = read.key.public_key();
    const auto id = key.peer_id();
    const std::string type{to_string(key.type())};
    const std::string format{to_string(read.format)};
    const auto protobuf = to_base64(key.encode());
    if (options.json) {
        print(json::Value::object({{"file", options.file},
                                   {"format", format},
                                   {"type", type},
                                   {"peer", id.text()},
                                   {"cidBase32", id.cid_base32()},
                                   {"cidBase36", id.cid_base36()},
                                   {"publicKey", to_hex(key.data())},
                                   {"publicKeyProtobuf", protobuf}}));
        return {};
    }
    std::printf("file       %s (%s)\ntype       %s\npeer       %s\nCID base32 %s\nCID base36 %s\n",
                options.file.c_str(), format.c_str(), type.c_str(), id.text().c_str(),
                id.cid_base32().c_str(), id.cid_base36().c_str());
    std::printf("public key %s\nprotobuf   %s\n", to_hex(key.data()).c_str(), protobuf.c_str());
    return {};
}

}  // namespace sennit::cli
