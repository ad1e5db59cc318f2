// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "chain/genesis.hpp"
#include "cli/commands.hpp"
#include "cli/config_file.hpp"
#include "cli/keys.hpp"
#include "io/clock.hpp"

namespace sennit::cli {

namespace {

constexpr Amount kCoin = 1'000'000'000'000'000'000;
/// What the faucet of a new chain holds: enough for any experiment, far from 128 bits.
constexpr Amount kFaucet = kCoin * 1'000'000'000;
constexpr Amount kStake = kCoin * 32;

Result<void> make_directory(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed)
        return Error{Errc::io, "cannot make directory", Error::kNowhere,
                     path + ": " + failed.message()};
    return {};
}

Result<chain::GenesisValidator> make_validator(const std::string& directory,
                                               std::uint64_t chain_id) {
    for (const auto* name : {"validator.key", "account.key"}) {
        SENNIT_TRY(write_secret(directory + "/" + name, new_secret()));
    }
    SENNIT_TRY(auto key, read_ed25519(directory + "/validator.key"));
    SENNIT_TRY(auto node, read_ed25519(directory + "/node.key"));
    SENNIT_TRY(auto account, read_account(directory + "/account.key"));
    chain::GenesisValidator out;
    out.account = account.address();
    out.payout = out.account;
    out.validator_key = key.public_key<ValidatorKey>();
    out.node_key = node.public_key<NodeId>();
    out.validator_pop = key.sign(chain::possession_bytes(
        chain_id, out.account, chain::KeyRole::validator, out.validator_key.view()));
    out.node_pop = node.sign(
        chain::possession_bytes(chain_id, out.account, chain::KeyRole::node, out.node_key.view()));
    out.stake = kStake;
    return out;
}

/// The first slot starts so many seconds after `init`: all nodes of a devnet are up by then.
constexpr std::uint64_t kStartDelay = 3;

chain::Genesis new_genesis(const InitOptions& options, const Address& faucet) {
    chain::Genesis genesis;
    genesis.chain_id = options.chain_id;
    genesis.genesis_time = unix_seconds(io::system_now().wall) + kStartDelay;
    genesis.gas_limit = 30'000'000;
    genesis.min_gas_price = 1'000'000'000;
    genesis.stake.slot_seconds = options.slot_seconds;
    genesis.stake.epoch_slots = options.epoch_slots;
    genesis.stake.validators_max = 100;
    genesis.stake.unbonding_seconds = 14 * 24 * 3600;
    genesis.stake.min_stake = kCoin;
    genesis.stake.reward = kCoin / 100;
    genesis.alloc = {{faucet, kFaucet}};
    return genesis;
}

std::string node_directory(const InitOptions& options, std::uint32_t index) {
    return options.validators + options.observers == 1
               ? options.directory
               : options.directory + "/node" + std::to_string(index + 1);
}

Result<void> write_config(const InitOptions& options, std::uint32_t index, bool validator,
                          std::string genesis) {
    const auto address = [&](std::uint32_t n) {
        return NetAddress{"tcp", options.listen_host, static_cast<std::uint16_t>(options.port + n)}
            .text();
    };
    ConfigText text;
    text.genesis = std::move(genesis);
    text.validator = validator;
    text.listen = address(index);
    for (std::uint32_t n = 0; n < options.validators; ++n) {
        if (n != index) text.peers.push_back(address(n));
    }
    text.rpc_port = static_cast<std::uint16_t>(options.rpc_port + index);
    return write_text(node_directory(options, index) + "/config.toml", config_text(text));
}

Result<void> init_joining(const InitOptions& options) {
    SENNIT_TRY(auto text, read_text(options.genesis));
    SENNIT_TRY(chain::parse_genesis(text));
    SENNIT_TRY(make_directory(options.directory));
    SENNIT_TRY(write_secret(options.directory + "/node.key", new_secret()));
    SENNIT_TRY(write_text(options.directory + "/genesis.json", text));
    auto alone = options;
    alone.validators = 0;
    alone.observers = 1;
    SENNIT_TRY(write_config(alone, 0, false, "genesis.json"));
    if (options.quiet) return {};
    std::printf(
        "Joined the chain of %s in %s.\nName at least one peer in %s/config.toml, then run:\n"
        "  sennit node --config %s/config.toml\n",
        options.genesis.c_str(), options.directory.c_str(), options.directory.c_str(),
        options.directory.c_str());
    return {};
}

}  // namespace

Result<void> init(const InitOptions& options) {
    if (!options.genesis.empty()) return init_joining(options);
    // Before anything is written: what is half made would be in the way of the next attempt.
    if (options.chain_id < 2 || options.chain_id > chain::kChainIdMax) {
        return Error{Errc::invalid, "chain id out of range", Error::kNowhere,
                     std::to_string(options.chain_id) + ", expected 2 to " +
                         std::to_string(chain::kChainIdMax)};
    }
    SENNIT_TRY(make_directory(options.directory));
    const auto genesis_path = options.directory + "/genesis.json";
    std::error_code unknown;  // what cannot be looked at is in the way as well
    if (std::filesystem::exists(genesis_path, unknown) || unknown) {
        return Error{Errc::duplicate, "there is a chain already", Error::kNowhere,
                     genesis_path + "; choose another --dir, or remove that directory"};
    }
    const auto faucet_path = options.directory + "/faucet.key";
    SENNIT_TRY(write_secret(faucet_path, new_secret()));
    SENNIT_TRY(auto faucet, read_account(faucet_path));
    auto genesis = new_genesis(options, faucet.address());
    const auto nodes = options.validators + options.observers;
    for (std::uint32_t n = 0; n < nodes; ++n) {
        const auto directory = node_directory(options, n);
        SENNIT_TRY(make_directory(directory));
        SENNIT_TRY(write_secret(directory + "/node.key", new_secret()));
        if (n < options.validators) {
            SENNIT_TRY(auto validator, make_validator(directory, options.chain_id));
            genesis.validators.push_back(validator);
        }
        SENNIT_TRY(write_config(options, n, n < options.validators,
                                nodes == 1 ? "genesis.json" : "../genesis.json"));
    }
    std::sort(genesis.validators.begin(), genesis.validators.end(),
              [](const auto& a, const auto& b) { return a.account < b.account; });
    SENNIT_TRY(chain::check_genesis(genesis));
    SENNIT_TRY(write_text(genesis_path, chain::pretty_json(genesis)));
    if (options.quiet) return {};
    std::printf(
        "New chain %llu in %s: %u validator(s), %u observer(s), slots of %llu s.\n"
        "Its money lies with %s (key in %s).\n",
        static_cast<unsigned long long>(options.chain_id), options.directory.c_str(),
        options.validators, options.observers,
        static_cast<unsigned long long>(options.slot_seconds),
        ("0x" + to_hex(faucet.address())).c_str(), faucet_path.c_str());
    for (std::uint32_t n = 0; n < nodes; ++n) {
        std::printf("  sennit node --config %s/config.toml\n", node_directory(options, n).c_str());
    }
    return {};
}

}  // namespace sennit::cli
