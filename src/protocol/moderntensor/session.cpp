// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/session.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "protocol/moderntensor/session_words.hpp"

/// How a link begins, lives and ends; messages are in session_messages.cpp.
namespace sennit::protocol::moderntensor {
namespace {

constexpr Duration kPingEvery = std::chrono::seconds{30};
constexpr Duration kSilenceMax = std::chrono::seconds{120};
constexpr std::size_t kReasonSizeMax = 200;

/// A stranger's words, for logs: short and printable.
std::string printable(BytesView text) {
    std::string out;
    for (const auto byte : text.first(std::min(text.size(), kReasonSizeMax))) {
        out.push_back(byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?');
    }
    return out;
}

bool all_zero(BytesView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

bool equal(BytesView a, BytesView b) {
    return std::ranges::equal(a, b);
}

}  // namespace

TensorSession::TensorSession(SessionLink& link, Local& local)
    : link_{&link}, local_{&local}, reader_{layout_, *link.world().budget} {
    layout_.asked = &link.requests();
    link.rng().fill(nonce_.bytes);
    local.nonces.insert(nonce_);
}

TensorSession::~TensorSession() {
    local_->nonces.erase(nonce_);
}

void TensorSession::on_open(Now now) {
    heard_ = now.at;
    if (!link_->inbound()) say_hello();
}

void TensorSession::on_bytes(BytesView bytes, Now now) {
    heard_ = now.at;
    while (!closed_) {
        auto frame = reader_.feed(bytes, now.at);
        if (!frame) return on_bad_frame(std::move(frame).error());
        if (!*frame) return;
        on_frame(**frame, now);
    }
}

void TensorSession::on_bad_frame(Error error) {
    const auto offence = error.code == Errc::oversized ? Offence::oversized : Offence::framing;
    if (!talking_) return refuse(words::no_hello(link_->inbound()), offence, std::move(error));
    if (error.code != Errc::busy) return refuse(error.what, offence, error);
    // Others needed the room: nothing that this peer is to blame for.
    link_->world().count("closed_frame_budget");
    write(Type::disconnect, words::kBusy);
    close(std::string{words::kBusy});
}

void TensorSession::on_deadline(Now now) {
    if (!talking_ || closed_) return;
    // While we do not read, its silence is our doing.
    if (!link_->reading()) on_resumed(now);
    if (now.at >= heard_ + kSilenceMax) {
        return refuse(words::kTimeout, Offence::silent,
                      {Errc::timeout, "nothing heard for 120 seconds", Error::kNowhere, {}});
    }
    if (reader_.deadline() && now.at >= *reader_.deadline()) {
        return refuse(words::kTimeout, Offence::silent,
                      {Errc::timeout, "a large frame was not finished in its time", 0, {}});
    }
    if (now.at >= pinged_ + kPingEvery) {
        pinged_ = now.at;
        write(Type::ping);
    }
}

std::optional<Instant> TensorSession::deadline() const {
    if (!talking_ || closed_) return std::nullopt;
    const auto at = std::min(heard_ + kSilenceMax, pinged_ + kPingEvery);
    return std::min(at, reader_.deadline().value_or(at));
}

void TensorSession::on_resumed(Now now) {
    heard_ = now.at;
    reader_.restart_clock(now.at);
}

std::optional<SessionOutput> TensorSession::poll() {
    if (out_.empty()) return std::nullopt;
    auto output = std::move(out_.front());
    out_.pop_front();
    return output;
}

void TensorSession::on_goodbye(std::string_view why) {
    if (closed_) return;
    // The document's dialler and listener call one failure by two names.
    if (why == words::kHandshakeFailed && !link_->inbound()) why = words::kInvalidHandshake;
    write(Type::disconnect, why);
}

void TensorSession::say_hello() {
    const auto& view = link_->view();
    Hello hello;
    hello.protocol_version = 1;
    hello.network_id = local_->chain_id;
    hello.genesis_hash = to_bytes(local_->genesis.view());
    // Originals cannot reorganise: what they are told of is final. Heads travel in Status.
    hello.best_height = view.finalised.height.value;
    hello.best_hash = to_bytes(view.finalised.id.view());
    const auto& listening = link_->world().listening;
    hello.listen_port = local_->announced_port ? *local_->announced_port
                        : listening.empty()    ? std::uint16_t{0}
                                               : listening.front().port;
    hello.node_id = to_bytes(local_->id.view());
    hello.capabilities = {"sync", "relay", std::string{kCapability}};
    hello.nonce = nonce_;
    const auto text = write_hello(hello);
    hello_ours_ = to_bytes(as_bytes(text));
    write(Type::hello, text);
}

void TensorSession::on_hello(const Frame& frame, Now now) {
    const bool inbound = link_->inbound();
    auto hello = parse_hello(frame.payload);
    if (!hello) return refuse(words::bad_hello(inbound), Offence::malformed, hello.error());
    if (auto fits = check_hello(*hello); !fits) {
        return refuse(fits.error().what, Offence::malformed, fits.error());
    }
    sennit_ = hello->has(kCapability);
    if (sennit_ && (!hello->nonce || hello->node_id.size() != NodeId::kSize)) {
        return refuse(words::bad_hello(inbound), Offence::malformed,
                      {Errc::malformed,
                       "sennit/1 needs a nonce and a node_id of 32 bytes",
                       Error::kNowhere,
                       {}});
    }
    hello_theirs_ = to_bytes(frame.payload);
    facts_.address = link_->remote();
    const auto port = hello->listen_port.value_or(0);
    if (inbound && port != 0 && port <= 0xffff) {
        facts_.address.port = static_cast<std::uint16_t>(port);
    }
    if (hello->node_id.size() == NodeId::kSize && !all_zero(hello->node_id)) {
        facts_.identity.id = NodeId::from(hello->node_id);
    }
    facts_.agent = sennit_ ? std::string{kCapability} : std::string{};
    establish(now);
}

Result<void> TensorSession::check_hello(const Hello& hello) const {
    const auto refusal = [](std::string_view reason) {
        return Error{Errc::mismatch, reason, Error::kNowhere, {}};
    };
    if (hello.network_id != local_->chain_id) return refusal(words::kOtherNetwork);
    const bool unset = hello.genesis_hash.size() == BlockId::kSize && all_zero(hello.genesis_hash);
    if (!unset && !equal(hello.genesis_hash, local_->genesis.view())) {
        return refusal(words::kOtherGenesis);
    }
    const bool own_nonce = hello.nonce && local_->nonces.contains(*hello.nonce);
    if (own_nonce || equal(hello.node_id, local_->id.view())) return refusal(words::kSelf);
    return {};
}

void TensorSession::establish(Now now) {
    if (link_->inbound()) say_hello();
    talking_ = true;
    layout_.handshaking = false;
    layout_.extended = sennit_;
    pinged_ = now.at;
    facts_.traits = sennit_ ? traits_of_sennit() : traits_of_original();
    out_.push_back(Established{facts_});
    if (!sennit_) {
        Bytes{}.swap(hello_ours_);
        Bytes{}.swap(hello_theirs_);
        return;
    }
    const bool inbound = link_->inbound();
    const auto signature =
        local_->key.sign(proof_bytes(local_->genesis, inbound ? hello_theirs_ : hello_ours_,
                                     inbound ? hello_ours_ : hello_theirs_));
    out_.push_back(Write{make_frame(Type::sennit_proof, signature.view()), Priority::control});
}

void TensorSession::on_proof(BytesView signature) {
    if (facts_.identity.proven) return link_->world().count("ignored_second_proof");
    const bool inbound = link_->inbound();
    const auto bytes = proof_bytes(local_->genesis, inbound ? hello_theirs_ : hello_ours_,
                                   inbound ? hello_ours_ : hello_theirs_);
    if (!facts_.identity.id ||
        !crypto::ed25519_verify(facts_.identity.id->view(), bytes, signature)) {
        return refuse(words::kWrongProof, Offence::forged,
                      {Errc::mismatch, "the proof does not fit the node id", Error::kNowhere, {}});
    }
    facts_.identity.proven = true;
    Bytes{}.swap(hello_ours_);
    Bytes{}.swap(hello_theirs_);
    out_.push_back(FactsChanged{facts_});
}

void TensorSession::on_disconnect(BytesView reason) {
    write(Type::disconnect, words::kClosed);
    close("peer: " + printable(reason));
}

void TensorSession::refuse(std::string_view reason, Offence offence, Error what) {
    if (closed_) return;
    offend(offence, std::move(what), talking_ ? "frame" : "HELLO");
    write(Type::disconnect, reason);
    close(std::string{reason});
}

void TensorSession::write(Type type, std::string_view payload) {
    // A PONG says that we are here, however many PINGs it answers.
    out_.push_back(Write{make_frame(type, payload), Priority::control, type == Type::pong});
}

void TensorSession::offend(Offence offence, Error what, std::string_view where) {
    out_.push_back(Offended{offence, std::move(what), std::string{where}});
}

void TensorSession::close(std::string why) {
    closed_ = true;
    out_.push_back(Close{std::move(why)});
}

}  // namespace sennit::protocol::moderntensor
