// SPDX-License-Identifier: MIT
#include "cli/devnet_table.hpp"

#include <algorithm>
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

void Table::show(const std::vector<NodeLine>& nodes, double seconds) {
    if (!terminal_) {
        std::printf("%4.0f s", seconds);
        for (const auto& node : nodes) {
            if (!node.answers) {
                std::printf(" | %s %s", node.name.c_str(), node.state.c_str());
                continue;
            }
            std::printf(" | %s %llu %s final %llu peers %llu pool %llu %s", node.name.c_str(),
                        static_cast<unsigned long long>(node.head), node.head_hash.c_str(),
                        static_cast<unsigned long long>(node.finalised),
                        static_cast<unsigned long long>(node.peers),
                        static_cast<unsigned long long>(node.pool), node.sync.c_str());
        }
        std::printf("\n");
        std::fflush(stdout);
        return;
    }
    // Back to where the table began, then line by line, so that nothing flickers.
    if (drawn_ > 0) std::printf("\x1b[%zuA", drawn_);
    drawn_ = 0;
    const auto end_line = [&] {
        std::printf("\x1b[K\n");
        ++drawn_;
    };
    std::printf("\x1b[1m%-13s %8s %-10s %9s %6s %8s  %s\x1b[0m", "node", "height", "head",
                "finalised", "peers", "mempool", "sync");
    end_line();
    for (const auto& node : nodes) {
        if (!node.answers) {
            std::printf("%-13s \x1b[2m%s\x1b[0m", node.name.c_str(), node.state.c_str());
        } else {
            const bool well = node.sync == "SYNCED";
            std::printf("%-13s %8llu %-10s %9llu %6llu %8llu  %s%s\x1b[0m", node.name.c_str(),
                        static_cast<unsigned long long>(node.head), node.head_hash.c_str(),
                        static_cast<unsigned long long>(node.finalised),
                        static_cast<unsigned long long>(node.peers),
                        static_cast<unsigned long long>(node.pool), well ? "\x1b[32m" : "\x1b[33m",
                        node.sync.c_str());
        }
        end_line();
    }
    end_line();
    std::printf("%.0f s. Send money:", seconds);
    end_line();
    std::printf("  %s", hint_.c_str());
    end_line();
    std::printf("Ctrl-C stops all nodes in order.");
    end_line();
    std::fflush(stdout);
}

}  // namespace sennit::cli
