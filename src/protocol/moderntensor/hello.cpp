// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/hello.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace sennit::protocol::moderntensor {
namespace {

constexpr std::size_t kCapabilitiesMax = 32;

constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(kNoDigit);
    for (std::uint8_t i = 0; i < 10; ++i) digits[static_cast<std::size_t>('0') + i] = i;
    for (std::uint8_t i = 0; i < 6; ++i) {
        const auto value = static_cast<std::uint8_t>(10 + i);
        digits[static_cast<std::size_t>('a') + i] = value;
        digits[static_cast<std::size_t>('A') + i] = value;
    }
    return digits;
}
constexpr auto kDigits = make_digits();

std::uint8_t digit_of(char c) {
    return kDigits[static_cast<std::uint8_t>(c)];
}

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Result<std::optional<std::uint64_t>> number(const json::Value& object, std::string_view key) {
    SENNIT_TRY(const auto* value, object.get(key));
    const auto u64 = value->as_u64();
    return u64 ? std::optional{*u64} : std::optional<std::uint64_t>{};
}

Result<Bytes> hex(const json::Value& object, std::string_view key) {
    SENNIT_TRY(const auto text, object.get_text(key));
    auto bytes = from_python_hex(text);
    if (!bytes)
        return Error{Errc::malformed, bytes.error().what, Error::kNowhere, std::string{key}};
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
    SENNIT_TRY(const auto* capabilities, object.get("capabilities"));
    if (const auto items = capabilities->as_array()) {
        for (const auto& item : *items) {
            const auto text = item.as_text();
            if (text && hello.capabilities.size() < kCapabilitiesMax) {
                hello.capabilities.emplace_back(*text);
            }
        }
    }
    if (const auto* nonce = object.find("nonce")) {
        const auto text = nonce->as_text();
        if (text && text->size() == 2 * Digest::kSize) {
            if (const auto bytes = hash_from_hex<Digest>(*text)) hello.nonce = *bytes;
        }
    }
    return hello;
}

Bytes proof_bytes(const BlockId& genesis, BytesView dialler, BytesView listener) {
    Writer out;
    out.text("sennit/hello/1").hash(genesis).raw(dialler).raw(listener);
    return std::move(out).take();
}

Result<Bytes> from_python_hex(std::string_view text) {
    Bytes out(text.size() / 2);
    std::size_t size = 0;
    std::size_t i = 0;
    while (i < text.size()) {
        if (is_space(text[i])) {
            ++i;
            continue;
        }
        const auto high = digit_of(text[i]);
        const auto low = i + 1 < text.size() ? digit_of(text[i + 1]) : kNoDigit;
        // Digits are below 16, so any other value shows in the upper half.
        if ((high | low) > 15) return Error{Errc::malformed, "not hexadecimal", i, {}};
        out[size++] = static_cast<std::uint8_t>(high << 4 | low);
        i += 2;
    }
    out.resize(size);
    return out;
}

}  // namespace sennit::protocol::moderntensor
