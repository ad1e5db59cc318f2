// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/carrier.hpp"
#include "io/task.hpp"

/// Carriers of bytes. A transport understands its sockets and nothing that travels through them.
namespace sennit::transport {

/// Takes what happened on a carrier. Called on the driver's thread, one call at a time, and never
/// from inside `carry_out`; it may itself call `carry_out`. Views in the input live during the
/// call.
using Sink = std::function<void(const CarrierInput&)>;

/// What a transport needs of the node. The engine, the protocols and all transports share one
/// io_context that one thread runs, so that nothing here is locked.
struct Environment {
    boost::asio::any_io_executor executor;
    std::function<LinkId()> next_link;
    Sink sink;
    /// A Listen that found its address taken, not ours, or unreadable; for the operator.
    std::function<void(const NetAddress&, const std::string& why)> listen_failed;
    /// Our own bug: an exception escaped. The transport is closing itself and must be stopped.
    io::TaskGroup::OnFailure task_failed;
    /// Links that peers opened, at once.
    std::size_t links_inbound_max{512};
    /// In both directions, dials under way included: each takes a descriptor.
    std::size_t links_max{4096};
};

/// Carries out what protocols ask for, and reports what happened through the sink.
///
/// Outputs that name a link which is closed are ignored: its LinkClosed is on its way. A Transmit
/// beyond the room that was given is our own bug and aborts.
class Transport {
  public:
    Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    virtual ~Transport() = default;

    virtual void carry_out(CarrierOutput output) = 0;

    /// Stops listening and dialling, hangs up every link, and returns when each has reported
    /// LinkClosed, after at most 2 s. Must have returned before the destructor.
    virtual io::Task<void> stop() = 0;
};

/// `scheme` is that of the addresses that the transport listens on and dials. Errc::unsupported
/// names the schemes that there are.
Result<std::unique_ptr<Transport>> make_transport(std::string_view scheme, Environment environment);
std::vector<std::string> transport_schemes();
/// What a scheme's links are; nullopt: there is no such transport.
std::optional<Carrier> carrier_of(std::string_view scheme);

}  // namespace sennit::transport
