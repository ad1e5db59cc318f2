// SPDX-License-Identifier: MIT
#include "io/connect.hpp"

#include <gmock/gmock.h>

#include <dlfcn.h>
#include <netdb.h>

#include <latch>

#include "io/testing.hpp"

namespace {

constexpr std::string_view kSilent = "silent.invalid";
constexpr std::string_view kKnown = "known.invalid";  ///< is 127.0.0.1
/// Opened at the end of the test that looks that name up.
std::latch silence_ends{1};

}  // namespace

/// The system's, except that one name's server is silent, and one name is known on any machine.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** out) {
    if (host == kSilent) {
        silence_ends.wait();
        return EAI_AGAIN;
    }
    using Function = int(const char*, const char*, const addrinfo*, addrinfo**);
    static auto* const real = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(host == kKnown ? "127.0.0.1" : host, service, hints, out);
}

namespace sennit::io {
namespace {

using ::testing::HasSubstr;
using testing::run;

Task<void> take(Task<Result<Tcp::socket>> task, std::optional<Result<Tcp::socket>>& out) {
    out.emplace(co_await std::move(task));
}

Result<Tcp::socket> connect_now(asio::io_context& context, std::string host, std::uint16_t port,
                                Duration timeout = testing::kTestDeadline) {
    std::optional<Result<Tcp::socket>> out;
    run(context, take(connect(std::move(host), port, timeout), out));
    return std::move(*out);
}

TEST(connect, reaches_a_listener_by_number_and_by_name) {
    asio::io_context context;
    Tcp::acceptor acceptor{context, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    const auto port = acceptor.local_endpoint().port();
    for (const auto* host : {"127.0.0.1", "localhost", kKnown.data()}) {
        auto socket = connect_now(context, host, port);
        ASSERT_TRUE(socket) << socket.error().text();
        EXPECT_EQ(socket->remote_endpoint().port(), port);
        Tcp::no_delay no_delay;
        socket->get_option(no_delay);
        EXPECT_TRUE(no_delay.value());
    }
}

TEST(connect, says_who_refused) {
    asio::io_context context;
    Tcp::acceptor acceptor{context, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    const auto port = acceptor.local_endpoint().port();
    acceptor.close();
    const auto socket = connect_now(context, "127.0.0.1", port);
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().code, Errc::io);
    EXPECT_EQ(socket.error().text(),
              "cannot connect: 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST(connect, says_that_a_name_does_not_resolve) {
    asio::io_context context;
    const auto socket = connect_now(context, "no-such-host.invalid", 1);
    ASSERT_FALSE(socket);
    EXPECT_THAT(socket.error().text(), HasSubstr("no-such-host.invalid"));
}

TEST(connect, waits_for_no_name_server_longer_than_it_says) {
    {
        asio::io_context context;
        Tcp::acceptor acceptor{context, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
        const auto silent =
            connect_now(context, std::string{kSilent}, 1, std::chrono::milliseconds{20});
        ASSERT_FALSE(silent);
        EXPECT_EQ(silent.error().code, Errc::timeout);
        // Nor does another name, nor the end of the context.
        EXPECT_TRUE(connect_now(context, std::string{kKnown}, acceptor.local_endpoint().port()));
    }
    silence_ends.count_down();
}

// A listener whose backlog is full drops further handshakes: a host that never answers.
TEST(connect, gives_up_when_its_time_is_up) {
    asio::io_context context;
    Tcp::acceptor acceptor{context};
    acceptor.open(Tcp::v4());
    acceptor.bind(Tcp::endpoint{asio::ip::address_v4::loopback(), 0});
    acceptor.listen(0);
    const auto target = acceptor.local_endpoint();
    std::vector<Tcp::socket> fillers;
    for (int i = 0; i < 4; ++i) {
        auto& filler = fillers.emplace_back(context);
        filler.async_connect(target, [](const boost::system::error_code&) {});
    }
    context.poll();
    const auto socket =
        connect_now(context, "127.0.0.1", target.port(), std::chrono::milliseconds{50});
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().code, Errc::timeout);
    EXPECT_THAT(socket.error().text(), HasSubstr("timed out"));
}

TEST(connect, names_one_host_by_one_name) {
    const auto mapped = asio::ip::make_address("::ffff:192.0.2.7");
    EXPECT_EQ(to_net_address("tcp", {mapped, 80}).text(), "tcp://192.0.2.7:80");
    const auto v6 = asio::ip::make_address("2001:db8::1");
    EXPECT_EQ(to_net_address("tcp", {v6, 80}).text(), "tcp://[2001:db8::1]:80");
}

}  // namespace
}  // namespace sennit::io
