// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"
#include "cli/commands.hpp"

namespace sennit::cli {

namespace {

constexpr std::size_t kDecimals = 18;

Error bad_amount(std::string_view text) {
    return {Errc::malformed, "not an amount", Error::kNowhere,
            "\"" + std::string{text} +
                "\"; expected coins as in 1.5, or the smallest unit as in \"1500wei\""};
}

}  // namespace

Result<Amount> parse_amount(std::string_view text) {
    auto digits = std::string{text};
    if (digits.ends_with("wei")) {
        digits.resize(digits.size() - 3);
        while (!digits.empty() && digits.back() == ' ') digits.pop_back();
        const auto exact = from_decimal(digits);
        if (!exact) return bad_amount(text);
        return *exact;
    }
    const auto point = digits.find('.');
    std::string fraction = point == std::string::npos ? "" : digits.substr(point + 1);
    digits = digits.substr(0, point);
    if (fraction.size() > kDecimals || (point != std::string::npos && fraction.empty()))
        return bad_amount(text);
    fraction.resize(kDecimals, '0');
    auto all = digits + fraction;
    const auto first = all.find_first_not_of('0');
    all = first == std::string::npos ? "0" : all.substr(first);
    if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return bad_amount(text);
    const auto amount = from_decimal(all);
    if (!amount) return bad_amount(text);
    return *amount;
}

std::string format_amount(Amount amount) {
    auto digits = to_decimal(amount);
    if (digits.size() <= kDecimals) digits.insert(0, kDecimals + 1 - digits.size(), '0');
    auto fraction = digits.substr(digits.size() - kDecimals);
    fraction.resize(fraction.find_last_not_of('0') + 1);
    return digits.substr(0, digits.size() - kDecimals) + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace sennit::cli
