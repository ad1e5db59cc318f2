// SPDX-License-Identifier: MIT
#pragma once

#include "io/testing.hpp"
#include "transport/transport.hpp"

/// For tests only: a transport and everything that it reported.
namespace sennit::transport::testing {

struct SeenLink {
    LinkOpen open;
    Bytes received;
    std::vector<std::string> labels;
    std::vector<int> codes;
    std::size_t largest{0};  ///< of one LinkBytes
    std::size_t room{0};
    std::optional<std::string> closed;
};

/// Drives one transport on a context that it shares with others, and checks on the way what holds
/// for every transport: the sink is never entered from carry_out, nothing is reported of a link
/// before LinkOpen or after LinkClosed.
class Node {
  public:
    using Make = std::function<std::unique_ptr<Transport>(Environment)>;

    Node(boost::asio::io_context& context, const Make& make) : context_{context} {
        transport_ = make(Environment{
            .executor = context.get_executor(),
            .next_link = [this] { return LinkId{++last_link_}; },
            .sink = [this](const CarrierInput& input) { take(input); },
            .listen_failed =
                [this](const NetAddress& address, const std::string& why) {
                    listen_failures.push_back(address.text() + ": " + why);
                },
            .task_failed = [](std::string_view task,
                              std::string_view what) { ADD_FAILURE() << task << ": " << what; }});
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() { stop(); }

    void stop() {
        if (stopped_) return;
        stopped_ = true;
        also = nullptr;  // what it refers to may be gone
        io::testing::run(context_, transport_->stop());
        for (const auto& [id, link] : links) EXPECT_TRUE(link.closed) << id.value;
    }

    void carry_out(CarrierOutput output) {
        inside_carry_out_ = true;
        transport_->carry_out(std::move(output));
        inside_carry_out_ = false;
    }

    /// The address that was bound.
    NetAddress listen(const std::string& address) {
        const auto before = listening.size();
        carry_out(Listen{*NetAddress::parse(address)});
        EXPECT_TRUE(until([&] { return listening.size() > before; })) << address;
        return listening.empty() ? NetAddress{} : listening.back();
    }
    DialId dial(const NetAddress& to, Duration timeout = io::testing::kTestDeadline) {
        const DialId id{++last_dial_};
        carry_out(Dial{.id = id, .to = to, .timeout = timeout});
        return id;
    }
    void transmit(LinkId link, Bytes bytes) {
        links.at(link).room -= bytes.size();
        carry_out(Transmit{link, std::make_shared<const Bytes>(std::move(bytes)), {}, 0});
    }
    template <class Condition>
    bool until(Condition condition) {
        return io::testing::run_until(context_, condition);
    }

    std::map<LinkId, SeenLink> links;
    std::vector<NetAddress> listening;
    std::vector<std::string> listen_failures;
    std::map<DialId, std::string> dial_failures;
    /// Called after the record is made; may carry things out.
    std::function<void(const CarrierInput&)> also;

  private:
    void take(const CarrierInput& input) {
        EXPECT_FALSE(inside_carry_out_);
        std::visit([this](const auto& i) { record(i); }, input);
        if (also) also(input);
    }
    void record(const Listening& i) { listening.push_back(i.address); }
    void record(const DialFailed& i) { EXPECT_TRUE(dial_failures.emplace(i.dial, i.why).second); }
    void record(const LinkOpen& i) {
        auto [place, inserted] = links.emplace(i.id, SeenLink{});
        EXPECT_TRUE(inserted);
        place->second.open = i;
        place->second.room = i.room;
    }
    void record(const LinkBytes& i) {
        auto& link = alive(i.link);
        link.received.insert(link.received.end(), i.bytes.begin(), i.bytes.end());
        link.largest = std::max(link.largest, i.bytes.size());
        link.labels.emplace_back(i.label);
        link.codes.push_back(i.code);
    }
    void record(const Room& i) { alive(i.link).room += i.bytes; }
    void record(const LinkClosed& i) { alive(i.link).closed = i.why; }

    SeenLink& alive(LinkId id) {
        auto& link = links.at(id);
        EXPECT_FALSE(link.closed);
        return link;
    }

    boost::asio::io_context& context_;
    std::unique_ptr<Transport> transport_;
    std::uint64_t last_link_{0};
    std::uint64_t last_dial_{0};
    bool inside_carry_out_{false};
    bool stopped_{false};
};

}  // namespace sennit::transport::testing
