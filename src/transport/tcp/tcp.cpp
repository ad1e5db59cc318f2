// SPDX-License-Identifier: MIT
#include "transport/tcp/tcp.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <list>
#include <set>

#include "io/clock.hpp"
#include "io/connect.hpp"
#include "io/deadlines.hpp"
#include "io/timer.hpp"
#include "transport/end_of_turn.hpp"
#include "transport/tcp/inbound_limits.hpp"
#include "transport/tcp/send_queue.hpp"

namespace sennit::transport::tcp {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using io::kAsTuple;
using io::Task;
using io::Tcp;

/// The contract's most for one LinkBytes, and so one link's turn.
constexpr std::size_t kReadSizeMax = 64u << 10;
/// What one link may write before the others have their turn.
constexpr std::size_t kWritePerTurnMax = 256u << 10;
/// One per network interface and protocol is plenty.
constexpr std::size_t kListenersMax = 16;
/// A listening host that is a name is looked up for so long.
constexpr auto kResolveTimeout = std::chrono::seconds{10};
/// While the process is out of descriptors, accepting again at once would only spin.
constexpr auto kAcceptPause = std::chrono::milliseconds{100};

struct Link {
    Link(LinkId link_id, Tcp::socket connected) : id{link_id}, socket{std::move(connected)} {}

    LinkId id;
    Tcp::socket socket;
    std::string inbound_host;  ///< what InboundLimits counted; empty if we dialled
    SendQueue queue;
    std::size_t room{0};
    bool open{true};
    bool held{false};
    bool reader_running{false};
    bool writer_waiting{false};
    bool dirty{false};  ///< listed for the end of this turn
    bool one_write_each{false};
    bool hanging_up{false};    ///< nothing new is taken, what comes in is dropped
    bool write_ended{false};   ///< our direction is shut down
    bool write_failed{false};  ///< what the peer still said is read, then the link closes
    std::string why;           ///< HangUp's reason, or how writing failed
    Instant progress_at;       ///< when the peer last took a byte
};

std::string reason(const error_code& error) {
    if (error == asio::error::eof) return "peer closed";
    if (error == asio::error::connection_reset || error == asio::error::broken_pipe) {
        return "reset by peer";
    }
    if (error == asio::error::timed_out) return "peer stopped answering";
    return error.message();
}

/// Data in the kernel that the peer does not acknowledge counts as waiting, too (RFC 5482).
void set_user_timeout(Tcp::socket& socket, Duration timeout) {
    using Option = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    error_code ignored;
    socket.set_option(Option{static_cast<int>(ms)}, ignored);
}

Result<Tcp::acceptor> bind(const asio::any_io_executor& executor, const Tcp::endpoint& endpoint) {
    Tcp::acceptor acceptor{executor};
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(Tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(Tcp::acceptor::max_listen_connections, error);
    if (error) return Error{Errc::io, "cannot listen", Error::kNowhere, error.message()};
    return acceptor;
}

class TcpTransport final : public Transport {
  public:
    TcpTransport(Environment environment, Options options)
        : environment_{std::move(environment)},
          options_{options},
          limits_{options.links_inbound_max, options.links_inbound_per_host_max},
          read_buffer_(kReadSizeMax),
          dials_{environment_.executor, options.dials_max, environment_.task_failed},
          tasks_{environment_.executor, 2 * options.links_max + kListenersMax + 1,
                 environment_.task_failed},
          deadlines_{environment_.executor, tasks_,
                     [this](std::uint64_t id) { on_deadline(LinkId{id}); }},
          end_of_turn_{environment_.executor, [this] { end_turn(); }} {}

    ~TcpTransport() override { SENNIT_ASSERT(links_.empty()); }

    void carry_out(CarrierOutput output) override {
        std::visit([this](auto&& o) { on(std::move(o)); }, std::move(output));
    }
    Task<void> stop() override;

  private:
    using LinkPtr = std::shared_ptr<Link>;

    void on(Listen&& listen);
    void on(Dial&& dial);
    void on(Transmit&& transmit);
    void on(Hold&& hold);
    void on(HangUp&& hang_up);

    Task<void> listen(Listen request);
    Task<void> accept(Tcp::acceptor& acceptor, bool one_write_each);
    void admit(Tcp::socket socket, bool one_write_each);
    Task<void> dial(Dial dial);
    void open(LinkPtr link, std::optional<DialId> dialled, const Tcp::endpoint& remote);

    void start_reading(const LinkPtr& link);
    Task<void> read(LinkPtr link);
    bool read_once(Link& link);

    void mark_dirty(const LinkPtr& link);
    void end_turn();
    void flush(const LinkPtr& link);
    void write_failed(const LinkPtr& link, const error_code& error);
    void end_writing(Link& link);
    void wait_until_writable(const LinkPtr& link);
    Task<void> write_when_possible(LinkPtr link);

    void hang_up(const LinkPtr& link, std::string why);
    void finish(Link& link, std::string why, bool reset);

    void on_deadline(LinkId id);

    LinkPtr find(LinkId id) const {
        const auto found = links_.find(id);
        return found == links_.end() ? nullptr : found->second;
    }

    Environment environment_;
    Options options_;
    InboundLimits limits_;
    std::vector<std::uint8_t> read_buffer_;
    std::map<LinkId, LinkPtr> links_;
    std::set<DialId> dialling_;
    std::list<Tcp::acceptor> listeners_;
    std::vector<CarrierInput> reports_;  ///< what carry_out found out, and must not report itself
    std::vector<LinkPtr> dirty_;
    bool stopping_{false};
    io::TaskGroup dials_;
    io::TaskGroup tasks_;
    io::Deadlines deadlines_;
    EndOfTurn end_of_turn_;
};

// What protocols ask for. Nothing here calls the sink.

void TcpTransport::on(Listen&& request) {
    if (!stopping_) tasks_.spawn(listen(std::move(request)), "tcp listen");
}

void TcpTransport::on(Dial&& request) {
    const auto id = request.id;
    if (!stopping_ && links_.size() + dialling_.size() < options_.links_max &&
        dialling_.insert(id).second) {
        if (dials_.spawn(dial(std::move(request)), "tcp dial")) return;
        dialling_.erase(id);
    }
    reports_.emplace_back(DialFailed{id, stopping_ ? "stopping" : "too many links or dials"});
    end_of_turn_.schedule();
}

void TcpTransport::on(Transmit&& transmit) {
    const auto link = find(transmit.link);
    if (!link || link->hanging_up || link->write_failed || transmit.bytes->empty()) return;
    SENNIT_ASSERT(transmit.bytes->size() <= link->room);
    link->room -= transmit.bytes->size();
    link->queue.push(std::move(transmit.bytes), link->one_write_each);
    mark_dirty(link);
}

void TcpTransport::on(Hold&& hold) {
    const auto link = find(hold.link);
    if (!link || link->hanging_up) return;
    link->held = !hold.reading;
    start_reading(link);
}

void TcpTransport::on(HangUp&& request) {
    if (const auto link = find(request.link)) hang_up(link, std::move(request.why));
}

void TcpTransport::hang_up(const LinkPtr& link, std::string why) {
    if (link->hanging_up) return;
    link->hanging_up = true;
    link->held = false;
    link->why = std::move(why);
    deadlines_.set(link->id.value, io::system_now().at + options_.hang_up_timeout);
    start_reading(link);
    mark_dirty(link);
}

// How links come to be.

Task<void> TcpTransport::listen(Listen request) {
    const auto& address = request.address;
    co_await asio::post(environment_.executor, asio::use_awaitable);
    const auto endpoints = co_await io::resolve(address.host, address.port, kResolveTimeout);
    if (!endpoints) {
        environment_.listen_failed(address, endpoints.error().text());
        co_return;
    }
    // Of a name's addresses the IPv4 one: "localhost" then means what most people dial.
    const auto is_v4 = [](const Tcp::endpoint& e) { return e.address().is_v4(); };
    const auto v4 = std::find_if(endpoints->begin(), endpoints->end(), is_v4);
    auto acceptor = bind(environment_.executor, v4 == endpoints->end() ? endpoints->front() : *v4);
    if (!acceptor || listeners_.size() == kListenersMax) {
        environment_.listen_failed(address,
                                   acceptor ? "too many listeners" : acceptor.error().text());
        co_return;
    }
    if (stopping_) co_return;
    listeners_.push_back(std::move(*acceptor));
    auto& listener = listeners_.back();
    environment_.sink(Listening{io::to_net_address("tcp", listener.local_endpoint())});
    co_await accept(listener, request.one_write_each);
}

Task<void> TcpTransport::accept(Tcp::acceptor& acceptor, bool one_write_each) {
    while (!stopping_) {
        auto [error, socket] = co_await acceptor.async_accept(kAsTuple);
        if (stopping_) co_return;
        if (!error) {
            admit(std::move(socket), one_write_each);
        } else if (error != asio::error::connection_aborted) {
            co_await io::sleep_for(kAcceptPause);
        }
    }
}

void TcpTransport::admit(Tcp::socket socket, bool one_write_each) {
    error_code gone;
    const auto remote = socket.remote_endpoint(gone);
    if (gone || links_.size() >= options_.links_max) return;
    auto host = io::to_net_address("tcp", remote).host;
    if (!limits_.admit(host)) return;
    socket.set_option(Tcp::no_delay{true}, gone);
    auto link = std::make_shared<Link>(environment_.next_link(), std::move(socket));
    link->inbound_host = std::move(host);
    link->one_write_each = one_write_each;
    open(std::move(link), std::nullopt, remote);
}

Task<void> TcpTransport::dial(Dial dial) {
    co_await asio::post(environment_.executor, asio::use_awaitable);
    auto socket = co_await io::connect(dial.to.host, dial.to.port, dial.timeout);
    dialling_.erase(dial.id);
    if (!socket || stopping_) {
        environment_.sink(DialFailed{dial.id, stopping_ ? "stopping" : socket.error().text()});
        co_return;
    }
    error_code gone;
    const auto remote = socket->remote_endpoint(gone);
    if (gone) {
        environment_.sink(DialFailed{dial.id, "closed at once by the peer"});
        co_return;
    }
    auto link = std::make_shared<Link>(environment_.next_link(), std::move(*socket));
    link->one_write_each = dial.one_write_each;
    open(std::move(link), dial.id, remote);
}

void TcpTransport::open(LinkPtr link, std::optional<DialId> dialled, const Tcp::endpoint& remote) {
    error_code ignored;
    link->socket.non_blocking(true, ignored);
    // Later than our own deadline, which can say what the matter is.
    set_user_timeout(link->socket, options_.slow_peer_timeout + options_.hang_up_timeout);
    link->room = options_.room;
    links_.emplace(link->id, link);
    LinkOpen report;
    report.id = link->id;
    report.inbound = !dialled;
    report.dial = dialled;
    report.local = io::to_net_address("tcp", link->socket.local_endpoint(ignored));
    report.remote = io::to_net_address("tcp", remote);
    report.room = options_.room;
    environment_.sink(report);
    start_reading(link);
}

// Reading.

void TcpTransport::start_reading(const LinkPtr& link) {
    if (!link->open || link->held || link->reader_running) return;
    link->reader_running = tasks_.spawn(read(link), "tcp read");
}

Task<void> TcpTransport::read(LinkPtr link) {
    bool more_at_hand = false;
    while (link->open && !link->held) {
        if (more_at_hand) {
            co_await asio::post(environment_.executor, asio::use_awaitable);
        } else {
            co_await link->socket.async_wait(Tcp::socket::wait_read, kAsTuple);
        }
        if (link->open && !link->held) more_at_hand = read_once(*link);
    }
    link->reader_running = false;
}

/// True if the buffer was filled, so that more is probably there.
bool TcpTransport::read_once(Link& link) {
    error_code error;
    const auto n = link.socket.read_some(asio::buffer(read_buffer_), error);
    if (error == asio::error::would_block) return false;
    if (error) {
        finish(link, link.hanging_up ? std::move(link.why) : reason(error), false);
        return false;
    }
    if (!link.hanging_up) {
        environment_.sink(LinkBytes{link.id, BytesView{read_buffer_}.first(n), {}});
    }
    return n == read_buffer_.size();
}

// Writing.

void TcpTransport::mark_dirty(const LinkPtr& link) {
    if (!link->dirty) {
        link->dirty = true;
        dirty_.push_back(link);
    }
    end_of_turn_.schedule();
}

void TcpTransport::end_turn() {
    for (const auto& report : std::exchange(reports_, {})) environment_.sink(report);
    for (const auto& link : std::exchange(dirty_, {})) {
        link->dirty = false;
        flush(link);
    }
}

void TcpTransport::flush(const LinkPtr& link) {
    if (!link->open || link->writer_waiting) return;
    SendQueue::Pieces pieces;
    const std::size_t pieces_max = link->one_write_each ? 1 : SendQueue::kPiecesMax;
    std::size_t sent = 0;
    error_code error;
    while (!link->queue.empty() && sent < kWritePerTurnMax && !error) {
        const auto n = link->socket.write_some(link->queue.front(pieces, pieces_max), error);
        link->queue.consume(n);
        sent += n;
    }
    link->room += sent;
    if (error == asio::error::would_block) {
        wait_until_writable(link);
    } else if (error) {
        write_failed(link, error);
    } else if (!link->queue.empty()) {
        mark_dirty(link);
    } else if (link->hanging_up) {
        end_writing(*link);
    }
    if (sent > 0 && link->open && !link->hanging_up) environment_.sink(Room{link->id, sent});
}

void TcpTransport::wait_until_writable(const LinkPtr& link) {
    link->writer_waiting = true;
    link->progress_at = io::system_now().at;
    if (!deadlines_.has(link->id.value)) {
        deadlines_.set(link->id.value, link->progress_at + options_.slow_peer_timeout);
    }
    tasks_.spawn(write_when_possible(link), "tcp write");
}

Task<void> TcpTransport::write_when_possible(LinkPtr link) {
    co_await link->socket.async_wait(Tcp::socket::wait_write, kAsTuple);
    link->writer_waiting = false;
    flush(link);
}

/// The peer's last words, such as why it goes, may still be unread: the reader closes the link.
void TcpTransport::write_failed(const LinkPtr& link, const error_code& error) {
    link->queue.clear();
    if (link->held || link->hanging_up) {
        finish(*link, link->hanging_up ? std::move(link->why) : reason(error), false);
        return;
    }
    link->write_failed = true;
    link->why = reason(error);
    deadlines_.set(link->id.value, io::system_now().at + options_.hang_up_timeout);
}

void TcpTransport::end_writing(Link& link) {
    if (link.write_ended) return;
    link.write_ended = true;
    error_code error;
    link.socket.shutdown(Tcp::socket::shutdown_send, error);
    if (error) finish(link, std::move(link.why), false);
}

// How links end.

void TcpTransport::finish(Link& link, std::string why, bool reset) {
    if (!link.open) return;
    link.open = false;
    error_code ignored;
    if (reset) link.socket.set_option(Tcp::socket::linger{true, 0}, ignored);
    link.socket.close(ignored);
    link.queue.clear();
    deadlines_.drop(link.id.value);
    if (!link.inbound_host.empty()) limits_.release(link.inbound_host);
    const auto keep_alive = links_.extract(link.id);
    environment_.sink(LinkClosed{link.id, std::move(why)});
}

Task<void> TcpTransport::stop() {
    stopping_ = true;
    error_code ignored;
    for (auto& listener : listeners_) listener.close(ignored);
    dials_.close();
    co_await dials_.join();
    for (const auto id : std::exchange(dialling_, {})) {
        environment_.sink(DialFailed{id, "stopping"});
    }
    const auto links = links_;  // the sink may end one while we go through them
    for (const auto& [id, link] : links) {
        if (tasks_.is_open()) {
            hang_up(link, "stopping");
        } else {
            finish(*link, "transport failed", true);
        }
    }
    co_await tasks_.join();
    co_await end_of_turn_.drained();
}

void TcpTransport::on_deadline(LinkId id) {
    const auto link = find(id);
    SENNIT_ASSERT(link);
    if (link->hanging_up || link->write_failed) {
        finish(*link, std::move(link->why), !link->queue.empty());
    } else if (link->writer_waiting) {
        const auto due = link->progress_at + options_.slow_peer_timeout;
        if (io::system_now().at < due) return deadlines_.set(id.value, due);
        finish(*link, "slow peer: took nothing while data waited", true);
    }
}

}  // namespace

std::unique_ptr<Transport> make_transport(Environment environment, Options options) {
    SENNIT_ASSERT(environment.next_link && environment.sink && environment.listen_failed);
    return std::make_unique<TcpTransport>(std::move(environment), options);
}

}  // namespace sennit::transport::tcp
