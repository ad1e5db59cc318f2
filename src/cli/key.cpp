// SPDX-License-Identifier: MIT
#include <cstdio>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "cli/commands.hpp"
#include "cli/keys.hpp"

namespace sennit::cli {

namespace {

Result<void> check_kind(const KeyOptions& options) {
    for (const auto* kind : {"account", "validator", "node"}) {
        if (options.kind == kind) return {};
    }
    return Error{Errc::malformed, "no such kind of key", Error::kNowhere,
                 options.kind + "; expected account, validator or node"};
}

Result<std::string> public_text(const KeyOptions& options) {
    SENNIT_TRY(check_kind(options));
    if (options.kind == "account") {
        SENNIT_TRY(auto key, read_account(options.file));
        return "0x" + to_hex(key.address());
    }
    SENNIT_TRY(auto key, read_ed25519(options.file));
    return "0x" + to_hex(key.public_key<NodeId>());
}

}  // namespace

Result<void> key_new(const KeyOptions& options) {
    SENNIT_TRY(check_kind(options));
    SENNIT_TRY(write_secret(options.file, new_secret()));
    return key_show(options);
}

Result<void> key_show(const KeyOptions& options) {
    SENNIT_TRY(auto text, public_text(options));
    const auto* label = options.kind == "account" ? "address" : "public";
    if (options.json) {
        const auto out =
            json::Value::object({{"kind", options.kind}, {"file", options.file}, {label, text}});
        std::printf("%s\n", json::write(out, json::Style::compact).c_str());
    } else {
        std::printf("%s\n", text.c_str());
    }
    return {};
}

}  // namespace sennit::cli
