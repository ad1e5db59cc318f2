// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace sennit::cli {

/// What the table says of one node.
struct NodeLine {
    std::string name;
    std::string state{};  ///< shown instead of figures while `answers` is false
    bool answers{false};
    std::uint64_t head{0};
    std::string head_hash{};
    std::uint64_t finalised{0};
    std::uint64_t slot{0};
    std::uint64_t peers{0};
    std::uint64_t pool{0};
    std::string sync{};  ///< "SYNCED", or "SYNCING blocks 45.1 % 812/s 3 s left"
};

/// Fills the figures from an answer of sennit_status.
void read_line(const json::Value& status, NodeLine& line);

/// A live table on a terminal, one line a second elsewhere.
class Table {
  public:
    /// `hint`: the command that sends money, whole lines.
    Table(bool terminal, std::vector<std::string> hint)
        : terminal_{terminal}, hint_{std::move(hint)} {}

    void show(const std::vector<NodeLine>& nodes, double seconds);

  private:
    bool terminal_;
    std::vector<std::string> hint_;
    std::size_t columns_{0};  ///< of the terminal, when the table was drawn
    std::size_t drawn_{0};    ///< rows of the terminal that the table takes
};

/// Rows that a line takes on a terminal of so many columns; escape sequences take no place.
std::size_t rows_of(std::string_view line, std::size_t columns);

}  // namespace sennit::cli
