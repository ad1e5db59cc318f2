// SPDX-License-Identifier: MIT
#pragma once

#include "base/rng.hpp"
#include "crypto/ed25519.hpp"
#include "protocol/framing/frame_budget.hpp"
#include "protocol/protocol.hpp"

/// The protocols that this program speaks. `registry.cpp` is the only file that names them: a
/// sixth one is a folder, a line there and a line in CMake.
namespace sennit::protocol {

struct OptionDoc {
    std::string_view name;
    std::string_view default_value;
    std::string_view what;
};

/// What an instance is made from. Options that the entry does not document are an error.
struct Config {
    /// Where to listen, and which broker or device to open: `tcp://0.0.0.0:0` (any port),
    /// `mqtt://host:1883`, `serial:///dev/ttyUSB0`.
    std::vector<NetAddress> listens;
    std::uint64_t chain_id{0};
    BlockId genesis;
    std::uint64_t genesis_time{0};
    std::uint32_t slot_seconds{0};
    std::string agent;
    std::shared_ptr<FrameBudget> frame_budget;  ///< one for all instances of a node; null: its own
    /// Links that an instance keeps at once, handshakes included; the engine's slots are fewer.
    std::size_t links_max{256};
    std::map<std::string, std::string, std::less<>> options;
};

struct Keys {
    crypto::Ed25519Key node;
};

/// What this instance asked to keep in earlier runs, by key.
using SavedValues = std::map<std::string, Bytes, std::less<>>;

/// How `codec decode` is told what was negotiated: {"capability": "sennit/1"}.
using DescribeOptions = std::map<std::string, std::string, std::less<>>;

struct Entry {
    std::string_view name;
    std::string_view summary;
    std::span<const Carrier> carriers;
    std::span<const OptionDoc> options;
    /// Errors name the option that is wrong.
    Result<std::unique_ptr<Protocol>> (*make)(const Config&, const Keys&, const Rng&,
                                              const SavedValues&);
    /// One object for each frame, for people and `codec decode`: `type`, its fields, and `error`
    /// and `at` where something is wrong. Never fails: what cannot be read is described as such.
    std::vector<json::Value> (*describe)(BytesView, const DescribeOptions&);
    /// The inverse: one frame from such an object.
    Result<Bytes> (*encode)(const json::Value&);
};

std::span<const Entry> protocols();
/// nullptr: no such protocol.
const Entry* find_protocol(std::string_view name);

}  // namespace sennit::protocol
