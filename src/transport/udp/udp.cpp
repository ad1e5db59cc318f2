// SPDX-License-Identifier: MIT
#include "transport/udp/udp.hpp"

#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <set>

#include "io/clock.hpp"
#include "io/connect.hpp"
#include "io/deadlines.hpp"
#include "io/timer.hpp"
#include "transport/end_of_turn.hpp"
#include "transport/udp/group.hpp"

namespace sennit::transport::udp {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using io::kAsTuple;
using io::Task;

/// What one link may read, and write, before the others have their turn.
constexpr std::size_t kDatagramsPerTurnMax = 64;
/// Small datagrams take more memory than their bytes, which is what `room` counts.
constexpr std::size_t kQueueMax = 1024;
/// A listening host that is a name is looked up for so long.
constexpr auto kResolveTimeout = std::chrono::seconds{10};
/// A socket that fails to read, other than by being empty, is not asked again at once.
constexpr auto kReadPause = std::chrono::milliseconds{100};
/// 224.0.0.0/24, which no router forwards, however many hops are left (RFC 5771, section 4).
constexpr std::uint32_t kLocalBlock = 0xe0000000;

struct Datagram {
    SharedBytes bytes;
    Udp::endpoint to;
    bool to_all{false};      ///< to the group, on every interface
    std::size_t sent_on{0};  ///< interfaces, so far
};

/// What a link lost, by reason.
struct Dropped {
    std::size_t oversized_in{0};
    std::size_t oversized_out{0};
    std::size_t to_nowhere{0};  ///< a label that is no address, or not one for this link
    std::size_t overflow{0};    ///< more than `kQueueMax` waited
    std::size_t refused{0};     ///< by the system: no route, forbidden, ICMP
    std::size_t unsent{0};      ///< waited longer than HangUp gives them

    std::string text() const {
        std::string out;
        const auto add = [&out](std::size_t n, const char* what) {
            if (n > 0) out += (out.empty() ? "; dropped " : ", ") + std::to_string(n) + " " + what;
        };
        add(oversized_in, "oversized of others");
        add(oversized_out, "oversized of ours");
        add(to_nowhere, "to nowhere");
        add(overflow, "over the queue's limit");
        add(refused, "refused by the system");
        add(unsent, "unsent");
        return out;
    }
};

struct Link {
    Link(LinkId link_id, Udp::socket bound) : id{link_id}, socket{std::move(bound)} {}

    LinkId id;
    Udp::socket socket;
    std::optional<Udp::endpoint> remote;  ///< whom a Transmit without label is for
    std::optional<Group> group;
    std::deque<Datagram> queue;
    Dropped dropped;
    std::size_t room{0};
    std::size_t freed{0};  ///< room to be given back at the end of this turn
    bool open{true};
    bool held{false};
    bool reader_running{false};
    bool writer_waiting{false};
    bool dirty{false};  ///< listed for the end of this turn
    bool hanging_up{false};
    std::string why;
};

NetAddress to_net_address(const Udp::endpoint& endpoint) {
    return io::to_net_address("udp", {endpoint.address(), endpoint.port()});
}

/// The socket of a Listen or Dial, and where it sends to.
struct Opened {
    Udp::socket socket;
    std::optional<Udp::endpoint> remote{};
    std::optional<Group> group{};
};

Error cannot(std::string_view what, const error_code& error) {
    return Error{Errc::io, what, Error::kNowhere, error.message()};
}

Result<Opened> open_group(const asio::any_io_executor& executor, GroupName name,
                          std::uint16_t port) {
    Udp::socket socket{executor};
    error_code error;
    socket.open(Udp::v4(), error);
    if (!error) socket.set_option(Udp::socket::reuse_address{true}, error);
    if (!error) socket.bind({name.group, port}, error);
    if (error) return cannot("cannot listen", error);
    const bool local = (name.group.to_uint() & 0xffffff00) == kLocalBlock;
    socket.set_option(asio::ip::multicast::hops{local ? 255 : 1}, error);
    if (!error) socket.set_option(asio::ip::multicast::enable_loopback{true}, error);
    if (error) return cannot("cannot use multicast", error);
    Group group{std::move(name)};
    SENNIT_TRY(group.join(socket, io::system_now().at));
    const auto remote = socket.local_endpoint(error);
    if (error) return cannot("cannot listen", error);
    return Opened{.socket = std::move(socket), .remote = remote, .group = std::move(group)};
}

Result<Opened> open_listener(const asio::any_io_executor& executor, const Udp::endpoint& at) {
    Udp::socket socket{executor};
    error_code error;
    socket.open(at.protocol(), error);
    if (!error) socket.bind(at, error);
    if (error) return cannot("cannot listen", error);
    return Opened{.socket = std::move(socket)};
}

Result<Opened> open_dialled(const asio::any_io_executor& executor, const Udp::endpoint& to) {
    Udp::socket socket{executor};
    error_code error;
    socket.open(to.protocol(), error);
    if (!error) socket.connect(to, error);
    if (error) return cannot("cannot connect", error);
    return Opened{.socket = std::move(socket), .remote = to};
}

class UdpTransport final : public Transport {
  public:
    UdpTransport(Environment environment, Options options)
        : environment_{std::move(environment)},
          options_{options},
          read_buffer_(options.datagram_size_max + 1),
          dials_{environment_.executor, options.links_max, environment_.task_failed},
          tasks_{environment_.executor, 2 * options.links_max + 1, environment_.task_failed},
          deadlines_{environment_.executor, tasks_,
                     [this](std::uint64_t id) { on_deadline(LinkId{id}); }},
          end_of_turn_{environment_.executor, [this] { end_turn(); }} {}

    ~UdpTransport() override { SENNIT_ASSERT(links_.empty()); }

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

    Task<Result<Opened>> open_socket(NetAddress address, Duration timeout, bool dialled);
    Task<void> listen(Listen request);
    Task<void> dial(Dial request);
    void open(Opened opened, std::optional<DialId> dialled);

    void start_reading(const LinkPtr& link);
    Task<void> read(LinkPtr link);
    /// True if there was as much as one turn takes.
    bool read_some(const LinkPtr& link, error_code& error);

    std::optional<Udp::endpoint> destination(const Link& link, const std::string& label) const;
    void mark_dirty(const LinkPtr& link);
    void end_turn();
    void flush(const LinkPtr& link);
    error_code send(Link& link, Datagram& datagram);
    Task<void> write_when_possible(LinkPtr link);

    void hang_up(const LinkPtr& link, std::string why);
    void finish(Link& link);
    void on_deadline(LinkId id);

    LinkPtr find(LinkId id) const {
        const auto found = links_.find(id);
        return found == links_.end() ? nullptr : found->second;
    }
    bool full() const { return links_.size() + opening_ >= options_.links_max; }

    Environment environment_;
    Options options_;
    /// Shared by all links. A datagram that fills it is oversized: it has a byte more than the
    /// most.
    std::vector<std::uint8_t> read_buffer_;
    std::map<LinkId, LinkPtr> links_;
    std::set<DialId> dialling_;
    std::size_t opening_{0};
    std::vector<DialFailed> reports_;  ///< what carry_out found out, and must not report itself
    std::vector<LinkPtr> dirty_;
    bool stopping_{false};
    io::TaskGroup dials_;
    io::TaskGroup tasks_;
    io::Deadlines deadlines_;
    EndOfTurn end_of_turn_;
};

// What protocols ask for. Nothing here calls the sink.

void UdpTransport::on(Listen&& request) {
    if (!stopping_) dials_.spawn(listen(std::move(request)), "udp listen");
}

void UdpTransport::on(Dial&& request) {
    const auto id = request.id;
    if (!stopping_ && !full() && dialling_.insert(id).second) {
        if (dials_.spawn(dial(std::move(request)), "udp dial")) return;
        dialling_.erase(id);
    }
    reports_.push_back({id, stopping_ ? "stopping" : "too many links or dials"});
    end_of_turn_.schedule();
}

void UdpTransport::on(Transmit&& transmit) {
    const auto link = find(transmit.link);
    if (!link || link->hanging_up) return;
    const auto size = transmit.bytes->size();
    SENNIT_ASSERT(size <= link->room);
    link->room -= size;
    mark_dirty(link);
    const auto to = destination(*link, transmit.label);
    auto& dropped = link->dropped;
    const auto drop = [&](std::size_t& reason) {
        ++reason;
        link->freed += size;
    };
    if (size > options_.datagram_size_max) return drop(dropped.oversized_out);
    if (!to) return drop(dropped.to_nowhere);
    if (link->queue.size() == kQueueMax) return drop(dropped.overflow);
    const bool to_all = link->group && *to == *link->remote;
    link->queue.push_back({.bytes = std::move(transmit.bytes), .to = *to, .to_all = to_all});
}

void UdpTransport::on(Hold&& hold) {
    const auto link = find(hold.link);
    if (!link || link->hanging_up) return;
    link->held = !hold.reading;
    start_reading(link);
}

void UdpTransport::on(HangUp&& request) {
    if (const auto link = find(request.link)) hang_up(link, std::move(request.why));
}

void UdpTransport::hang_up(const LinkPtr& link, std::string why) {
    if (link->hanging_up) return;
    link->hanging_up = true;
    link->why = std::move(why);
    deadlines_.set(link->id.value, io::system_now().at + options_.hang_up_timeout);
    mark_dirty(link);
}

/// A link of one peer sends to it alone, one of a group to the group and to single hosts, any other
/// to single hosts.
std::optional<Udp::endpoint> UdpTransport::destination(const Link& link,
                                                       const std::string& label) const {
    if (label.empty()) return link.remote;
    const auto address = NetAddress::parse(label);
    if (!address || address->scheme != "udp" || address->port == 0) return std::nullopt;
    error_code bad;
    const auto host = asio::ip::make_address(address->host, bad);
    const Udp::endpoint to{host, address->port};
    if (bad) return std::nullopt;
    if (link.remote && to == *link.remote) return to;
    if (host.is_multicast() || (link.remote && !link.group)) return std::nullopt;
    error_code gone;
    return to.protocol() == link.socket.local_endpoint(gone).protocol() ? std::optional{to}
                                                                        : std::nullopt;
}

// How links come to be.

Task<Result<Opened>> UdpTransport::open_socket(NetAddress address, Duration timeout, bool dialled) {
    co_await asio::post(environment_.executor, asio::use_awaitable);
    auto group = group_name(address.host);
    if (!group) co_return std::move(group).error();
    if (*group) co_return open_group(environment_.executor, **std::move(group), address.port);
    const auto endpoints = co_await io::resolve(address.host, address.port, timeout);
    if (!endpoints) co_return endpoints.error();
    // Of a name's addresses the IPv4 one, as over TCP.
    const auto is_v4 = [](const auto& e) { return e.address().is_v4(); };
    const auto v4 = std::find_if(endpoints->begin(), endpoints->end(), is_v4);
    const auto& best = v4 == endpoints->end() ? endpoints->front() : *v4;
    const Udp::endpoint endpoint{best.address(), best.port()};
    co_return dialled ? open_dialled(environment_.executor, endpoint)
                      : open_listener(environment_.executor, endpoint);
}

Task<void> UdpTransport::listen(Listen request) {
    if (full()) {
        co_await asio::post(environment_.executor, asio::use_awaitable);
        environment_.listen_failed(request.address, "too many links");
        co_return;
    }
    ++opening_;
    auto opened = co_await open_socket(request.address, kResolveTimeout, false);
    --opening_;
    if (stopping_) co_return;
    if (!opened) {
        environment_.listen_failed(request.address, opened.error().text());
        co_return;
    }
    open(*std::move(opened), std::nullopt);
}

Task<void> UdpTransport::dial(Dial request) {
    ++opening_;
    auto opened = co_await open_socket(request.to, request.timeout, true);
    --opening_;
    dialling_.erase(request.id);
    if (!opened || stopping_) {
        environment_.sink(DialFailed{request.id, stopping_ ? "stopping" : opened.error().text()});
        co_return;
    }
    open(*std::move(opened), request.id);
}

void UdpTransport::open(Opened opened, std::optional<DialId> dialled) {
    error_code ignored;
    auto link = std::make_shared<Link>(environment_.next_link(), std::move(opened.socket));
    link->socket.non_blocking(true, ignored);
    link->remote = opened.remote;
    link->group = std::move(opened.group);
    link->room = options_.room;
    links_.emplace(link->id, link);
    LinkOpen report;
    report.id = link->id;
    report.carrier = Carrier::datagram;
    report.inbound = !dialled;
    report.dial = dialled;
    report.local = to_net_address(link->socket.local_endpoint(ignored));
    if (link->remote) report.remote = to_net_address(*link->remote);
    report.room = options_.room;
    report.datagram_size_max = options_.datagram_size_max;
    if (!dialled) environment_.sink(Listening{report.local});
    environment_.sink(report);
    start_reading(link);
}

// Reading.

void UdpTransport::start_reading(const LinkPtr& link) {
    if (!link->open || link->held || link->hanging_up || link->reader_running) return;
    link->reader_running = tasks_.spawn(read(link), "udp read");
}

Task<void> UdpTransport::read(LinkPtr link) {
    bool more_at_hand = false;
    while (link->open && !link->held && !link->hanging_up) {
        if (more_at_hand) {
            co_await asio::post(environment_.executor, asio::use_awaitable);
        } else {
            co_await link->socket.async_wait(Udp::socket::wait_read, kAsTuple);
        }
        error_code error;
        more_at_hand = read_some(link, error);
        if (error) co_await io::sleep_for(kReadPause);
    }
    link->reader_running = false;
}

bool UdpTransport::read_some(const LinkPtr& link, error_code& error) {
    for (std::size_t i = 0; i < kDatagramsPerTurnMax; ++i) {
        if (!link->open || link->held || link->hanging_up) return false;
        Udp::endpoint from;
        error_code failed;
        const auto n = link->socket.receive_from(asio::buffer(read_buffer_), from, 0, failed);
        if (failed == asio::error::would_block) return false;
        if (failed) {
            // What a router or the peer's system answered to an earlier datagram.
            ++link->dropped.refused;
            if (failed == asio::error::connection_refused) continue;
            error = failed;
            return false;
        }
        if (n > options_.datagram_size_max) {
            ++link->dropped.oversized_in;
            continue;
        }
        const auto source = to_net_address(from).text();
        environment_.sink(LinkBytes{link->id, BytesView{read_buffer_}.first(n), source});
    }
    return true;
}

// Writing.

void UdpTransport::mark_dirty(const LinkPtr& link) {
    if (!link->dirty) {
        link->dirty = true;
        dirty_.push_back(link);
    }
    end_of_turn_.schedule();
}

void UdpTransport::end_turn() {
    for (const auto& report : std::exchange(reports_, {})) environment_.sink(report);
    for (const auto& link : std::exchange(dirty_, {})) {
        link->dirty = false;
        flush(link);
    }
}

void UdpTransport::flush(const LinkPtr& link) {
    if (!link->open || link->writer_waiting) return;
    error_code error;
    for (std::size_t i = 0; i < kDatagramsPerTurnMax && !link->queue.empty(); ++i) {
        error = send(*link, link->queue.front());
        if (error == asio::error::would_block) break;
        link->freed += link->queue.front().bytes->size();
        link->queue.pop_front();
    }
    const auto freed = std::exchange(link->freed, 0);
    link->room += freed;
    if (error == asio::error::would_block) {
        link->writer_waiting = tasks_.spawn(write_when_possible(link), "udp write");
    } else if (!link->queue.empty()) {
        mark_dirty(link);
    } else if (link->hanging_up) {
        return finish(*link);
    }
    if (freed > 0 && !link->hanging_up) environment_.sink(Room{link->id, freed});
}

/// would_block, and nothing else, is worth another try.
error_code UdpTransport::send(Link& link, Datagram& datagram) {
    const auto bytes = asio::buffer(*datagram.bytes);
    error_code error;
    if (!datagram.to_all) {
        link.socket.send_to(bytes, datagram.to, 0, error);
        if (error && error != asio::error::would_block) ++link.dropped.refused;
        return error;
    }
    const auto now = io::system_now().at;
    // Without an interface now, the old ones are still worth the try.
    if (link.group->stale(now)) std::ignore = link.group->join(link.socket, now);
    const auto& interfaces = link.group->interfaces();
    for (; datagram.sent_on < interfaces.size(); ++datagram.sent_on) {
        link.socket.set_option(
            asio::ip::multicast::outbound_interface{interfaces[datagram.sent_on].address}, error);
        if (!error) link.socket.send_to(bytes, datagram.to, 0, error);
        if (error == asio::error::would_block) return error;
        if (error) ++link.dropped.refused;
    }
    return {};
}

Task<void> UdpTransport::write_when_possible(LinkPtr link) {
    co_await link->socket.async_wait(Udp::socket::wait_write, kAsTuple);
    link->writer_waiting = false;
    flush(link);
}

// How links end.

void UdpTransport::finish(Link& link) {
    if (!link.open) return;
    link.open = false;
    error_code ignored;
    link.socket.close(ignored);
    link.dropped.unsent = link.queue.size();
    link.queue.clear();
    deadlines_.drop(link.id.value);
    const auto keep_alive = links_.extract(link.id);
    environment_.sink(LinkClosed{link.id, link.why + link.dropped.text()});
}

Task<void> UdpTransport::stop() {
    stopping_ = true;
    dials_.close();
    co_await dials_.join();
    for (const auto id : std::exchange(dialling_, {})) {
        environment_.sink(DialFailed{id, "stopping"});
    }
    const auto links = links_;  // the sink may end one while we go through them
    for (const auto& [id, link] : links) {
        hang_up(link, "stopping");
        if (!tasks_.is_open()) finish(*link);
    }
    co_await tasks_.join();
    co_await end_of_turn_.drained();
}

void UdpTransport::on_deadline(LinkId id) {
    const auto link = find(id);
    SENNIT_ASSERT(link);
    finish(*link);
}

}  // namespace

std::unique_ptr<Transport> make_transport(Environment environment, Options options) {
    SENNIT_ASSERT(environment.next_link && environment.sink && environment.listen_failed);
    SENNIT_ASSERT(options.datagram_size_max <= options.room);
    return std::make_unique<UdpTransport>(std::move(environment), options);
}

}  // namespace sennit::transport::udp
