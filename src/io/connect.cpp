// SPDX-License-Identifier: MIT
#include "io/connect.hpp"

#include <netdb.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "io/clock.hpp"
#include "io/timer.hpp"

namespace sennit::io {

namespace {

/// More than any honest name has; each costs a share of the dial's time.
constexpr std::size_t kEndpointsMax = 16;

/// As many names may be waited for at once; each has a thread.
constexpr int kLookupsMax = 64;
std::atomic<int> lookups_under_way{0};

struct Found {
    int error{0};  ///< of getaddrinfo
    std::vector<Tcp::endpoint> endpoints;
};

/// Where a lookup's thread and its caller meet. The thread may outlive the caller and everything
/// that the caller knows, so it has nothing but this.
struct Meeting {
    std::mutex mutex;
    std::function<void(Found)> deliver;  ///< guarded; empty when nobody waits any more
};

/// The caller's end: from its destruction on the thread delivers nothing.
struct Caller {
    std::shared_ptr<Meeting> meeting{std::make_shared<Meeting>()};

    Caller() = default;
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller() {
        const std::scoped_lock lock{meeting->mutex};
        meeting->deliver = nullptr;
    }
};

Found look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    Found out;
    out.error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (out.error != 0) return out;
    for (auto* at = list; at != nullptr && out.endpoints.size() < kEndpointsMax; at = at->ai_next) {
        Tcp::endpoint endpoint;
        if (at->ai_addrlen > endpoint.capacity()) continue;
        std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
        endpoint.resize(at->ai_addrlen);
        out.endpoints.push_back(endpoint);
    }
    ::freeaddrinfo(list);
    return out;
}

/// False: there are too many, or the system has no thread for it.
bool start_lookup(std::shared_ptr<Meeting> meeting, std::string host, std::uint16_t port) {
    if (lookups_under_way.fetch_add(1) >= kLookupsMax) {
        --lookups_under_way;
        return false;
    }
    try {
        std::thread{[meeting = std::move(meeting), host = std::move(host), port] {
            auto found = look_up(host, port);
            {
                const std::scoped_lock lock{meeting->mutex};
                if (meeting->deliver) std::exchange(meeting->deliver, nullptr)(std::move(found));
            }
            --lookups_under_way;
        }}.detach();
    } catch (const std::system_error&) {
        --lookups_under_way;
        return false;
    }
    return true;
}

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
    if (host == "localhost") {
        co_return std::vector{Tcp::endpoint{asio::ip::address_v4::loopback(), port},
                              Tcp::endpoint{asio::ip::address_v6::loopback(), port}};
    }

    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer done{executor};
    done.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout));
    std::optional<Found> found;
    // Set and read on the executor's thread, while this coroutine is there.
    const auto waits = std::make_shared<bool>(true);
    const auto gone = [waits](void*) { *waits = false; };
    const std::unique_ptr<void, decltype(gone)> until_gone{&done, gone};
    const Caller caller;
    caller.meeting->deliver = [executor, waits, &done, &found](Found result) {
        asio::post(executor, [waits, &done, &found, result = std::move(result)]() mutable {
            if (!*waits) return;
            found = std::move(result);
            done.cancel();
        });
    };
    if (!start_lookup(caller.meeting, host, port)) {
        co_return Error{Errc::busy, "too many names are being looked up", Error::kNowhere, host};
    }
    co_await done.async_wait(kAsTuple);
    if (!found) co_return timed_out("looking up " + host);
    if (found->error != 0 || found->endpoints.empty()) {
        const auto* why = found->error != 0 ? ::gai_strerror(found->error) : "no address";
        co_return Error{Errc::not_found, "cannot resolve", Error::kNowhere, host + ": " + why};
    }
    co_return std::move(found->endpoints);
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
