// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"
#include "base/json.hpp"

using namespace sennit;

namespace {

/// What is written reads as the same value, and is written the same again.
void check(const json::Value& value, json::Style style) {
    const std::string text = json::write(value, style);
    for (const char c : text) SENNIT_ASSERT(c >= 0x20 && c <= 0x7e);
    const auto again = json::parse(text);
    SENNIT_ASSERT(again);
    SENNIT_ASSERT(style == json::Style::canonical || *again == value);
    SENNIT_ASSERT(json::write(*again, style) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = json::parse(as_text({data, size}));
    if (!value) {
        SENNIT_ASSERT(value.error().at <= size);
        return 0;
    }
    check(*value, json::Style::python);
    check(*value, json::Style::compact);
    check(*value, json::Style::canonical);
    return 0;
}
