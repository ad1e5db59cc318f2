// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/hello.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace sennit::protocol::moderntensor {
namespace {

constexpr std::size_t kCapabilitiesMax = 32;

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Result<const json::Value*> required(const json::Value& object, std::string_view key) {
    return object.get(key);
}

Result<std::optional<std::uint64_t>> number(const json::Value& object, std::string_view key) {
    SENNIT_TRY(const auto* value, required(object, key));
    const auto u64 = value->as_u64();
    return u64 ? std::optional{*u64} : std::optional<std::uint64_t>{};
}

Result<Bytes> hex(const json::Value& object, std::string_view key) {
    SENNIT_TRY(const auto text, object.get_text(key));
    auto bytes = from_python_hex(text);
    if (!bytes) return Error{Errc::malformed, bytes.error().what, Error::kNowhere, std::string{key}};
    return bytes;
}

void put_number(std::string& out, std::string_view key, std::optional<std::uint64_t> value) {
    out.append("\"").append(key).append("\": ");
    out.append(value ? std::to_string(*value) : "0").append(", ");
}

void put_hex(std::string& out, std::string_view key, BytesView bytes) {
    out.append("\"").append(key).append("\": \"").append(to_hex(bytes)).append("\", ");
}

}  // namespace

bool Hello::has(std::string_view capability) const {
    return std::ranges::find(capabilities, capability) != capabilities.end();
}

std::string write_hello(const Hello& hello) {
    std::string out;
    out.reserve(512);
    out.append("{");
    put_number(out, "protocol_version", hello.protocol_version);
    put_number(out, "network_id", hello.network_id);
    put_hex(out, "genesis_hash", hello.genesis_hash);
    put_number(out, "best_height", hello.best_height);
    put_hex(out, "best_hash", hello.best_hash);
    put_number(out, "listen_port", hello.listen_port);
    put_hex(out, "node_id", hello.node_id);
    out.append("\"capabilities\": [");
    for (std::size_t i = 0; i < hello.capabilities.size(); ++i) {
        if (i != 0) out.append(", ");
        out.append(json::write(json::Value{hello.capabilities[i]}, json::Style::python));
    }
    out.append("]");
    if (hello.nonce) out.append(", \"nonce\": \"").append(to_hex(*hello.nonce)).append("\"");
    out.append("}");
    return out;
}

Result<Hello> parse_hello(BytesView payload) {
    SENNIT_TRY(const auto object, json::parse(as_text(payload), {8, 512}));
    Hello hello;
    SENNIT_TRY(hello.protocol_version, number(object, "protocol_version"));
    SENNIT_TRY(hello.network_id, number(object, "network_id"));
    SENNIT_TRY(hello.genesis_hash, hex(object, "genesis_hash"));
    SENNIT_TRY(hello.best_height, number(object, "best_height"));
    SENNIT_TRY(hello.best_hash, hex(object, "best_hash"));
    SENNIT_TRY(hello.listen_port, number(object, "listen_port"));
    SENNIT_TRY(hello.node_id, hex(object, "node_id"));
    SENNIT_TRY(const auto* capabilities, required(object, "capabilities"));
    if (const auto items = capabilities->as_array()) {
        for (const auto& item : *items) {
            const auto text = item.as_text();
            if (text && hello.capabilities.size() < kCapabilitiesMax) {
                hello.capabilities.emplace_back(*text);
            }
        }
    }
    if (const auto nonce = object.get_text("nonce")) {
        if (auto bytes = hash_from_hex<Digest>(*nonce)) hello.nonce = *bytes;
    }
    return hello;
}

Bytes proof_bytes(const BlockId& genesis, BytesView dialler, BytesView listener) {
    Writer out;
    out.text("sennit/hello/1").hash(genesis).raw(dialler).raw(listener);
    return std::move(out).take();
}

Result<Bytes> from_python_hex(std::string_view text) {
    Bytes out;
    out.reserve(text.size() / 2);
    std::size_t i = 0;
    while (i < text.size()) {
        if (is_space(text[i])) {
            ++i;
            continue;
        }
        const int high = digit_of(text[i]);
        const int low = i + 1 < text.size() ? digit_of(text[i + 1]) : -1;
        if (high < 0 || low < 0) return Error{Errc::malformed, "not hexadecimal", i, {}};
        out.push_back(static_cast<std::uint8_t>(high << 4 | low));
        i += 2;
    }
    return out;
}

}  // namespace sennit::protocol::moderntensor
