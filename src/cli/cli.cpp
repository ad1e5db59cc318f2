// SPDX-License-Identifier: MIT
/// The arguments of every command; those of `p2p` are in p2p_arguments.cpp.
#include "cli/cli.hpp"

#include <algorithm>
#include <cstdio>

#include "chain/trust.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/rpc_client.hpp"
#include "node/config.hpp"
#include "protocol/registry.hpp"

namespace sennit::cli {

namespace {

constexpr int kFailed = 1;
constexpr int kBadArguments = 2;

/// All options of all commands; the parser writes into it.
struct Options {
    InitOptions init;
    NodeOptions node;
    DevnetOptions devnet;
    KeyOptions key;
    SendOptions send;
    QueryOptions query;
    CodecOptions codec;
    P2pOptions p2p;
    P2pKeyOptions p2p_key;
};

CLI::Validator port_range() {
    return CLI::Range(1, 65535).description("");
}

void add_rpc(CLI::App& sub, std::string& url, const char* help) {
    sub.add_option("--rpc", url, help)->capture_default_str()->check(checked(RpcClient::open));
}

void add_protocol(CLI::App& sub, std::string& name) {
    std::vector<std::string> names;
    for (const auto& one : protocol::protocols()) names.emplace_back(one.name);
    sub.add_option("--protocol", name, "whose frames")->required()->check(CLI::IsMember(names));
}

void add_init(CLI::App& app, Options& options, Command& command) {
    auto* sub =
        app.add_subcommand("init", "make a new chain, or join one: genesis, keys, configuration");
    auto& o = options.init;
    sub->add_option("--dir", o.directory, "where to put it")->capture_default_str();
    sub->add_option("--genesis", o.genesis,
                    "join the chain of this genesis file instead of making one")
        ->check(CLI::ExistingFile);
    sub->add_option("--chain-id", o.chain_id, "chain id of a new chain, from 2 on (EIP-155)")
        ->check(CLI::Range(std::uint64_t{2}, chain::kChainIdMax).description(""))
        ->capture_default_str();
    sub->add_option("--validators", o.validators,
                    "nodes that propose and vote, each in its own directory")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    sub->add_option("--observers", o.observers, "further nodes that only follow")
        ->check(CLI::Range(0, 100));
    sub->add_option("--slot", o.slot_seconds, "seconds a slot, at least 2")
        ->check(CLI::Range(2, 86400))
        ->capture_default_str();
    sub->add_option("--epoch", o.epoch_slots, "slots an epoch, at least 64")
        ->check(CLI::Range(64, 1'000'000))
        ->capture_default_str();
    sub->add_option("--port", o.port, "first port for peers")
        ->check(port_range())
        ->capture_default_str();
    sub->add_option("--rpc-port", o.rpc_port, "first port for JSON-RPC")
        ->check(port_range())
        ->capture_default_str();
    sub->add_option("--listen-host", o.listen_host, "address on which peers are accepted")
        ->capture_default_str();
    sub->footer(
        "As in: sennit init --dir my-chain --validators 4\n"
        "       sennit init --dir joined --genesis my-chain/genesis.json");
    sub->callback([&] { command = [&] { return init(o); }; });
}

void add_node(CLI::App& app, Options& options, Command& command) {
    auto* sub = app.add_subcommand("node", "run a node until Ctrl-C");
    auto& o = options.node;
    sub->add_option("--config", o.config, "configuration file, as `sennit init` writes it")
        ->capture_default_str();
    sub->add_option("--trust", o.trust,
                    "slot:id of a block that you know to be final: a node that was away for half "
                    "the unbonding time follows no chain without it")
        ->check(checked(chain::parse_checkpoint));
    sub->add_option("--log", o.log_level, "how much it says")
        ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
        ->capture_default_str();
    sub->footer("As in: sennit node --config my-chain/config.toml --log debug");
    sub->callback([&] { command = [&] { return run_node(o); }; });
}

void add_devnet(CLI::App& app, Options& options, Command& command) {
    auto* sub = app.add_subcommand("devnet", "run a whole network on this machine and watch it");
    auto& o = options.devnet;
    sub->add_option("--dir", o.directory,
                    "where its nodes live; an earlier devnet there is replaced")
        ->capture_default_str();
    sub->add_option("--validators", o.validators, "validators")
        ->check(CLI::Range(1, 20))
        ->capture_default_str();
    sub->add_option("--observers", o.observers, "nodes that join later and catch up")
        ->check(CLI::Range(0, 20))
        ->capture_default_str();
    sub->add_option("--slot", o.slot_seconds, "seconds a slot")
        ->check(CLI::Range(2, 60))
        ->capture_default_str();
    sub->add_option("--for", o.run_for,
                    "end after so many seconds, with status 0 only if all nodes agree and a "
                    "transfer is final")
        ->check(CLI::Range(20, 1'000'000));
    sub->add_option("--port", o.port, "first port for peers; the next free ones are taken")
        ->check(port_range())
        ->capture_default_str();
    sub->add_option("--rpc-port", o.rpc_port, "first port for JSON-RPC")
        ->check(port_range())
        ->capture_default_str();
    sub->footer("As in: sennit devnet --validators 7 --observers 2 --for 60");
    sub->callback([&] { command = [&] { return devnet(o); }; });
}

void add_key(CLI::App& app, Options& options, Command& command) {
    auto* sub = app.add_subcommand("key", "make and show keys");
    sub->require_subcommand(1);
    auto& o = options.key;
    const auto add = [&](const char* name, const char* help,
                         Result<void> (*run)(const KeyOptions&)) {
        auto* one = sub->add_subcommand(name, help);
        one->add_option("file", o.file, "key file")->required();
        one->add_option("--kind", o.kind, "account is secp256k1, the others are Ed25519")
            ->check(CLI::IsMember({"account", "validator", "node"}))
            ->capture_default_str();
        one->add_flag("--json", o.json, "print JSON");
        one->callback([&o, &command, run] { command = [&o, run] { return run(o); }; });
    };
    add("new", "write a new secret key, readable by you alone", key_new);
    add("show", "print a key's address or public half", key_show);
    sub->footer("As in: sennit key new alice.key");
}

void add_send(CLI::App& app, Options& options, Command& command) {
    auto* sub = app.add_subcommand(
        "send", "send money, or call a system account, and wait for the receipt");
    auto& o = options.send;
    add_rpc(*sub, o.rpc, "node to send through");
    sub->add_option("--key", o.key, "account's key file")->required()->check(CLI::ExistingFile);
    sub->add_option("--to", o.to, "receiver, 0x and 40 digits")
        ->required()
        ->check(checked(hash_from_hex<Address>));
    sub->add_option("--value", o.value, "coins as in 1.5, or the smallest unit as in 1500wei")
        ->check(checked(parse_amount))
        ->capture_default_str();
    sub->add_option("--data", o.data, "call data in hexadecimal")->check(checked(parse_data));
    sub->add_option("--nonce", o.nonce, "instead of the next one");
    sub->add_option("--gas-price", o.gas_price, "instead of the node's");
    sub->add_option("--gas", o.gas_limit, "instead of the node's estimate");
    sub->add_flag_callback(
        "--no-wait", [&o] { o.wait = false; }, "do not wait for the receipt");
    sub->add_flag("--json", o.json, "print JSON");
    sub->footer(
        "As in: sennit send --key alice.key --to 0x5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e "
        "--value "
        "1.5\nStatus 1 if it was refused, or is in a block and failed.");
    sub->callback([&] { command = [&] { return send(o); }; });
}

void add_queries(CLI::App& app, Options& options, Command& command) {
    auto& o = options.query;
    const auto add = [&](const char* name, const char* help, const char* argument,
                         Result<void> (*run)(const QueryOptions&)) {
        auto* sub = app.add_subcommand(name, help);
        if (argument != nullptr) sub->add_option("what", o.what, argument)->required();
        add_rpc(*sub, o.rpc, "node to ask");
        sub->add_flag("--json", o.json, "print JSON");
        sub->callback([&o, &command, run] { command = [&o, run] { return run(o); }; });
        return sub;
    };
    add("status", "where a node stands", nullptr, show_status);
    add("bans", "who may not connect to a node, until when, and why", nullptr, show_bans);
    add("peers", "whom a node is connected to, and what it thinks of them", nullptr, show_peers);
    add("block", "show a block", "height, hash, or latest, safe, finalized, earliest", show_block)
        ->footer("As in: sennit block finalized");
    add("tx", "show a transaction and its receipt", "transaction hash", show_transaction);
}

void add_codec(CLI::App& app, Options& options, Command& command) {
    auto* sub = app.add_subcommand("codec", "read and write a protocol's frames by hand");
    sub->require_subcommand(1);
    auto& o = options.codec;
    auto* decode =
        sub->add_subcommand("decode", "hex lines on standard input, one JSON line for each frame");
    add_protocol(*decode, o.protocol);
    decode->add_option("--capability", o.capability, "what was negotiated, as in sennit/1");
    decode->footer("As in: echo 0000000101 | sennit codec decode --protocol moderntensor");
    decode->callback([&] { command = [&] { return codec_decode(o); }; });
    auto* encode = sub->add_subcommand("encode", "the way back: JSON lines on standard input");
    add_protocol(*encode, o.protocol);
    encode->callback([&] { command = [&] { return codec_encode(o); }; });
}

bool is_command(const CLI::App& app, std::string_view name) {
    const auto all = app.get_subcommands([](const CLI::App*) { return true; });
    return std::ranges::any_of(all, [&](const auto* one) { return one->get_name() == name; });
}

}  // namespace

int run(int argc, char** argv) {
    CLI::App app{
        "One chain over many wires. First steps: `sennit devnet` shows a network at work; "
        "`sennit init` makes one of your own."};
    app.name("sennit");
    app.require_subcommand(1);
    Options options;
    Command command;
    add_init(app, options, command);
    add_node(app, options, command);
    add_devnet(app, options, command);
    add_key(app, options, command);
    add_send(app, options, command);
    add_queries(app, options, command);
    add_codec(app, options, command);
    add_p2p(app, options.p2p, options.p2p_key, command);
    auto* version = app.add_subcommand("version", "print the version");
    version->callback([&] {
        command = [] {
            std::printf("%s\n", node::version_text().c_str());
            return Result<void>{};
        };
    });
    // The parser would only say that a command is missing.
    if (argc > 1 && argv[1][0] != '-' && !is_command(app, argv[1])) {
        std::fprintf(stderr, "sennit: no such command: %s; `sennit --help` lists them\n", argv[1]);
        return kBadArguments;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kBadArguments;
    }
    try {
        if (const auto done = command(); !done) {
            std::fprintf(stderr, "sennit: %s\n", done.error().text().c_str());
            return kFailed;
        }
    } catch (const std::exception& error) {
        // The libraries' and the system's, where nothing better was said.
        std::fprintf(stderr, "sennit: %s\n", error.what());
        return kFailed;
    }
    return 0;
}

}  // namespace sennit::cli
