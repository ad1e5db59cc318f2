// SPDX-License-Identifier: MIT
#include <cstdio>
#include <iostream>

#include "cli/commands.hpp"
#include "protocol/registry.hpp"

namespace sennit::cli {

namespace {

Result<const protocol::Entry*> entry_of(const CodecOptions& options) {
    if (const auto* entry = protocol::find_protocol(options.protocol)) return entry;
    std::string known;
    for (const auto& one : protocol::protocols())
        known += (known.empty() ? "" : ", ") + std::string{one.name};
    return Error{Errc::unsupported, "no such protocol", Error::kNowhere,
                 options.protocol + "; there are: " + known};
}

std::string trimmed(const std::string& line) {
    const auto first = line.find_first_not_of(" \t\r");
    return first == std::string::npos
               ? ""
               : line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

void print(const json::Value& value) {
    std::printf("%s\n", json::write(value, json::Style::compact).c_str());
}

}  // namespace

Result<void> codec_decode(const CodecOptions& options) {
    SENNIT_TRY(auto entry, entry_of(options));
    protocol::DescribeOptions describe;
    if (!options.capability.empty()) describe.emplace("capability", options.capability);
    for (std::string line; std::getline(std::cin, line);) {
        const auto text = trimmed(line);
        if (text.empty()) continue;
        const auto bytes = from_hex(text);
        if (!bytes) {
            print(json::Value::object({{"error", "not hexadecimal: " + bytes.error().text()},
                                       {"at", bytes.error().at / 2}}));
            continue;
        }
        for (const auto& frame : entry->describe(*bytes, describe)) print(frame);
    }
    std::fflush(stdout);
    return {};
}

Result<void> codec_encode(const CodecOptions& options) {
    SENNIT_TRY(auto entry, entry_of(options));
    std::uint64_t number = 0;
    for (std::string line; std::getline(std::cin, line);) {
        ++number;
        const auto text = trimmed(line);
        if (text.empty()) continue;
        const auto in_line = [&](const Error& error) {
            return Error{error.code, "cannot encode", Error::kNowhere,
                         "line " + std::to_string(number) + ": " + error.text()};
        };
        const auto value = json::parse(text);
        if (!value) return in_line(value.error());
        const auto bytes = entry->encode(*value);
        if (!bytes) return in_line(bytes.error());
        std::printf("%s\n", to_hex(*bytes).c_str());
    }
    std::fflush(stdout);
    return {};
}

}  // namespace sennit::cli
