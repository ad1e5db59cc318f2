// SPDX-License-Identifier: MIT
#include "cli/devnet_table.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

namespace sennit::cli {

namespace {

std::string sync_text(const json::Value& sync) {
    const auto state = sync.get_text("state");
    if (!state) return "?";
    std::string out{*state};
    if (out != "SYNCING") return out;
    const auto stage = sync.get_text("stage");
    const auto percent = sync.get_double("percent");
    const auto rate = sync.get_double("perSecond");
    char text[96];
    std::snprintf(text, sizeof text, " %s %.1f %% %.0f/s", stage ? std::string{*stage}.c_str() : "",
                  percent ? *percent : 0.0, rate ? *rate : 0.0);
    out += text;
    if (const auto left = sync.get_double("secondsLeft")) {
        std::snprintf(text, sizeof text, " %.0f s left", *left);
        out += text;
    }
    return out;
}

}  // namespace

void read_line(const json::Value& status, NodeLine& line) {
    const auto number = [&](const char* key) {
        const auto found = status.get_u64(key);
        return found ? *found : 0;
    };
    line.answers = true;
    line.head = number("head");
    line.finalised = number("finalized");
    line.slot = number("slot");
    line.peers = number("peers");
    line.pool = number("pool");
    if (const auto hash = status.get_text("headHash"))
        line.head_hash = std::string{hash->substr(2, 8)};
    if (const auto* sync = status.find("sync")) line.sync = sync_text(*sync);
    if (const auto fault = status.get_text("fault")) line.sync = "FAULT: " + std::string{*fault};
}

namespace {

struct TerminalSize {
    std::size_t columns{80};
    std::size_t rows{24};
};

TerminalSize terminal_size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
    return {size.ws_col, size.ws_row};
}

template <class... Args>
std::string format(const char* pattern, const Args&... args) {
    std::array<char, 512> text{};
    std::snprintf(text.data(), text.size(), pattern, args...);
    return text.data();
}

std::string plain_line(const NodeLine& node) {
    if (!node.answers) return " | " + node.name + " " + node.state;
    return format(" | %s %" PRIu64 " %s final %" PRIu64 " peers %" PRIu64 " pool %" PRIu64 " %s",
                  node.name.c_str(), node.head, node.head_hash.c_str(), node.finalised, node.peers,
                  node.pool, node.sync.c_str());
}

std::string table_line(const NodeLine& node) {
    if (!node.answers)
        return format("%-13s \x1b[2m%s\x1b[0m", node.name.c_str(), node.state.c_str());
    return format("%-13s %8" PRIu64 " %-10s %9" PRIu64 " %6" PRIu64 " %8" PRIu64 "  %s%s\x1b[0m",
                  node.name.c_str(), node.head, node.head_hash.c_str(), node.finalised, node.peers,
                  node.pool, node.sync == "SYNCED" ? "\x1b[32m" : "\x1b[33m", node.sync.c_str());
}

}  // namespace

std::size_t rows_of(std::string_view line, std::size_t columns) {
    std::size_t width = 0;
    bool escape = false;
    for (const char c : line) {
        if (escape) {
            escape = c != 'm';
        } else if (c == '\x1b') {
            escape = true;
        } else {
            ++width;
        }
    }
    return width <= columns ? 1 : (width + columns - 1) / columns;
}

void Table::show(const std::vector<NodeLine>& nodes, double seconds) {
    if (!terminal_) {
        std::string line = format("%4.0f s", seconds);
        for (const auto& node : nodes) line += plain_line(node);
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
        return;
    }
    std::vector<std::string> lines{format("\x1b[1m%-13s %8s %-10s %9s %6s %8s  %s\x1b[0m", "node",
                                          "height", "head", "finalised", "peers", "mempool",
                                          "sync")};
    const auto [columns, rows] = terminal_size();
    // One cannot move back to a line that has scrolled away.
    const std::size_t around = 6 + hint_.size();
    const std::size_t fit = rows > around ? rows - around : 1;
    for (std::size_t i = 0; i < std::min(nodes.size(), fit); ++i)
        lines.push_back(table_line(nodes[i]));
    if (nodes.size() > fit) lines.push_back(format("and %zu more", nodes.size() - fit));
    lines.emplace_back();
    lines.push_back(format("%.0f s. Send money:", seconds));
    for (const auto& line : hint_) lines.push_back("  " + line);
    lines.emplace_back("Ctrl-C stops all nodes in order.");

    if (drawn_ > 0 && columns == columns_) {
        // Back to where the table began, then line by line, so that nothing flickers.
        std::printf("\x1b[%zuA", drawn_);
    } else if (drawn_ > 0) {
        // A terminal of another width has broken the old lines anew, nobody knows where.
        std::printf("\x1b[2J\x1b[H");
    }
    columns_ = columns;
    drawn_ = 0;
    for (const auto& line : lines) {
        std::printf("%s\x1b[K\n", line.c_str());
        drawn_ += rows_of(line, columns);
    }
    std::fflush(stdout);
}

}  // namespace sennit::cli
