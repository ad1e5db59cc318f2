// SPDX-License-Identifier: MIT
#include "io/connect.hpp"

#include <boost/asio/post.hpp>

#include "io/clock.hpp"
#include "io/timer.hpp"

namespace sennit::io {

namespace {

/// More than any honest name has; each costs a share of the dial's time.
constexpr std::size_t kEndpointsMax = 16;

/// Shared by a lookup and the task that waits for it, because the lookup may outlive the task.
struct Lookup {
    explicit Lookup(const asio::any_io_executor& executor)
        : resolver{executor}, done{executor, asio::steady_timer::time_point::max()} {}

    Tcp::resolver resolver;
    asio::steady_timer done;
    bool finished{false};
    boost::system::error_code error;
    std::vector<Tcp::endpoint> endpoints;
};

Error timed_out(std::string detail) {
    return Error{Errc::timeout, "timed out", Error::kNowhere, std::move(detail)};
}

Task<boost::system::error_code> connect_one(Tcp::socket& socket, Tcp::endpoint endpoint) {
    const auto [error] = co_await socket.async_connect(endpoint, kAsTuple);
    co_return error;
}

}  // namespace

Task<Result<std::vector<Tcp::endpoint>>> resolve(std::string host, std::uint16_t port,
                                                 Duration timeout) {
    boost::system::error_code not_numeric;
    const auto address = asio::ip::make_address(host, not_numeric);
    if (!not_numeric) co_return std::vector{Tcp::endpoint{address, port}};

    const auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
    auto on_resolved = [lookup](const boost::system::error_code& error,
                                const Tcp::resolver::results_type& results) {
        lookup->finished = true;
        lookup->error = error;
        for (const auto& entry : results) {
            if (lookup->endpoints.size() == kEndpointsMax) break;
            lookup->endpoints.push_back(entry.endpoint());
        }
        lookup->done.cancel();
    };
    lookup->resolver.async_resolve(host, std::to_string(port), Tcp::resolver::numeric_service,
                                   std::move(on_resolved));
    lookup->done.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout));
    co_await lookup->done.async_wait(kAsTuple);
    if (!lookup->finished) {
        lookup->resolver.cancel();
        co_return timed_out("looking up " + host);
    }
    if (lookup->error || lookup->endpoints.empty()) {
        co_return Error{Errc::not_found, "cannot resolve", Error::kNowhere,
                        host + ": " + lookup->error.message()};
    }
    co_return std::move(lookup->endpoints);
}

Task<Result<Tcp::socket>> connect(std::string host, std::uint16_t port, Duration timeout) {
    const auto deadline = system_now().at + timeout;
    const auto executor = co_await asio::this_coro::executor;
    auto resolved = co_await resolve(std::move(host), port, timeout);
    if (!resolved) co_return std::move(resolved).error();

    Error last = timed_out("before the first attempt");
    const auto& endpoints = *resolved;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const auto left = deadline - system_now().at;
        if (left <= Duration::zero()) break;
        const auto share = left / static_cast<std::int64_t>(endpoints.size() - i);
        const auto where = to_net_address("tcp", endpoints[i]).text().substr(6);
        Tcp::socket socket{executor};
        auto attempt = connect_one(socket, endpoints[i]);
        const auto error = co_await with_timeout(std::move(attempt), share);
        if (!error) {
            last = timed_out("connecting to " + where);
        } else if (*error) {
            last =
                Error{Errc::io, "cannot connect", Error::kNowhere, where + ": " + error->message()};
        } else {
            boost::system::error_code ignored;
            socket.set_option(Tcp::no_delay{true}, ignored);
            co_return std::move(socket);
        }
    }
    co_return last;
}

NetAddress to_net_address(std::string_view scheme, const Tcp::endpoint& endpoint) {
    auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return NetAddress{std::string{scheme}, address.to_string(), endpoint.port()};
}

}  // namespace sennit::io
