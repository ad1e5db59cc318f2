// SPDX-License-Identifier: MIT
#include "transport/http/http.hpp"

#include <list>
#include <set>

#include "base/bytes.hpp"
#include "io/clock.hpp"
#include "io/deadlines.hpp"
#include "io/http_client.hpp"
#include "io/http_server.hpp"
#include "io/timer.hpp"
#include "transport/end_of_turn.hpp"

namespace sennit::transport::http {

namespace {

namespace asio = boost::asio;
using io::Task;
using Reply = std::function<void(io::HttpResponse)>;

constexpr std::size_t kListenersMax = 16;
/// A listening host that is a name is looked up for so long.
constexpr auto kResolveTimeout = std::chrono::seconds{10};
/// Of stop's two seconds, what exchanges under way get; the rest is for the servers' connections.
constexpr auto kStopGrace = std::chrono::milliseconds{1500};
constexpr auto kServerStopGrace = std::chrono::milliseconds{500};
constexpr auto kHangUpTimeout = std::chrono::seconds{2};
/// The server's own patience only backs ours up: ours also tells the protocol.
constexpr auto kServerSlack = std::chrono::seconds{5};

enum class Stage : std::uint8_t {
    asked,      ///< inbound: the protocol has the request
    connected,  ///< outbound: waits for the request
    asking,     ///< outbound: waits for the peer's answer
};

struct Exchange {
    Stage stage{Stage::asked};
    Reply reply;                            ///< asked
    std::optional<io::Tcp::socket> socket;  ///< connected
    NetAddress remote;                      ///< as it was dialled
    std::string why;                        ///< HangUp's, while asking
};

class HttpTransport final : public Transport {
  public:
    HttpTransport(Environment environment, Options options)
        : environment_{std::move(environment)},
          options_{options},
          dials_{environment_.executor, options.exchanges_outbound_max, environment_.task_failed},
          tasks_{environment_.executor, 2 * options.exchanges_outbound_max + kListenersMax + 1,
                 environment_.task_failed},
          deadlines_{environment_.executor, tasks_,
                     [this](std::uint64_t id) { on_deadline(LinkId{id}); }},
          end_of_turn_{environment_.executor, [this] { report(); }} {}

    ~HttpTransport() override { SENNIT_ASSERT(exchanges_.empty()); }

    void carry_out(CarrierOutput output) override {
        std::visit([this](auto&& o) { on(std::move(o)); }, std::move(output));
    }
    Task<void> stop() override;

  private:
    void on(Listen&& listen);
    void on(Dial&& dial);
    void on(Transmit&& transmit);
    void on(Hold&&) {}
    void on(HangUp&& hang_up);

    Task<void> listen(NetAddress address);
    void request_arrived(const NetAddress& local, io::HttpRequest request, Reply reply);
    Task<void> dial(Dial dial);
    Task<void> ask(LinkId id, io::Tcp::socket socket, io::HttpCall call);
    void answered(LinkId id, const Result<io::HttpResponse>& answer);

    void close_later(LinkId id, std::string why);
    void report_later(CarrierInput input);
    void report();
    void on_deadline(LinkId id);
    std::size_t outbound() const { return outbound_ + dialling_.size(); }

    Environment environment_;
    Options options_;
    std::list<std::unique_ptr<io::HttpServer>> servers_;
    std::map<LinkId, Exchange> exchanges_;
    std::size_t outbound_{0};
    std::set<DialId> dialling_;
    std::vector<CarrierInput> reports_;  ///< what carry_out found out, and must not report itself
    bool stopping_{false};
    io::TaskGroup dials_;
    io::TaskGroup tasks_;
    io::Deadlines deadlines_;
    EndOfTurn end_of_turn_;
};

// As a server.

void HttpTransport::on(Listen&& request) {
    if (!stopping_) tasks_.spawn(listen(std::move(request.address)), "http listen");
}

Task<void> HttpTransport::listen(NetAddress address) {
    co_await asio::post(environment_.executor, asio::use_awaitable);
    const auto resolved = co_await io::resolve(address.host, address.port, kResolveTimeout);
    if (stopping_) co_return;
    if (!resolved || servers_.size() == kListenersMax) {
        environment_.listen_failed(address,
                                   resolved ? "too many listeners" : resolved.error().text());
        co_return;
    }
    io::HttpServerOptions options;
    options.host = resolved->front().address().to_string();
    options.port = address.port;
    options.body_size_max = options_.body_size_max;
    options.header_size_max = options_.header_size_max;
    options.connections_max = options_.connections_inbound_max;
    options.request_timeout = options_.answer_timeout + kServerSlack;
    const auto local = std::make_shared<NetAddress>();
    io::HttpHandler handler = [this, local](io::HttpRequest request, Reply reply) {
        request_arrived(*local, std::move(request), std::move(reply));
    };
    auto server = std::make_unique<io::HttpServer>(environment_.executor, options,
                                                   std::move(handler), environment_.task_failed);
    const auto bound = server->listen();
    if (!bound) {
        environment_.listen_failed(address, bound.error().text());
        co_return;
    }
    *local = *bound;
    servers_.push_back(std::move(server));
    environment_.sink(Listening{*bound});
}

void HttpTransport::request_arrived(const NetAddress& local, io::HttpRequest request, Reply reply) {
    if (stopping_) return reply(io::HttpResponse{.status = 503, .body = "stopping\n"});
    const auto id = environment_.next_link();
    Exchange exchange;
    exchange.reply = std::move(reply);
    exchanges_.emplace(id, std::move(exchange));
    deadlines_.set(id.value, io::system_now().at + options_.answer_timeout);

    LinkOpen open;
    open.id = id;
    open.carrier = Carrier::exchange;
    open.inbound = true;
    open.local = local;
    open.remote = request.remote;
    open.room = options_.body_size_max;
    environment_.sink(open);
    if (!exchanges_.contains(id)) return;
    const auto label = request.method + " " + request.target;
    environment_.sink(LinkBytes{id, as_bytes(request.body), label});
}

// As a client.

void HttpTransport::on(Dial&& request) {
    const auto id = request.id;
    if (!stopping_ && outbound() < options_.exchanges_outbound_max && dialling_.insert(id).second) {
        if (dials_.spawn(dial(std::move(request)), "http dial")) return;
        dialling_.erase(id);
    }
    report_later(DialFailed{id, stopping_ ? "stopping" : "too many exchanges"});
}

Task<void> HttpTransport::dial(Dial dial) {
    co_await asio::post(environment_.executor, asio::use_awaitable);
    const std::uint16_t port = dial.to.port == 0 ? 80 : dial.to.port;
    auto socket = co_await io::connect(dial.to.host, port, dial.timeout);
    dialling_.erase(dial.id);
    if (!socket || stopping_) {
        environment_.sink(DialFailed{dial.id, stopping_ ? "stopping" : socket.error().text()});
        co_return;
    }
    boost::system::error_code gone;
    LinkOpen open;
    open.id = environment_.next_link();
    open.carrier = Carrier::exchange;
    open.dial = dial.id;
    open.local = io::to_net_address("http", socket->local_endpoint(gone));
    open.remote = io::to_net_address("http", socket->remote_endpoint(gone));
    open.room = options_.body_size_max;
    if (gone) {
        environment_.sink(DialFailed{dial.id, "closed at once by the peer"});
        co_return;
    }
    Exchange exchange;
    exchange.stage = Stage::connected;
    exchange.socket = std::move(*socket);
    exchange.remote = NetAddress{dial.to.scheme, dial.to.host, port};
    exchanges_.emplace(open.id, std::move(exchange));
    ++outbound_;
    deadlines_.set(open.id.value, io::system_now().at + options_.request_timeout);
    environment_.sink(open);
}

Task<void> HttpTransport::ask(LinkId id, io::Tcp::socket socket, io::HttpCall call) {
    auto answer = co_await io::http_exchange(std::move(socket), std::move(call));
    answered(id, answer);
}

void HttpTransport::answered(LinkId id, const Result<io::HttpResponse>& answer) {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end()) return;  // hung up, and out of patience
    auto why = std::move(found->second.why);
    if (answer && why.empty()) {
        environment_.sink(
            LinkBytes{id, as_bytes(answer->body), answer->content_type, answer->status});
    }
    if (why.empty()) why = answer ? "answered" : answer.error().text();
    close_later(id, std::move(why));
}

// Both.

void HttpTransport::on(Transmit&& transmit) {
    const auto found = exchanges_.find(transmit.link);
    if (found == exchanges_.end()) return;
    auto& exchange = found->second;
    SENNIT_ASSERT(exchange.stage != Stage::asking);
    SENNIT_ASSERT(transmit.bytes->size() <= options_.body_size_max);
    std::string body{as_text(*transmit.bytes)};
    if (exchange.stage == Stage::asked) {
        SENNIT_ASSERT(transmit.code >= 100 && transmit.code <= 599);
        io::HttpResponse response;
        response.status = transmit.code;
        if (!transmit.label.empty()) response.content_type = std::move(transmit.label);
        response.body = std::move(body);
        exchange.reply(std::move(response));
        return close_later(transmit.link, "answered");
    }
    const auto space = transmit.label.find(' ');
    SENNIT_ASSERT(space != std::string::npos);
    io::HttpCall call;
    call.host = exchange.remote.host;
    call.port = exchange.remote.port;
    call.method = transmit.label.substr(0, space);
    call.target = transmit.label.substr(space + 1);
    call.body = std::move(body);
    call.timeout = options_.answer_timeout;
    call.answer_size_max = options_.body_size_max;
    auto socket = std::move(*exchange.socket);
    exchange.socket.reset();
    exchange.stage = Stage::asking;
    deadlines_.drop(transmit.link.value);
    if (!tasks_.spawn(ask(transmit.link, std::move(socket), std::move(call)), "http request")) {
        close_later(transmit.link, "too many requests under way");
    }
}

void HttpTransport::on(HangUp&& hang_up) {
    const auto found = exchanges_.find(hang_up.link);
    if (found == exchanges_.end()) return;
    auto& exchange = found->second;
    if (exchange.stage == Stage::asking) {
        // The request has to leave first; its answer is no longer wanted.
        if (!exchange.why.empty()) return;
        exchange.why = hang_up.why.empty() ? "hung up" : std::move(hang_up.why);
        deadlines_.set(hang_up.link.value, io::system_now().at + kHangUpTimeout);
        return;
    }
    if (exchange.reply) exchange.reply(io::HttpResponse{.status = 503, .body = "hung up\n"});
    close_later(hang_up.link, std::move(hang_up.why));
}

void HttpTransport::on_deadline(LinkId id) {
    const auto found = exchanges_.find(id);
    SENNIT_ASSERT(found != exchanges_.end());
    auto& exchange = found->second;
    if (exchange.reply) exchange.reply(io::HttpResponse{.status = 504, .body = "no answer\n"});
    auto why = std::move(exchange.why);
    if (why.empty()) why = exchange.reply ? "not answered in time" : "no request was made in time";
    close_later(id, std::move(why));
}

void HttpTransport::close_later(LinkId id, std::string why) {
    const auto node = exchanges_.extract(id);
    if (node.mapped().stage != Stage::asked) --outbound_;
    deadlines_.drop(id.value);
    report_later(LinkClosed{id, std::move(why)});
}

void HttpTransport::report_later(CarrierInput input) {
    reports_.push_back(std::move(input));
    end_of_turn_.schedule();
}

void HttpTransport::report() {
    for (const auto& input : std::exchange(reports_, {})) environment_.sink(input);
}

Task<void> HttpTransport::stop() {
    stopping_ = true;
    dials_.close();
    co_await dials_.join();
    for (const auto id : std::exchange(dialling_, {})) report_later(DialFailed{id, "stopping"});
    std::vector<LinkId> idle;
    for (const auto& [id, exchange] : exchanges_) {
        if (exchange.stage != Stage::asking) idle.push_back(id);
    }
    for (const auto id : idle) on(HangUp{id, "stopping"});
    co_await io::with_timeout(tasks_.join(), kStopGrace);
    tasks_.close();
    co_await tasks_.join();
    while (!exchanges_.empty()) close_later(exchanges_.begin()->first, "stopping");
    for (const auto& server : servers_) co_await server->stop(kServerStopGrace);
    co_await end_of_turn_.drained();
}

}  // namespace

std::unique_ptr<Transport> make_transport(Environment environment, Options options) {
    SENNIT_ASSERT(environment.next_link && environment.sink && environment.listen_failed);
    return std::make_unique<HttpTransport>(std::move(environment), options);
}

}  // namespace sennit::transport::http
