// SPDX-License-Identifier: MIT
/// The arguments of `sennit p2p`.
#include <algorithm>

#include "cli/arguments.hpp"
#include "libp2p/autonat/message.hpp"
#include "libp2p/kad/message.hpp"
#include "libp2p/perf/perf.hpp"

namespace sennit::cli {

namespace {

/// Adds subcommands to `sennit p2p`, and the arguments that many of them have.
class P2pArguments {
  public:
    P2pArguments(CLI::App& parent, P2pOptions& options, Command& command)
        : parent_{parent}, o_{options}, command_{command} {}

    CLI::App* add(const char* name, const char* help, Result<void> (*run)(const P2pOptions&)) {
        auto* one = parent_.add_subcommand(name, help);
        one->add_flag("--json", o_.json, "print JSON");
        one->callback(
            [&o = o_, &command = command_, run] { command = [&o, run] { return run(o); }; });
        return one;
    }
    void identity(CLI::App* one) {
        one->add_option("--key", o_.key,
                        "key file, as `sennit p2p key new` writes it; else a new identity")
            ->check(CLI::ExistingFile);
    }
    CLI::Option* address(CLI::App* one, const char* help) {
        return one->add_option("address", o_.address, help)
            ->check(checked(libp2p::Multiaddr::parse));
    }
    void timeout(CLI::App* one, const char* help = "seconds for all of it") {
        one->add_option("--timeout", o_.timeout_seconds, help)
            ->check(CLI::Range(1, 86400).description(""))
            ->capture_default_str();
    }
    void security(CLI::App* one) {
        one->add_option("--security", o_.security,
                        "noise or tls, and nothing else; noise and then tls if left out")
            ->check(CLI::IsMember({"noise", "tls"}));
    }
    void framing(CLI::App* one) {
        one->add_option("--framing", o_.framing,
                        "prefixed: the length as a varint in front of each message (go, js, "
                        "Ethereum); to-end: a message ends where its writer closes (rust-libp2p's "
                        "cbor and json)")
            ->check(CLI::IsMember({"prefixed", "to-end"}))
            ->capture_default_str();
    }

  private:
    CLI::App& parent_;
    P2pOptions& o_;
    Command& command_;
};

/// What a peer may be asked for, or a node answer as.
Result<std::string> parse_protocol(std::string_view text) {
    const auto is_plain = [](char c) { return c > ' ' && c < 0x7f; };
    if (!text.starts_with('/') || text.size() > 256 || !std::ranges::all_of(text, is_plain)) {
        return Error{Errc::malformed, "not a protocol", Error::kNowhere,
                     "expected a name as in /echo/1.0.0"};
    }
    return std::string{text};
}

/// The same, of what the application may answer: the rest is answered in its own way.
Result<std::string> parse_own_protocol(std::string_view text) {
    for (const auto taken : {libp2p::identify::kProtocol, libp2p::ping::kProtocol,
                             libp2p::perf::kProtocol, libp2p::kad::kProtocol,
                             libp2p::autonat::kRequestProtocol, libp2p::autonat::kBackProtocol}) {
        if (text == taken) {
            return Error{Errc::duplicate, "has an answer of its own and is no protocol to echo",
                         Error::kNowhere, std::string{text}};
        }
    }
    return parse_protocol(text);
}

/// What Kademlia may be spoken in.
Result<std::string> parse_own_kad(std::string_view text) {
    if (text == libp2p::kad::kProtocol) return std::string{text};
    return parse_own_protocol(text);
}

void add_looking(P2pArguments& p2p, P2pOptions& o) {
    auto* dial = p2p.add("dial", "who is there, and what it says of itself", p2p_dial);
    p2p.address(dial, "as in /ip4/127.0.0.1/tcp/4001, with /p2p/ID to insist on who it is")
        ->required();
    p2p.identity(dial);
    p2p.timeout(dial);
    p2p.security(dial);
    auto* ping = p2p.add("ping", "how far away a node is", p2p_ping);
    p2p.address(ping, "as in /ip4/127.0.0.1/tcp/4001")->required();
    p2p.identity(ping);
    p2p.timeout(ping);
    p2p.security(ping);
    ping->add_option("--count", o.count, "how many")
        ->check(CLI::Range(1, 1'000'000).description(""))
        ->capture_default_str();
    ping->add_option("--interval", o.interval_ms, "milliseconds between them")
        ->check(CLI::Range(0, 3'600'000).description(""))
        ->capture_default_str();
}

void add_perf(P2pArguments& p2p, P2pOptions& o) {
    auto* perf = p2p.add("perf", "how fast bytes go to a node and come back", p2p_perf);
    p2p.address(perf, "as in /ip4/127.0.0.1/tcp/4001; the node has to serve /perf/1.0.0")
        ->required();
    p2p.identity(perf);
    p2p.timeout(perf, "seconds in which nothing may stand still");
    perf->add_option("--upload", o.upload,
                     "bytes to send, as in 500, 100M or 1GiB; 100M both ways if neither is given")
        ->check(checked(parse_size));
    perf->add_option("--download", o.download, "bytes to ask for")->check(checked(parse_size));
    perf->footer(
        "As in: sennit p2p perf /ip4/127.0.0.1/tcp/4001 --upload 1GiB\n"
        "The other side may be: sennit p2p listen --perf\n"
        "Latency is a byte asked for on a stream of its own. --json prints a line a second and a\n"
        "last one, in the form of libp2p's own comparisons.");
}

void add_request(P2pArguments& p2p, P2pOptions& o) {
    auto* request =
        p2p.add("request", "ask a node one thing in a protocol of its own", p2p_request);
    p2p.address(request, "as in /ip4/127.0.0.1/tcp/4001")->required();
    request->add_option("protocol", o.protocol, "as in /echo/1.0.0")
        ->required()
        ->check(checked(parse_protocol));
    p2p.identity(request);
    p2p.timeout(request);
    p2p.framing(request);
    auto* hex = request->add_option("--hex", o.hex, "the request's bytes; none if left out")
                    ->check(checked(parse_data));
    request->add_option("--file", o.file, "the same from a file")
        ->check(CLI::ExistingFile)
        ->excludes(hex);
    request->add_flag("--raw", o.raw, "print the answer as it is instead of in hexadecimal");
    request->footer(
        "A tool to try out a node's protocols by hand. As in:\n"
        "       sennit p2p listen /ip4/127.0.0.1/tcp/4001 --echo /echo/1.0.0\n"
        "       sennit p2p request /ip4/127.0.0.1/tcp/4001 /echo/1.0.0 --hex c0ffee");
}

void add_find(P2pArguments& p2p, P2pOptions& o) {
    auto* find = p2p.add("find", "where the peer with an id is (Kademlia)", p2p_find);
    find->add_option("peer", o.address, "its id: 12D3Koo..., Qm..., or a CID")
        ->required()
        ->check(checked(libp2p::PeerId::parse));
    find->add_option("--peer", o.peers, "a node to ask first; may be given again")
        ->required()
        ->check(checked(libp2p::Multiaddr::parse));
    find->add_option("--protocol", o.kad,
                     "that of the network: each has a key space of its own, in which only its "
                     "nodes are known")
        ->check(checked(parse_own_kad))
        ->default_str(std::string{libp2p::kad::kProtocol});
    p2p.identity(find);
    p2p.timeout(find);
    find->footer(
        "Asks ever nearer nodes until the nearest have answered. Three terminals to try it in:\n"
        "       sennit p2p listen /ip4/127.0.0.1/tcp/4001 --kad\n"
        "       sennit p2p listen --kad --peer /ip4/127.0.0.1/tcp/4001\n"
        "       sennit p2p find ID-OF-THE-SECOND --peer /ip4/127.0.0.1/tcp/4001\n"
        "Exit status 1: nobody knows it. Only nodes that serve Kademlia themselves can be found.\n"
        "Private addresses are believed if one of --peer is private.");
}

void add_listen(P2pArguments& p2p, P2pOptions& o) {
    auto* listen =
        p2p.add("listen", "accept connections and tell who comes, until Ctrl-C", p2p_listen);
    p2p.address(listen, "where; /ip4/127.0.0.1/tcp/0, any free port, if left out");
    p2p.identity(listen);
    p2p.security(listen);
    listen->add_flag("--perf", o.serve_perf,
                     "serve /perf/1.0.0: whoever connects may use this node's bandwidth");
    listen
        ->add_option("--echo", o.echo,
                     "answer requests in this protocol with their own bytes, to try out others "
                     "with; may be given again")
        ->check(checked(parse_own_protocol));
    p2p.framing(listen);
    listen
        ->add_flag("--kad{/ipfs/kad/1.0.0}", o.kad,
                   "tell others who is near a peer id (Kademlia), in this protocol or in that of "
                   "--kad=PROTOCOL")
        ->check(checked(parse_own_kad));
    listen->add_option("--peer", o.peers, "a node to connect to; may be given again")
        ->check(checked(libp2p::Multiaddr::parse));
    listen->add_flag(
        "--autonat", o.autonat,
        "ask peers whether this node can be reached (AutoNAT v2), tell what they find, "
        "and dial others who ask the same; three networks have to agree. On a private "
        "or loopback address: among its own, each peer for itself");
    listen->add_flag("--mdns", o.mdns, "also find peers in the local network, and be found");
}

void add_meeting(P2pArguments& p2p, CLI::App* one, P2pOptions& o) {
    auto* whom = one->add_option_group("Whom to meet", "at least one of them");
    whom->require_option(1, 3);
    whom->add_option("--peer", o.peers, "a node to connect to; may be given again")
        ->check(checked(libp2p::Multiaddr::parse));
    whom->add_option("--listen", o.listen, "where others may connect to")
        ->check(checked(libp2p::Multiaddr::parse));
    whom->add_flag("--mdns", o.mdns, "find peers in the local network, and be found");
    one->add_flag("--no-sign", o.no_sign,
                  "for networks where nobody signs (StrictNoSign): messages have no author");
    p2p.identity(one);
}

void add_gossip(P2pArguments& p2p, P2pOptions& o) {
    auto* sub = p2p.add("sub", "print what is said in topics of gossipsub, until Ctrl-C", p2p_sub);
    sub->add_option("topic", o.topics, "one or more")->required();
    add_meeting(p2p, sub, o);
    sub->add_option("--count", o.messages, "end after so many messages");
    sub->add_flag("--quiet", o.quiet, "a line a second instead of one a message");
    sub->footer(
        "As in: sennit p2p sub news --peer /ip4/127.0.0.1/tcp/4001\n"
        "At the end: how many, how fast, and how late, if they were published with --stamp.");
    auto* pub = p2p.add("pub", "publish in a topic of gossipsub", p2p_pub);
    pub->add_option("topic", o.topic, "topic")->required();
    pub->add_option("text", o.text, "what to say");
    add_meeting(p2p, pub, o);
    p2p.timeout(pub, "seconds for somebody to be in the topic");
    pub->add_option("--hex", o.hex, "say these bytes instead")->check(checked(parse_data));
    pub->add_option("--file", o.file, "say what is in a file")->check(CLI::ExistingFile);
    pub->add_option("--size", o.size, "say so many random bytes")->check(checked(parse_size));
    pub->add_option("--count", o.messages, "how often; once if left out")
        ->check(CLI::Range(1, 1'000'000'000).description(""));
    pub->add_option("--interval", o.interval_ms,
                    "milliseconds between them; 0 is as fast as the slowest peer reads")
        ->check(CLI::Range(0, 3'600'000).description(""))
        ->capture_default_str();
    pub->add_option("--wait", o.wait_for, "begin when so many peers are in the topic")
        ->check(CLI::Range(1, 1000).description(""))
        ->capture_default_str();
    pub->add_flag("--stamp", o.stamp, "begin with the time, so that `sub` can tell how late it is");
    pub->add_flag("--quiet", o.quiet, "only the last line");
    pub->footer(
        "As in: sennit p2p sub news --listen /ip4/127.0.0.1/tcp/4001\n"
        "       sennit p2p pub news hello --peer /ip4/127.0.0.1/tcp/4001");
}

void add_key(CLI::App& parent, P2pKeyOptions& o, Command& command) {
    auto* key = parent.add_subcommand("key", "make and show identities");
    key->require_subcommand(1);
    const auto add = [&](const char* name, const char* help,
                         Result<void> (*run)(const P2pKeyOptions&)) {
        auto* one = key->add_subcommand(name, help);
        one->add_option("file", o.file, "key file")->required();
        one->add_flag("--json", o.json, "print JSON");
        one->callback([&o, &command, run] {
            if (o.type == "secp256k1" && o.format == "hex") {
                throw CLI::ValidationError{
                    "--format", "hexadecimal holds Ed25519 keys only; choose protobuf or base64"};
            }
            command = [&o, run] { return run(o); };
        });
        return one;
    };
    auto* made = add("new", "write a new secret key, readable by you alone", p2p_key_new);
    made->add_option("--type", o.type, "what other libp2p nodes use most is ed25519")
        ->check(CLI::IsMember({"ed25519", "secp256k1"}))
        ->capture_default_str();
    made->add_option("--format", o.format,
                     "hex: 64 digits, as `sennit key` writes them, Ed25519 only, and the default "
                     "there; protobuf: as rust-libp2p and go-libp2p keep keys, and the default of "
                     "secp256k1; base64: that as text, as in Kubo's configuration")
        ->check(CLI::IsMember({"hex", "protobuf", "base64"}));
    made->footer(
        "As in: sennit p2p key new node.key\n"
        "       sennit p2p listen --key node.key");
    add("show", "an identity's type, peer id and public key, whatever form the file has",
        p2p_key_show)
        ->footer("`sennit p2p id` converts a peer id, of which no key is at hand.");
    key->footer(
        "As in: sennit p2p key new node.key\n"
        "A peer id's other forms: sennit p2p id 12D3Koo...");
}

}  // namespace

void add_p2p(CLI::App& app, P2pOptions& o, P2pKeyOptions& key, Command& command) {
    auto* sub = app.add_subcommand("p2p", "look at any libp2p node, or be one");
    sub->require_subcommand(1);
    sub->footer(
        "As in: sennit p2p listen\n"
        "       sennit p2p dial /ip4/127.0.0.1/tcp/4001\n"
        "       sennit p2p ping /ip4/127.0.0.1/tcp/4001 --count 3\n"
        "       sennit p2p sub news --listen /ip4/127.0.0.1/tcp/4002\n"
        "       sennit p2p pub news hello --peer /ip4/127.0.0.1/tcp/4002");
    P2pArguments p2p{*sub, o, command};
    add_looking(p2p, o);
    add_perf(p2p, o);
    add_request(p2p, o);
    add_find(p2p, o);
    add_gossip(p2p, o);
    add_listen(p2p, o);
    add_key(*sub, key, command);
    p2p.address(p2p.add("addr", "take a multiaddr apart", p2p_address), "multiaddr")->required();
    p2p.add("id", "a peer id in all its forms", p2p_peer_id)
        ->add_option("peer", o.address, "12D3Koo..., Qm..., or a CID")
        ->required()
        ->check(checked(libp2p::PeerId::parse));
}

}  // namespace sennit::cli
