// SPDX-License-Identifier: MIT
#pragma once

#include "engine/engine.hpp"

namespace sennit::node {

struct ProtocolConfig {
    std::string name;  ///< of the registry
    std::vector<NetAddress> listens;
    std::vector<NetAddress> peers;  ///< always dialled
    std::map<std::string, std::string, std::less<>> options;
};

struct RpcConfig {
    bool enabled{true};
    std::string host{"127.0.0.1"};
    std::uint16_t port{8545};
    std::vector<std::string> origins;  ///< web pages that may ask; see rpc::HttpPolicy
};

/// Everything that makes one node different from another. Read from a file by cli, or made by a
/// program that embeds the library.
struct Config {
    std::string data_dir;  ///< database, keys
    std::string genesis_file;
    crypto::Ed25519Key node_key;
    std::optional<crypto::Ed25519Key> validator_key;
    std::vector<ProtocolConfig> protocols;
    RpcConfig rpc;
    engine::Options engine;
    std::size_t workers{2};  ///< threads that check signatures
    std::size_t database_cache_bytes{64u << 20};
};

/// What a node calls itself: "sennit/0.1.0".
std::string version_text();

}  // namespace sennit::node
