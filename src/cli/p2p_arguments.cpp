// SPDX-License-Identifier: MIT
/// The arguments of `sennit p2p`.
#include "cli/arguments.hpp"
#include "libp2p/multiaddr.hpp"

namespace sennit::cli {

void add_p2p(CLI::App& app, P2pOptions& o, Command& command) {
    auto* sub = app.add_subcommand("p2p", "look at any libp2p node, or be one");
    sub->require_subcommand(1);
    sub->footer(
        "As in: sennit p2p listen\n"
        "       sennit p2p dial /ip4/127.0.0.1/tcp/4001\n"
        "       sennit p2p ping /ip4/127.0.0.1/tcp/4001 --count 3");
    const auto add = [&](const char* name, const char* help,
                         Result<void> (*run)(const P2pOptions&)) {
        auto* one = sub->add_subcommand(name, help);
        one->add_flag("--json", o.json, "print JSON");
        one->callback([&o, &command, run] { command = [&o, run] { return run(o); }; });
        return one;
    };
    const auto identity = [&](CLI::App* one) {
        one->add_option("--key", o.key,
                        "Ed25519 key file, as `sennit key new --kind node` writes it")
            ->check(CLI::ExistingFile);
    };
    const auto address = [&](CLI::App* one, const char* help) {
        return one->add_option("address", o.address, help)
            ->check(checked(libp2p::Multiaddr::parse));
    };
    const auto timeout = [&](CLI::App* one) {
        one->add_option("--timeout", o.timeout_seconds, "seconds for all of it")
            ->check(CLI::Range(1, 86400).description(""))
            ->capture_default_str();
    };
    auto* dial = add("dial", "who is there, and what it says of itself", p2p_dial);
    address(dial, "as in /ip4/127.0.0.1/tcp/4001, with /p2p/ID to insist on who it is")->required();
    identity(dial);
    timeout(dial);
    auto* ping = add("ping", "how far away a node is", p2p_ping);
    address(ping, "as in /ip4/127.0.0.1/tcp/4001")->required();
    identity(ping);
    timeout(ping);
    ping->add_option("--count", o.count, "how many")
        ->check(CLI::Range(1, 1'000'000).description(""))
        ->capture_default_str();
    ping->add_option("--interval", o.interval_ms, "milliseconds between them")
        ->check(CLI::Range(0, 3'600'000).description(""))
        ->capture_default_str();
    auto* listen = add("listen", "accept connections and tell who comes, until Ctrl-C", p2p_listen);
    address(listen, "where; /ip4/127.0.0.1/tcp/0, any free port, if left out");
    identity(listen);
    auto* take_apart = add("addr", "take a multiaddr apart", p2p_address);
    address(take_apart, "multiaddr")->required();
    add("id", "a peer id in all its forms", p2p_peer_id)
        ->add_option("peer", o.address, "12D3Koo..., Qm..., or a CID")
        ->required()
        ->check(checked(libp2p::PeerId::parse));
}

}  // namespace sennit::cli
