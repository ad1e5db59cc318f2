// SPDX-License-Identifier: MIT
/// Feeds each protocol, over each of its carriers, what a stranger may send: the first byte picks
/// the protocol, then come records of a length, a label and bytes. Every invariant is checked after
/// every step.
#include "protocol/conformance/suite.hpp"

namespace sennit::protocol::conformance {
namespace {

/// One instance whose outputs are taken and forgotten, but for the receipts, which are settled.
class Target {
  public:
    explicit Target(const Case& item) : carrier_{item.carrier} {
        const TestChain chain{3};
        Config config;
        config.listens = {NetAddress{carrier_ == Carrier::topics ? "mqtt" : "tcp", "10.0.0.1", 1}};
        config.chain_id = kTestChainId;
        config.genesis = chain.block(0)->id;
        const Keys keys{crypto::Ed25519Key::from_seed(crypto::Ed25519Key::Seed{1})};
        auto made = item.make(config, keys, Rng{std::uint64_t{1}}, {});
        SENNIT_ASSERT(made.has_value());
        protocol_ = std::move(*made);
        auto view = std::make_shared<ChainView>();
        view->genesis = chain.block(0)->id;
        view->chain_id = kTestChainId;
        view->status = chain.status();
        view->validators = std::make_shared<const ValidatorSet>();
        step(Start{});
        step(ChainViewPtr{view});
        open();
    }

    void feed(BytesView bytes, std::string_view label) {
        if (!open_) open();
        step(CarrierInput{LinkBytes{link_, bytes, label, 0}});
        now_.at += std::chrono::milliseconds{500};
        step(Deadline{});
        if (carrier_ == Carrier::exchange) close();
    }

  private:
    void open() {
        ++link_.value;
        LinkOpen link;
        link.id = link_;
        link.carrier = carrier_;
        link.inbound = carrier_ != Carrier::topics;
        link.remote = {"tcp", "10.9.9.9", 9};
        link.local = {"tcp", "10.0.0.1", 1};
        link.room = 1 << 20;
        open_ = true;
        step(CarrierInput{link});
    }
    void close() {
        open_ = false;
        step(CarrierInput{LinkClosed{link_, "closed"}});
    }
    void step(const Input& input) {
        protocol_->handle(input, now_);
        protocol_->check_invariants();
        bool hung_up = false;
        while (auto output = protocol_->poll()) {
            protocol_->check_invariants();
            if (const auto* received = std::get_if<Received>(&*output)) {
                protocol_->handle(Settle{received->receipt, Verdict::reject}, now_);
            } else if (const auto* check = std::get_if<Check>(&*output)) {
                const std::vector<bool> verdicts(check->signatures.size(), true);
                protocol_->handle(Checked{check->job, verdicts}, now_);
            } else if (const auto* carrier = std::get_if<CarrierOutput>(&*output)) {
                hung_up = hung_up || std::holds_alternative<HangUp>(*carrier);
            }
        }
        if (hung_up && open_) close();
    }

    Carrier carrier_;
    std::unique_ptr<Protocol> protocol_;
    Now now_{Instant{std::chrono::hours{1}}, from_unix_seconds(kTestGenesisTime)};
    LinkId link_{0};
    bool open_{false};
};

}  // namespace
}  // namespace sennit::protocol::conformance

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sennit;
    using namespace sennit::protocol::conformance;
    static const auto kCases = all_cases();
    if (size == 0) return 0;
    Target target{kCases[data[0] % kCases.size()]};
    BytesView left{data + 1, size - 1};
    while (left.size() >= 2) {
        const auto length = std::min<std::size_t>(left[0], left.size() - 2);
        const bool second = (left[1] & 1u) != 0;
        target.feed(left.subspan(2, length), second ? "POST /request" : "POST /message");
        left = left.subspan(2 + length);
    }
    return 0;
}
