// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "sennit/types.hpp"

/// The commands of `sennit`, each a function of its options. An Error becomes a line on standard
/// error and exit status 1.
namespace sennit::cli {

struct InitOptions {
    std::string directory{"sennit-data"};
    std::string genesis;  ///< join this chain; empty: make a new one
    std::uint64_t chain_id{1337};
    std::uint32_t validators{1};
    std::uint32_t observers{0};
    std::uint64_t slot_seconds{2};
    std::uint64_t epoch_slots{64};
    std::uint16_t port{30303};
    std::uint16_t rpc_port{8545};
    std::string listen_host{"127.0.0.1"};
    bool quiet{false};
};
/// Genesis, keys and one directory with a documented configuration for each node.
Result<void> init(const InitOptions& options);

struct NodeOptions {
    std::string config{"config.toml"};
    std::string log_level{"info"};
    std::string trust;  ///< slot:id, or empty
};
Result<void> run_node(const NodeOptions& options);

struct DevnetOptions {
    std::string directory{"devnet"};
    std::uint32_t validators{4};
    std::uint32_t observers{1};
    std::uint64_t slot_seconds{2};
    std::uint64_t run_for{0};  ///< seconds; 0: until a signal
    std::uint16_t port{30303};
    std::uint16_t rpc_port{8545};
};
Result<void> devnet(const DevnetOptions& options);

struct KeyOptions {
    std::string kind{"account"};  ///< account, validator or node
    std::string file;
    bool json{false};
};
Result<void> key_new(const KeyOptions& options);
Result<void> key_show(const KeyOptions& options);

struct SendOptions {
    std::string rpc{"http://127.0.0.1:8545"};
    std::string key;
    std::string to;
    std::string value{"0"};
    std::string data;
    std::optional<std::uint64_t> nonce;
    std::optional<std::uint64_t> gas_price;
    std::optional<std::uint64_t> gas_limit;
    bool wait{true};
    bool json{false};
};
Result<void> send(const SendOptions& options);

struct QueryOptions {
    std::string rpc{"http://127.0.0.1:8545"};
    std::string what;  ///< block: number, hash or tag; tx: hash
    bool json{false};
};
Result<void> show_status(const QueryOptions& options);
Result<void> show_peers(const QueryOptions& options);
Result<void> show_bans(const QueryOptions& options);
Result<void> show_block(const QueryOptions& options);
Result<void> show_transaction(const QueryOptions& options);

struct CodecOptions {
    std::string protocol;
    std::string capability;
};
/// Hex lines on standard input to JSON lines on standard output, and back.
Result<void> codec_decode(const CodecOptions& options);
Result<void> codec_encode(const CodecOptions& options);

struct P2pOptions {
    std::string key;         ///< key file, see keys.hpp; empty: a new identity
    std::string address;     ///< multiaddr, or a peer id for `p2p id` and `p2p find`
    std::string security{};  ///< noise or tls; empty: the one or the other
    std::size_t count{5};
    std::uint64_t interval_ms{1000};
    std::uint64_t timeout_seconds{30};
    bool mdns{false};  ///< look for peers in the local network, too
    bool json{false};
    // perf
    std::string upload;  ///< sizes; both empty: the default of each
    std::string download;
    // request
    std::string protocol;
    std::string framing{"prefixed"};  ///< or to-end
    std::string hex;
    std::string file;
    bool raw{false};
    // listen
    bool serve_perf{false};
    bool autonat{false};
    std::vector<std::string> echo;  ///< protocols
    // listen, find
    std::string kad;  ///< protocol of Kademlia; empty: none for listen, the usual one for find
    // pub, sub
    std::string topic;                ///< pub
    std::vector<std::string> topics;  ///< sub
    std::vector<std::string> peers;   ///< multiaddrs to dial; listen and find, too
    std::string listen;
    bool no_sign{false};
    bool quiet{false};
    std::uint64_t messages{0};  ///< sub: 0 is without end
    std::string text, size;     ///< pub, beside `hex` and `file`
    bool stamp{false};
    std::size_t wait_for{1};  ///< peers in the topic
};
/// Prints who is there, how it speaks and what it says of itself.
Result<void> p2p_dial(const P2pOptions& options);
Result<void> p2p_ping(const P2pOptions& options);
/// How fast bytes go there and come back, and how long one takes.
Result<void> p2p_perf(const P2pOptions& options);
/// Asks one thing of one of the peer's own protocols, and prints the answer.
Result<void> p2p_request(const P2pOptions& options);
/// Looks a peer up by its id, and prints where it is. Errors: not_found.
Result<void> p2p_find(const P2pOptions& options);
/// Accepts, answers identify and pings, and tells who comes, until a signal.
Result<void> p2p_listen(const P2pOptions& options);
/// Publishes in one topic, as soon as somebody is in it.
Result<void> p2p_pub(const P2pOptions& options);
/// Prints what is said in topics, until a signal or `messages` of them.
Result<void> p2p_sub(const P2pOptions& options);
Result<void> p2p_address(const P2pOptions& options);
Result<void> p2p_peer_id(const P2pOptions& options);

struct P2pKeyOptions {
    std::string file;
    std::string type{"ed25519"};  ///< or secp256k1
    std::string format;           ///< hex, protobuf or base64; empty: hex for what hex can say
    bool json{false};
};
Result<void> p2p_key_new(const P2pKeyOptions& options);
Result<void> p2p_key_show(const P2pKeyOptions& options);

/// "1.5" coins of 10^18, or "1500 wei" exactly. Errors: malformed, oversized.
Result<Amount> parse_amount(std::string_view text);
std::string format_amount(Amount amount);
/// Bytes as in "1500", "100M" (10^6) or "1GiB" (2^30). Errors: malformed, oversized.
Result<std::uint64_t> parse_size(std::string_view text);
/// As in "12.3 MB".
std::string format_size(double bytes);
/// Hexadecimal, with or without 0x. Errors: malformed.
Result<Bytes> parse_data(std::string_view text);

}  // namespace sennit::cli
