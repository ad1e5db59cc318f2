// SPDX-License-Identifier: MIT
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "chain/trust.hpp"
#include "cli/commands.hpp"
#include "cli/config_file.hpp"
#include "node/node.hpp"

namespace sennit::cli {

namespace {

spdlog::level::level_enum level_of(engine::Notify::Level level) {
    using Level = engine::Notify::Level;
    switch (level) {
        case Level::debug: return spdlog::level::debug;
        case Level::info: return spdlog::level::info;
        case Level::warning: return spdlog::level::warn;
        case Level::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

Result<void> run_node(const NodeOptions& options) {
    const auto level = spdlog::level::from_str(options.log_level);
    if (level == spdlog::level::off && options.log_level != "off") {
        return Error{Errc::malformed, "no such log level", Error::kNowhere,
                     options.log_level + "; expected debug, info, warning, error or off"};
    }
    auto logger = spdlog::stderr_color_st("sennit");
    logger->set_level(level);
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    SENNIT_TRY(auto config, read_config(options.config));
    if (!options.trust.empty()) {
        auto trusted = chain::parse_checkpoint(options.trust);
        if (!trusted)
            return Error{Errc::malformed, "bad --trust", Error::kNowhere, trusted.error().text()};
        config.engine.sync.trusted = *trusted;
    }
    SENNIT_TRY(auto node, node::Node::open(std::move(config), [logger](engine::Notify::Level at,
                                                                       std::string_view text) {
                   logger->log(level_of(at), text);
                   logger->flush();
               }));
    const auto view = node->view();
    logger->info("{} at height {}, finalised {}", node::version_text(), view->head->height.value,
                 view->finalised->height.value);
    if (const auto rpc = node->rpc_address()) logger->info("RPC at {}", rpc->text());
    auto ended = node->run();
    if (ended) logger->info("stopped");
    return ended;
}

}  // namespace sennit::cli
