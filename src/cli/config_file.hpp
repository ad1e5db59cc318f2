// SPDX-License-Identifier: MIT
#pragma once

#include "node/config.hpp"

namespace sennit::cli {

/// Reads a node's configuration. Paths in it are relative to the file. Errors name the line or the
/// key, what stood there and what was expected; an unknown key is an error too, so that a typing
/// mistake is not a silent default.
Result<node::Config> read_config(const std::string& path);

struct ConfigText {
    std::string genesis{"genesis.json"};
    bool validator{false};
    std::string listen{"tcp://0.0.0.0:30303"};
    std::vector<std::string> peers;
    std::string rpc_host{"127.0.0.1"};
    std::uint16_t rpc_port{8545};
    bool empty_blocks{true};
};
/// A documented file with every key, as `sennit init` writes it.
std::string config_text(const ConfigText& values);

}  // namespace sennit::cli
