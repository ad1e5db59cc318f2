// SPDX-License-Identifier: MIT
#include "node/node.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>

#include "chain/trust.hpp"
#include "io/clock.hpp"
#include "io/descriptors.hpp"
#include "io/file.hpp"
#include "io/random.hpp"
#include "io/signals.hpp"
#include "node/backend.hpp"
#include "node/executor.hpp"
#include "node/latest.hpp"
#include "node/link_plan.hpp"
#include "node/rpc_thread.hpp"
#include "protocol/registry.hpp"
#include "storage/open_store.hpp"
#include "transport/transport.hpp"

namespace sennit::node {

namespace {

/// Requests and jobs under way get this long to end when the node stops; the rest is done again at
/// the next start.
constexpr Duration kStopMax = std::chrono::seconds{10};

/// What is neither a link, nor RPC's, nor a table of the database: its logs and what a compaction
/// writes, listeners, look-ups of names (64 with a socket or two each), the standard streams.
constexpr std::size_t kOtherFiles = 200;

/// Whether these links are such as a protocol is made for: any other is a bug to it, not an input.
bool speaks_over(std::span<const Carrier> carriers, std::string_view scheme) {
    const auto carrier = transport::carrier_of(scheme);
    return carrier && std::find(carriers.begin(), carriers.end(), *carrier) != carriers.end();
}

/// `key` is where the configuration has the addresses.
Result<void> check_schemes(const protocol::Entry& entry, std::string_view key,
                           std::span<const NetAddress> addresses) {
    for (const auto& address : addresses) {
        if (speaks_over(entry.carriers, address.scheme)) continue;
        std::string possible;
        for (const auto& scheme : transport::transport_schemes()) {
            if (speaks_over(entry.carriers, scheme))
                possible += (possible.empty() ? "" : ", ") + scheme;
        }
        return Error{Errc::unsupported, "address with a wrong scheme", Error::kNowhere,
                     "protocols." + std::string{entry.name} + "." + std::string{key} + ": " +
                         address.text() + "; this protocol runs over " + possible};
    }
    return {};
}

}  // namespace

std::string version_text() {
    return "sennit/" SENNIT_VERSION;
}

class Node::Impl {
  public:
    Impl(Config config, Log log) : config_{std::move(config)}, log_{std::move(log)} {}
    /// Whoever still waits for the engine holds a reply of the RPC server: they are let go while
    /// that is there, and after the last thread that could bring more of them.
    ~Impl() {
        rpc_.stop();
        executor_.reset();
        if (door_) door_->close();
    }

    Result<void> open();
    Result<void> run();
    void stop() {
        boost::asio::post(ioc_, [this] { begin_stop({}); });
    }
    std::optional<NetAddress> rpc_address() const { return rpc_.address(); }
    engine::ViewPtr view() const { return view_.load(); }

  private:
    struct Instance {
        InstanceId id;
        std::string name;
        std::span<const Carrier> carriers;
        std::unique_ptr<protocol::Protocol> protocol;
        std::map<std::string, std::unique_ptr<transport::Transport>> transports;
        std::map<LinkId, std::string> link_scheme;
        std::map<DialId, std::string> dial_scheme;
        boost::asio::steady_timer timer;
    };

    Result<void> open_chain();
    Result<void> open_protocols();
    Result<void> plan();
    Result<void> open_rpc();
    Result<void> open_protocol(InstanceId id, const ProtocolConfig& protocol);
    transport::Transport* transport_of(Instance& instance, const std::string& scheme);
    void on_carrier(Instance& instance, const std::string& scheme, const CarrierInput& input);
    void carry_out(Instance& instance, CarrierOutput output);
    void carry_out(engine::Action action);
    void on_event(engine::Event event);
    /// Until nothing has anything more to say.
    void pump();
    void arm();
    void begin_stop(std::optional<Error> why);
    io::Task<void> come_down();
    io::Task<void> pause();
    io::Task<void> watch_signals();
    void log(engine::Notify::Level level, std::string_view text) const { log_(level, text); }

    Config config_;
    Log log_;
    LinkPlan plan_;
    RpcThread rpc_;  ///< before ioc_, whose handlers hold its replies
    boost::asio::io_context ioc_{1};
    chain::Genesis genesis_;
    std::unique_ptr<chain::Store> store_;
    std::unique_ptr<chain::State> state_;
    std::unique_ptr<engine::Engine> engine_;
    /// One for all protocols of the node (CONTRACT rule 12).
    std::shared_ptr<protocol::FrameBudget> frame_budget_{std::make_shared<protocol::FrameBudget>()};
    std::vector<std::unique_ptr<Instance>> instances_;
    Latest<engine::View> view_;
    std::unique_ptr<EngineDoor> door_;
    std::unique_ptr<Backend> backend_;
    std::optional<io::Signals> signals_;
    std::optional<io::TaskGroup> tasks_;
    boost::asio::steady_timer wake_{ioc_};
    boost::asio::steady_timer stopped_{ioc_};
    std::unique_ptr<Executor> executor_;
    std::uint64_t next_link_{1};
    bool pumping_{false};
    bool stopping_{false};
    std::optional<Error> fault_;
};

Result<void> Node::Impl::open() {
    tasks_.emplace(ioc_.get_executor(), 8, [this](std::string_view task, std::string_view what) {
        begin_stop(Error{Errc::io, "internal task failed", Error::kNowhere,
                         std::string{task} + ": " + std::string{what}});
    });
    SENNIT_TRY(plan());
    SENNIT_TRY(open_chain());
    SENNIT_TRY(open_protocols());
    SENNIT_TRY(open_rpc());
    // Not before: nobody would hear them, and a node that is opening loses nothing to a kill.
    signals_.emplace(ioc_.get_executor());
    return {};
}

Result<void> Node::Impl::plan() {
    Descriptors descriptors;
    descriptors.max = io::raise_descriptors_max();
    descriptors.others = static_cast<std::size_t>(storage::Options{}.open_files_max) + kOtherFiles;
    if (config_.rpc.enabled) descriptors.others += io::HttpServerOptions{}.connections_max;
    descriptors.protocols = config_.protocols.size();
    auto& peers = config_.engine.peers;
    SENNIT_TRY(plan_, plan_links(descriptors, peers.connected_max));
    if (plan_.connected_max == peers.connected_max) return {};
    log(engine::Notify::Level::warning,
        "only " + std::to_string(plan_.connected_max) +
            " of peers.max = " + std::to_string(peers.connected_max) +
            " peers, since this process may open " + std::to_string(descriptors.max) +
            " files; raise the limit: ulimit -n, or LimitNOFILE= of the service");
    peers.connected_max = plan_.connected_max;
    peers.outbound_wanted = std::min(peers.outbound_wanted, peers.connected_max);
    peers.inbound_max = std::min(peers.inbound_max, peers.connected_max - peers.outbound_wanted);
    return {};
}

Result<void> Node::Impl::open_chain() {
    SENNIT_TRY(auto text, io::read_file(config_.genesis_file));
    auto genesis = chain::parse_genesis(text);
    if (!genesis) {
        auto error = std::move(genesis).error();
        error.detail = config_.genesis_file + (error.detail.empty() ? "" : ": " + error.detail);
        return error;
    }
    genesis_ = *std::move(genesis);
    std::error_code failed;
    std::filesystem::create_directories(config_.data_dir, failed);
    if (failed)
        return Error{Errc::io, "cannot make data directory", Error::kNowhere, config_.data_dir};
    storage::Options options;
    options.path = config_.data_dir + "/db";
    options.create = true;
    options.cache_bytes = config_.database_cache_bytes;
    options.log = [this](std::string_view line) {
        boost::asio::post(ioc_, [this, text = "database: " + std::string{line}] {
            log(engine::Notify::Level::warning, text);
        });
    };
    SENNIT_TRY(store_, storage::open_store(options));
    SENNIT_TRY(state_, chain::State::open(*store_, genesis_));
    SENNIT_TRY(chain::check_trust(genesis_, *store_, *state_->base(), config_.engine.sync.trusted,
                                  io::system_now().wall));
    SENNIT_TRY(auto setup, engine::load_setup(*state_, *store_));

    executor_ = std::make_unique<Executor>(
        ioc_, engine::JobContext{genesis_, state_->genesis_id(), *store_, *state_}, *store_,
        config_.workers, [this](engine::Event event) { on_event(std::move(event)); });
    engine_ = std::make_unique<engine::Engine>(genesis_, state_->genesis_id(), std::move(setup),
                                               config_.validator_key, config_.engine,
                                               Rng{io::system_seed()}, io::system_now());
    view_.store(engine_->view(io::system_now()));
    return {};
}

Result<void> Node::Impl::open_protocols() {
    std::uint32_t id = 1;
    for (const auto& protocol : config_.protocols)
        SENNIT_TRY(open_protocol(InstanceId{id++}, protocol));
    return {};
}

Result<void> Node::Impl::open_protocol(InstanceId id, const ProtocolConfig& wanted) {
    const auto* entry = protocol::find_protocol(wanted.name);
    if (entry == nullptr) {
        std::string known;
        for (const auto& one : protocol::protocols())
            known += (known.empty() ? "" : ", ") + std::string{one.name};
        return Error{Errc::unsupported, "no such protocol", Error::kNowhere,
                     wanted.name + "; there are: " + known};
    }
    SENNIT_TRY(check_schemes(*entry, "listen", wanted.listens));
    SENNIT_TRY(check_schemes(*entry, "peers", wanted.peers));
    Writer prefix{sizeof id.value};
    prefix.be(id.value);
    protocol::SavedValues saved;
    SENNIT_TRY(
        store_->scan(chain::Column::saved, prefix.bytes(), [&](BytesView key, BytesView value) {
            if (as_text(key.first(std::min(key.size(), prefix.size()))) != as_text(prefix.bytes()))
                return false;
            saved.emplace(as_text(key.subspan(prefix.size())), to_bytes(value));
            return true;
        }));
    protocol::Config config;
    config.listens = wanted.listens;
    config.chain_id = genesis_.chain_id;
    config.genesis = state_->genesis_id();
    config.genesis_time = genesis_.genesis_time;
    config.slot_seconds = static_cast<std::uint32_t>(genesis_.stake.slot_seconds);
    config.agent = version_text();
    config.frame_budget = frame_budget_;
    config.links_max = plan_.links_max;
    config.options = wanted.options;
    const protocol::Keys keys{config_.node_key};
    SENNIT_TRY(auto made, entry->make(config, keys, Rng{io::system_seed()}, saved));
    instances_.push_back(std::make_unique<Instance>(Instance{id,
                                                             wanted.name,
                                                             entry->carriers,
                                                             std::move(made),
                                                             {},
                                                             {},
                                                             {},
                                                             boost::asio::steady_timer{ioc_}}));
    engine_->attach(id, wanted.name, *instances_.back()->protocol, io::system_now());
    for (const auto& peer : wanted.peers) engine_->add_bootstrap(id, peer);
    return {};
}

Result<void> Node::Impl::open_rpc() {
    door_ =
        std::make_unique<EngineDoor>(ioc_, rpc_.executor(), *engine_,
                                     [this](engine::Event event) { on_event(std::move(event)); });
    backend_ = std::make_unique<Backend>(
        genesis_, *store_, [this] { return view_.load(); }, *door_, rpc_.executor(),
        config_.validator_key);
    if (!config_.rpc.enabled) return {};
    return rpc_.start(config_.rpc, *backend_);
}

transport::Transport* Node::Impl::transport_of(Instance& instance, const std::string& scheme) {
    if (const auto found = instance.transports.find(scheme); found != instance.transports.end()) {
        return found->second.get();
    }
    // Configured addresses were checked; this one a stranger may have named.
    if (!speaks_over(instance.carriers, scheme)) return nullptr;
    transport::Environment environment;
    environment.executor = ioc_.get_executor();
    environment.next_link = [this] { return LinkId{next_link_++}; };
    environment.sink = [this, &instance, scheme](const CarrierInput& input) {
        on_carrier(instance, scheme, input);
    };
    environment.listen_failed = [this](const NetAddress& address, const std::string& why) {
        begin_stop(Error{Errc::io, "cannot listen", Error::kNowhere, address.text() + ": " + why});
    };
    environment.task_failed = [this](std::string_view task, std::string_view what) {
        begin_stop(Error{Errc::io, "transport failed", Error::kNowhere,
                         std::string{task} + ": " + std::string{what}});
    };
    environment.links_inbound_max = plan_.inbound_max();
    environment.links_max = plan_.sockets_max();
    auto made = transport::make_transport(scheme, std::move(environment));
    if (!made) {
        log(engine::Notify::Level::warning, made.error().text());
        return nullptr;
    }
    return (instance.transports[scheme] = *std::move(made)).get();
}

void Node::Impl::on_carrier(Instance& instance, const std::string& scheme,
                            const CarrierInput& input) {
    if (const auto* open = std::get_if<LinkOpen>(&input)) {
        instance.link_scheme[open->id] = scheme;
        if (open->dial) instance.dial_scheme.erase(*open->dial);
    } else if (const auto* failed = std::get_if<DialFailed>(&input)) {
        instance.dial_scheme.erase(failed->dial);
    } else if (const auto* listening = std::get_if<Listening>(&input)) {
        log(engine::Notify::Level::info,
            instance.name + " listens on " + listening->address.text());
    }
    instance.protocol->handle(input, io::system_now());
    if (const auto* closed = std::get_if<LinkClosed>(&input))
        instance.link_scheme.erase(closed->link);
    pump();
}

void Node::Impl::carry_out(Instance& instance, CarrierOutput output) {
    std::string scheme;
    if (const auto* listen = std::get_if<Listen>(&output)) {
        scheme = listen->address.scheme;
    } else if (const auto* dial = std::get_if<Dial>(&output)) {
        scheme = dial->to.scheme;
    } else {
        const auto link = std::visit(
            [](const auto& one) {
                if constexpr (requires { one.link; }) return one.link;
                return LinkId{};
            },
            output);
        const auto found = instance.link_scheme.find(link);
        if (found == instance.link_scheme.end()) return;
        scheme = found->second;
    }
    if (auto* transport = transport_of(instance, scheme)) {
        transport->carry_out(std::move(output));
    } else if (const auto* dial = std::get_if<Dial>(&output)) {
        instance.protocol->handle(DialFailed{dial->id, "no transport for " + scheme},
                                  io::system_now());
    }
}

void Node::Impl::carry_out(engine::Action action) {
    if (auto* run = std::get_if<engine::Run>(&action)) return executor_->run(std::move(*run));
    if (auto* store = std::get_if<engine::Store>(&action))
        return executor_->write(std::move(*store));
    if (auto* answer = std::get_if<engine::Answer>(&action))
        return door_->on_answer(std::move(*answer));
    if (auto* publish = std::get_if<engine::Publish>(&action))
        return view_.store(std::move(publish->view));
    if (auto* notify = std::get_if<engine::Notify>(&action))
        return log(notify->level, notify->text);
    const auto& halt = std::get<engine::Halt>(action);
    begin_stop(Error{Errc::io, "node stopped", Error::kNowhere, halt.why});
}

void Node::Impl::on_event(engine::Event event) {
    engine_->handle(std::move(event), io::system_now());
    pump();
}

void Node::Impl::pump() {
    if (pumping_) return;
    pumping_ = true;
    for (bool moved = true; moved;) {
        moved = false;
        for (auto& instance : instances_) {
            while (auto output = instance->protocol->poll()) {
                moved = true;
                if (auto* carrier = std::get_if<CarrierOutput>(&*output)) {
                    carry_out(*instance, std::move(*carrier));
                } else {
                    engine_->handle(engine::FromProtocol{instance->id, std::move(*output)},
                                    io::system_now());
                }
            }
        }
        while (auto action = engine_->poll()) {
            moved = true;
            carry_out(std::move(*action));
        }
    }
    pumping_ = false;
    arm();
}

void Node::Impl::arm() {
    if (stopping_) return;
    const auto now = io::system_now();
    // Never sooner than a millisecond: a deadline in the past must not spin.
    const auto at = [&](Instant wanted) {
        return io::to_steady(std::max(wanted, now.at + std::chrono::milliseconds{1}));
    };
    wake_.expires_at(at(engine_->deadline(now)));
    wake_.async_wait([this](boost::system::error_code aborted) {
        if (!aborted) on_event(engine::Wake{});
    });
    for (auto& one : instances_) {
        const auto due = one->protocol->deadline();
        if (!due) {
            one->timer.cancel();
            continue;
        }
        one->timer.expires_at(at(*due));
        one->timer.async_wait([this, instance = one.get()](boost::system::error_code aborted) {
            if (aborted) return;
            instance->protocol->handle(protocol::Deadline{}, io::system_now());
            pump();
        });
    }
}

Result<void> Node::Impl::run() {
    tasks_->spawn(watch_signals(), "signals");
    boost::asio::post(ioc_, [this] {
        for (auto& instance : instances_)
            instance->protocol->handle(protocol::Start{}, io::system_now());
        pump();
    });
    ioc_.run();
    rpc_.stop();
    executor_->drop_writes();
    executor_.reset();
    if (fault_) return *fault_;
    return {};
}

io::Task<void> Node::Impl::watch_signals() {
    const int first = co_await signals_->next();
    log(engine::Notify::Level::info,
        "signal " + std::to_string(first) + ": stopping; a second one ends the node at once");
    begin_stop({});
}

void Node::Impl::begin_stop(std::optional<Error> why) {
    if (stopping_) return;
    stopping_ = true;
    fault_ = std::move(why);
    if (fault_) log(engine::Notify::Level::error, fault_->text());
    wake_.cancel();
    for (auto& instance : instances_) instance->timer.cancel();
    boost::asio::co_spawn(ioc_, come_down(), [this](std::exception_ptr failed) {
        if (failed) log(engine::Notify::Level::error, "did not stop in order");
        ioc_.stop();
    });
}

io::Task<void> Node::Impl::come_down() {
    rpc_.begin_stop();
    for (auto& instance : instances_)
        instance->protocol->handle(protocol::Stop{}, io::system_now());
    pump();
    for (auto& instance : instances_) {
        for (auto& [scheme, transport] : instance->transports) co_await transport->stop();
    }
    const auto until = io::system_now().at + kStopMax;
    // While the engine still answers: RPC's last requests may wait for it.
    while (!rpc_.ended() && io::system_now().at < until) co_await pause();
    on_event(engine::Shutdown{});
    executor_->drop_jobs();
    while (!executor_->idle() && io::system_now().at < until) co_await pause();
    tasks_->close();
    co_await tasks_->join();
}

io::Task<void> Node::Impl::pause() {
    stopped_.expires_after(std::chrono::milliseconds{5});
    co_await stopped_.async_wait(io::kAsTuple);
}

Node::Node(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::open(Config config, Log log) {
    auto impl = std::make_unique<Impl>(std::move(config), std::move(log));
    SENNIT_TRY(impl->open());
    return std::unique_ptr<Node>{new Node{std::move(impl)}};
}

Result<void> Node::run() {
    return impl_->run();
}
void Node::stop() {
    impl_->stop();
}
std::optional<NetAddress> Node::rpc_address() const {
    return impl_->rpc_address();
}
engine::ViewPtr Node::view() const {
    return impl_->view();
}

}  // namespace sennit::node
