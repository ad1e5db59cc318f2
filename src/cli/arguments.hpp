// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/commands.hpp"

/// How arguments are read. Only cli.cpp and *_arguments.cpp include this, and so CLI11.
namespace sennit::cli {

/// What a command line asks for; a subcommand's callback sets it.
using Command = std::function<Result<void>()>;

/// A parser of ours as a check of an argument: what it refuses is a wrong argument, status 2.
template <class Parse>
CLI::Validator checked(Parse parse) {
    return {[parse](std::string& text) {
                const auto read = parse(text);
                return read ? std::string{} : read.error().text();
            },
            ""};
}

/// The options outlive the parser.
void add_p2p(CLI::App& app, P2pOptions& options, P2pKeyOptions& key, Command& command);

}  // namespace sennit::cli
