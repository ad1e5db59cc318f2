// SPDX-License-Identifier: MIT
#include "node/rpc_thread.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace sennit::node {

Result<void> RpcThread::start(const RpcConfig& config, rpc::Backend& backend) {
    io::HttpServerOptions options;
    options.host = config.host;
    options.port = config.port;
    server_ = std::make_unique<io::HttpServer>(
        ioc_.get_executor(), options, rpc::http_handler(backend, rpc::HttpPolicy{config.origins}),
        [](std::string_view,
           std::string_view) { /* the group closes itself; clients see the socket close */ });
    auto bound = server_->listen();
    if (!bound) {
        auto error = std::move(bound).error();
        error.detail = "RPC at " + config.host + ":" + std::to_string(config.port) + ": " +
                       error.text() +
                       "; choose another port in [rpc], or stop the program that uses it";
        error.what = "cannot listen";
        return error;
    }
    address_ = *std::move(bound);
    ended_ = false;
    thread_ = std::thread{[this] {
        ioc_.run();
        ended_ = true;
    }};
    return {};
}

RpcThread::~RpcThread() {
    stop();
}

void RpcThread::begin_stop() {
    if (!thread_.joinable() || stopping_) return;
    stopping_ = true;
    server_->refuse();
    boost::asio::post(ioc_, [this] {
        boost::asio::co_spawn(ioc_, server_->stop(), [this](std::exception_ptr) { ioc_.stop(); });
    });
}

void RpcThread::stop() {
    begin_stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace sennit::node
