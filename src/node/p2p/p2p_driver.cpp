// SPDX-License-Identifier: MIT
#include "node/p2p/p2p_driver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "io/clock.hpp"
#include "io/interfaces.hpp"
#include "io/random.hpp"
#include "io/signals.hpp"
#include "io/timer.hpp"
#include "transport/transport.hpp"

namespace sennit::node {

namespace {

constexpr std::size_t kTasksMax = 70;
/// Signatures that travel to a thread together: half a millisecond's work.
constexpr std::size_t kBatch = 16;

/// The hosts that others in the network reach us at, by IPv4; loopback if there is nothing else.
std::vector<std::string> own_hosts() {
    std::vector<std::string> out;
    const auto all = io::ipv4_interfaces();
    for (const bool loopback : {false, true}) {
        for (const auto& one : all) {
            if (one.loopback == loopback) out.push_back(one.address.to_string());
        }
        if (!out.empty()) break;
    }
    return out;
}

/// mDNS on its transport.
struct Discovery {
    libp2p::mdns::Mdns mdns;
    P2pDriver::OnDiscovery on_event;
    std::unique_ptr<transport::Transport> transport{};
    std::vector<libp2p::Multiaddr> addresses{};
};

}  // namespace

class P2pDriver::Impl {
  public:
    Impl(libp2p::Swarm::Config config, OnEvent on_event)
        : swarm_{std::move(config), Rng{io::system_seed()}}, on_event_{std::move(on_event)} {
        transport_ = make_transport("tcp", [this](const CarrierInput& input) { on_input(input); });
    }

    void discover(OnDiscovery on_discovery) {
        SENNIT_ASSERT(!discovery_);
        libp2p::mdns::Mdns::Config config{};
        config.self = swarm_.self();
        discovery_.emplace(
            Discovery{.mdns = {std::move(config), Rng{io::system_seed()}.fork("mdns")},
                      .on_event = std::move(on_discovery)});
        discovery_->transport = make_transport("udp", [this](const CarrierInput& input) {
            discovery_->mdns.on_input(input, io::system_now());
            pump();
        });
        discovery_->mdns.set_hosts(own_hosts());
        discovery_->mdns.start();
    }

    void attach(libp2p::Behaviour& behaviour, std::function<bool()> poll) {
        Attached one{&behaviour, std::move(poll), {}};
        if (behaviour.has_carrier()) {
            one.transport = make_transport("tcp", [this, &behaviour](const CarrierInput& input) {
                behaviour.on_input(input, io::system_now());
                pump();
            });
        }
        attached_.push_back(std::move(one));
    }

    void verify(libp2p::Pubsub& pubsub, std::size_t threads) {
        verifier_ = std::make_unique<Verifier>(pubsub.router(), threads);
    }

    libp2p::Swarm& swarm() { return swarm_; }

    void after(Duration wait, std::function<void()> what) {
        tasks_.spawn(call_later(wait, std::move(what)), "timer");
    }

    Result<void> run() {
        tasks_.spawn(watch_signals(), "signals");
        boost::asio::post(ioc_, [this] { pump(); });
        ioc_.run();
        if (why_) return *why_;
        return {};
    }

    void stop(std::optional<Error> why) {
        if (stopping_) return;
        stopping_ = true;
        why_ = std::move(why);
        boost::asio::post(ioc_, [this] {
            wake_.cancel();
            ending_.spawn(come_down(), "end");
        });
    }

  private:
    std::unique_ptr<transport::Transport> make_transport(std::string_view scheme,
                                                         transport::Sink sink) {
        auto made = transport::make_transport(
            scheme, {.executor = ioc_.get_executor(),
                     .next_link = [this] { return LinkId{++last_link_}; },
                     .sink = std::move(sink),
                     .listen_failed =
                         [this](const NetAddress& address, const std::string& why) {
                             stop(Error{Errc::io, "cannot listen", Error::kNowhere,
                                        address.text() + ": " + why});
                         },
                     .task_failed = [this](std::string_view task,
                                           std::string_view what) { broke(task, what); }});
        SENNIT_ASSERT(made);
        return *std::move(made);
    }

    void broke(std::string_view task, std::string_view what) {
        stop(Error{Errc::io, "a task failed", Error::kNowhere,
                   std::string{task} + ": " + std::string{what}});
    }

    void on_input(const CarrierInput& input) {
        swarm_.on_input(input, io::system_now());
        pump();
    }

    void pump() {
        if (pumping_) return;
        pumping_ = true;
        for (bool moved = true; moved;) {
            moved = false;
            while (const auto event = swarm_.poll_event(io::system_now())) {
                moved = true;
                if (const auto* on = std::get_if<libp2p::Swarm::ListeningOn>(&*event))
                    announce(on->address);
                offer(*event);
            }
            for (const auto& one : attached_) {
                moved = one.behaviour->pump(io::system_now()) || moved;
                moved = one.poll() || moved;
            }
            while (auto output = swarm_.poll_output(io::system_now())) {
                moved = true;
                transport_->carry_out(*std::move(output));
            }
            for (const auto& one : attached_) {
                while (auto output = one.behaviour->poll_output(io::system_now())) {
                    moved = true;
                    one.transport->carry_out(*std::move(output));
                }
            }
            moved = pump_discovery() || moved;
            hand_out_jobs();
        }
        pumping_ = false;
        arm();
    }

    void offer(const libp2p::Swarm::Event& event) {
        for (const auto& one : attached_) {
            if (one.behaviour->on_event(event, io::system_now())) return;
        }
        on_event_(event);
    }

    /// So many batches that no thread waits for us, and so few that the peers' turns mean
    /// something.
    void hand_out_jobs() {
        if (!verifier_) return;
        while (verifier_->under_way < verifier_->under_way_max) {
            std::vector<libp2p::gossipsub::VerifyJob> batch;
            while (batch.size() < kBatch) {
                auto job = verifier_->router.poll_job();
                if (!job) break;
                batch.push_back(*std::move(job));
            }
            if (batch.empty()) return;
            ++verifier_->under_way;
            boost::asio::post(verifier_->threads, [this, batch = std::move(batch)] {
                std::vector<std::pair<libp2p::gossipsub::Ticket, bool>> results;
                for (const auto& job : batch) results.emplace_back(job.ticket, job.run());
                boost::asio::post(ioc_, [this, results = std::move(results)] {
                    --verifier_->under_way;
                    for (const auto& [ticket, right] : results)
                        verifier_->router.on_verified(ticket, right, io::system_now());
                    pump();
                });
            });
        }
    }

    bool pump_discovery() {
        if (!discovery_) return false;
        bool moved = false;
        while (const auto event = discovery_->mdns.poll_event()) {
            moved = true;
            discovery_->on_event(*event);
        }
        while (auto output = discovery_->mdns.poll_output()) {
            moved = true;
            discovery_->transport->carry_out(*std::move(output));
        }
        return moved;
    }

    void announce(const libp2p::Multiaddr& listens) {
        if (!discovery_) return;
        for (auto& address : libp2p::mdns::expand(listens, own_hosts()))
            discovery_->addresses.push_back(std::move(address));
        discovery_->mdns.set_addresses(discovery_->addresses);
    }

    void arm() {
        if (stopping_) return;
        // Never sooner than a millisecond: a deadline in the past must not spin.
        const auto soonest = io::system_now().at + std::chrono::milliseconds{1};
        // A day is as good as never, and no clock overflows by it.
        const auto latest = soonest + std::chrono::hours{24};
        auto wake = swarm_.next_wake();
        if (discovery_) wake = std::min(wake, discovery_->mdns.next_wake());
        for (const auto& one : attached_) wake = std::min(wake, one.behaviour->next_wake());
        // A timer that comes too early only looks and is armed again: cheaper than a system call
        // each time that a deadline moves back.
        wake = std::clamp(wake, soonest, latest);
        if (armed_ && *armed_ <= wake) return;
        armed_ = wake;
        wake_.expires_at(io::to_steady(wake));
        wake_.async_wait([this](boost::system::error_code aborted) {
            if (aborted) return;
            armed_.reset();
            swarm_.on_time(io::system_now());
            if (discovery_) discovery_->mdns.on_time(io::system_now());
            for (const auto& one : attached_) one.behaviour->on_time(io::system_now());
            pump();
        });
    }

    io::Task<void> call_later(Duration wait, std::function<void()> what) {
        co_await io::sleep_for(wait);
        what();
        pump();
    }

    io::Task<void> watch_signals() {
        co_await signals_.next();
        stop({});
    }

    io::Task<void> come_down() {
        tasks_.close();
        for (const auto id : swarm_.connection_ids()) swarm_.disconnect(id);
        if (discovery_) discovery_->mdns.stop();
        pump();
        if (discovery_) co_await discovery_->transport->stop();
        for (const auto& one : attached_) {
            if (one.transport) co_await one.transport->stop();
        }
        co_await transport_->stop();
        co_await tasks_.join();
    }

    io::TaskGroup::OnFailure on_failure() {
        return [this](std::string_view task, std::string_view what) { broke(task, what); };
    }

    struct Attached {
        libp2p::Behaviour* behaviour;
        std::function<bool()> poll;
        std::unique_ptr<transport::Transport> transport{};  ///< if it has a carrier of its own
    };

    struct Verifier {
        Verifier(libp2p::gossipsub::Router& of, std::size_t count)
            : router{of}, under_way_max{2 * count}, threads{count} {}

        libp2p::gossipsub::Router& router;
        std::size_t under_way_max;
        std::size_t under_way{0};
        boost::asio::thread_pool threads;
    };

    boost::asio::io_context ioc_{1};
    libp2p::Swarm swarm_;
    OnEvent on_event_;
    std::vector<Attached> attached_;
    io::Signals signals_{ioc_.get_executor()};
    std::unique_ptr<transport::Transport> transport_;
    std::optional<Discovery> discovery_;
    boost::asio::steady_timer wake_{ioc_};
    std::optional<Instant> armed_;  ///< when `wake_` comes
    io::TaskGroup tasks_{ioc_.get_executor(), kTasksMax, on_failure()};
    io::TaskGroup ending_{ioc_.get_executor(), 1, on_failure()};
    std::uint64_t last_link_{0};
    bool pumping_{false};
    bool stopping_{false};
    std::optional<Error> why_;
    std::unique_ptr<Verifier> verifier_;  ///< last: its threads post to what is above
};

P2pDriver::P2pDriver(libp2p::Swarm::Config config, OnEvent on_event)
    : impl_{std::make_unique<Impl>(std::move(config), std::move(on_event))} {}
P2pDriver::~P2pDriver() = default;

void P2pDriver::discover(OnDiscovery on_discovery) {
    impl_->discover(std::move(on_discovery));
}
void P2pDriver::attach(libp2p::Behaviour& behaviour, std::function<bool()> poll) {
    impl_->attach(behaviour, std::move(poll));
}
void P2pDriver::verify(libp2p::Pubsub& pubsub, std::size_t threads) {
    impl_->verify(pubsub, threads);
}
libp2p::Swarm& P2pDriver::swarm() {
    return impl_->swarm();
}
Now P2pDriver::now() const {
    return io::system_now();
}
void P2pDriver::after(Duration wait, std::function<void()> what) {
    impl_->after(wait, std::move(what));
}
Result<void> P2pDriver::run() {
    return impl_->run();
}
void P2pDriver::stop(std::optional<Error> why) {
    impl_->stop(std::move(why));
}

}  // namespace sennit::node
