// SPDX-License-Identifier: MIT
#pragma once

#include "rpc/backend.hpp"

/// How a method is written, and the tables of all of them. Private to rpc/.
namespace sennit::rpc {

/// Codes of JSON-RPC 2.0, and geth's: -32000 for what the node itself refuses, -32003.
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kInternalError = -32603;
constexpr int kServerError = -32000;
constexpr int kResponseTooLarge = -32003;

struct Failure {
    int code{kServerError};
    std::string message;
};
/// Makes a large answer, for whoever still has room for it: called before `reply` returns, or
/// never.
using Later = std::function<json::Value()>;
using Outcome = std::variant<json::Value, Failure, Later>;
using Reply = std::function<void(Outcome)>;
using Params = std::span<const json::Value>;

struct Method {
    std::string_view name;
    std::string_view help;
    std::size_t params_min{0};
    std::size_t params_max{0};
    void (*run)(Backend& backend, Params params, Reply reply);
};

std::span<const Method> eth_methods();
std::span<const Method> sennit_methods();

/// The node's own refusal; the text is geth's where geth has one.
Failure refused(const Error& error);
/// "invalid argument 0: ...".
Failure bad_param(std::size_t index, const Error& error);

}  // namespace sennit::rpc
