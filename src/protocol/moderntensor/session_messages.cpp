// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/bytes.hpp"
#include "protocol/hearsay.hpp"
#include "protocol/moderntensor/extension.hpp"
#include "protocol/moderntensor/json_form.hpp"
#include "protocol/moderntensor/session.hpp"
#include "protocol/moderntensor/session_words.hpp"

/// Frames in, messages out, and back.
namespace sennit::protocol::moderntensor {
namespace {

const KindSet kOriginalKinds{Kind::announce, Kind::transactions, Kind::new_block, Kind::headers,
                             Kind::blocks,   Kind::bodies,       Kind::get_peers, Kind::peers};

std::string lower(std::string_view name) {
    std::string out{name};
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// How many items an answer holds, and how many its request allows; nullopt: not a list.
std::optional<std::pair<std::size_t, std::size_t>> sizes(const Message& request,
                                                         const Message& answer) {
    if (const auto* headers = std::get_if<Headers>(&answer)) {
        return std::pair{headers->headers.size(), std::size_t{std::get<GetHeaders>(request).max}};
    }
    if (const auto* blocks = std::get_if<Blocks>(&answer)) {
        const auto& what = std::get<GetBlocks>(request).what;
        const auto* range = std::get_if<BlockRange>(&what);
        return std::pair{blocks->blocks.size(), range != nullptr
                                                    ? std::size_t{range->max}
                                                    : std::get<std::vector<BlockId>>(what).size()};
    }
    if (const auto* bodies = std::get_if<Bodies>(&answer)) {
        return std::pair{bodies->bodies.size(), std::get<GetBodies>(request).ids.size()};
    }
    if (const auto* found = std::get_if<Transactions>(&answer)) {
        return std::pair{found->transactions.size(), std::get<GetTransactions>(request).ids.size()};
    }
    return std::nullopt;
}

}  // namespace

const KindSet kSennitKinds{Kind::status,           Kind::announce,     Kind::transactions,
                           Kind::get_transactions, Kind::new_block,    Kind::get_headers,
                           Kind::headers,          Kind::get_blocks,   Kind::blocks,
                           Kind::get_bodies,       Kind::bodies,       Kind::votes,
                           Kind::get_certificates, Kind::certificates, Kind::evidences,
                           Kind::get_peers,        Kind::peers,        Kind::refused};
const FormSet kSennitForms{Form::headers_by_height,
                           Form::headers_by_id,
                           Form::headers_newest_first,
                           Form::blocks_by_height,
                           Form::blocks_by_id,
                           Form::bodies_by_id,
                           Form::transactions_by_id,
                           Form::certificates_by_version,
                           Form::certificates_latest,
                           Form::certificates_by_id,
                           Form::peers};

PeerTraits traits_of_original() {
    PeerTraits traits;
    traits.says = kOriginalKinds;
    traits.answers = FormSet{Form::peers};
    return traits;
}

PeerTraits traits_of_sennit() {
    PeerTraits traits;
    traits.says = kSennitKinds;
    traits.answers = kSennitForms;
    traits.sennit = true;
    traits.finalised_only = false;
    traits.headers_max = kHeadersMax;
    traits.blocks_max = kBlocksMax;
    return traits;
}

// In.

void TensorSession::on_frame(const Frame& frame, Now now) {
    const auto type = static_cast<Type>(frame.type);
    if (!talking_) {
        if (type == Type::hello) return on_hello(frame, now);
        if (type == Type::disconnect && !link_->inbound()) return on_disconnect(frame.payload);
        return refuse(words::no_hello(link_->inbound()), Offence::malformed,
                      {Errc::mismatch, "the first frame is not a HELLO", Error::kNowhere,
                       std::string{to_string(type)}});
    }
    if (type == Type::sennit_proof) return on_proof(frame.payload);
    if (is_extension(type)) return on_extension(type, frame);
    switch (type) {
        case Type::hello: return link_->world().count("ignored_second_hello");
        case Type::ping: return write(Type::pong);
        case Type::pong: return;
        case Type::disconnect: return on_disconnect(frame.payload);
        case Type::get_state: return on_get_state(frame);
        case Type::get_state_nodes:
            return write(Type::state_nodes, R"({"error": "not available"})");
        case Type::headers:
        case Type::blocks:
        case Type::block_bodies:
        case Type::state:
        case Type::state_nodes:
            // We never ask in this form, so nothing is parsed, let alone kept.
            return offend(Offence::unsolicited,
                          {Errc::mismatch, "nobody asked for it", Error::kNowhere, {}},
                          to_string(type));
        default: return on_json(type, frame);
    }
}

void TensorSession::on_get_state(const Frame& frame) {
    const auto height = read_get_state(frame.payload);
    if (!height) return offend(Offence::malformed, height.error(), "GET_STATE");
    write(Type::state,
          R"({"height": )" + std::to_string(*height) + R"(, "error": "not available"})");
}

void TensorSession::on_json(Type type, const Frame& frame) {
    const bool of_its_chain = type == Type::new_block || type == Type::new_block_hashes;
    if (of_its_chain && !sennit_) {
        return link_->world().count("ignored_" + lower(to_string(type)));
    }
    auto message = read_json(type, frame.payload);
    if (!message) {
        if (message.error().code == Errc::unsupported) {
            // An honest original's: unsigned as we understand it, or creating a contract.
            return link_->world().count("ignored_" + lower(to_string(type)));
        }
        return offend(Offence::malformed, std::move(message).error(), to_string(type));
    }
    on_message(*std::move(message), frame, type);
}

void TensorSession::on_message(MessagePtr message, const Frame& frame, Type type) {
    if (answer_empty(*message)) return;
    if (const auto* peers = std::get_if<Peers>(message.get())) {
        const auto* pending = link_->requests().oldest(Kind::peers);
        if (pending == nullptr) {
            return offend(Offence::unsolicited,
                          {Errc::mismatch, "nobody asked for it", Error::kNowhere, {}},
                          to_string(type));
        }
        auto believed = *peers;
        filter(believed);
        const auto id = pending->id;
        link_->claim(id);
        out_.push_back(Deliver{make_message(std::move(believed)), frame.wire_size, id, 0});
        return;
    }
    if (const auto* ask = std::get_if<GetHeaders>(message.get());
        ask != nullptr && !sennit_ && ask->max > kHeadersDefault) {
        auto capped = *ask;
        capped.max = kHeadersDefault;
        message = make_message(capped);
    }
    out_.push_back(Deliver{std::move(message), frame.wire_size, std::nullopt, 0});
}

/// A request for nothing is answered here: the engine's answers hold at least one item.
bool TensorSession::answer_empty(const Message& message) {
    if (const auto* headers = std::get_if<GetHeaders>(&message); headers && headers->max == 0) {
        return write(Type::headers, write_headers({})), true;
    }
    if (const auto* blocks = std::get_if<GetBlocks>(&message)) {
        const auto* range = std::get_if<BlockRange>(&blocks->what);
        if (range != nullptr && range->max == 0) {
            return write(Type::blocks, write_blocks({})), true;
        }
    }
    return false;
}

void TensorSession::filter(Peers& peers) const {
    std::erase_if(peers.peers, [&](const Peers::Peer& peer) {
        return !hearsay_allowed(peer.address, link_->remote());
    });
}

void TensorSession::on_extension(Type type, const Frame& frame) {
    // Whether anybody asked is looked up first: decoding the largest answer takes long enough to
    // be worth sending for its own sake.
    const auto answer = answered_by(type);
    const auto request = answer ? peek_request(frame.payload) : 0;
    const auto* asked = request != 0 ? pending(request, *answer) : nullptr;
    if (frame.passed_over || (request != 0 && asked == nullptr)) {
        return offend(Offence::unsolicited,
                      {Errc::mismatch, "nobody asked for it", Error::kNowhere, {}},
                      to_string(type));
    }
    auto extended = decode_extension(type, frame.payload);
    if (!extended) return offend(Offence::malformed, std::move(extended).error(), to_string(type));
    auto& message = extended->message;
    if (asked == nullptr) {
        out_.push_back(
            Deliver{std::move(message), frame.wire_size, std::nullopt, extended->request});
        return;
    }
    if (const auto size = sizes(*asked->request, *message); size && size->first > size->second) {
        return offend(Offence::oversized,
                      {Errc::oversized, "more than was asked for", Error::kNowhere, {}},
                      to_string(type));
    }
    const auto id = asked->id;
    link_->claim(id);
    out_.push_back(Deliver{std::move(message), frame.wire_size, id, 0});
}

const Requests::Pending* TensorSession::pending(std::uint32_t request, Kind answer) const {
    const auto& pending = link_->requests().pending();
    const auto found = std::ranges::find_if(pending, [&](const Requests::Pending& one) {
        return one.tag == request && !one.claimed &&
               (answer == Kind::refused || answer_kind(kind_of(*one.request)) == answer);
    });
    return found == pending.end() ? nullptr : &*found;
}

// Out.

EncodeResult TensorSession::encode(const Message& message, const EncodeContext& context, Now) {
    if (std::holds_alternative<GetPeers>(message)) {
        // PEERS does not say which request it answers.
        if (link_->requests().oldest(Kind::peers) != nullptr) return Refusal::busy;
        return encode_plain(message, context);
    }
    const bool asked_in_json = context.answering != nullptr && context.answering->tag == 0;
    const bool only_json =
        std::holds_alternative<Peers>(message) || std::holds_alternative<Announce>(message);
    if (!sennit_ || asked_in_json || only_json) return encode_plain(message, context);
    return encode_sennit(message, context);
}

EncodeResult TensorSession::encode_sennit(const Message& message, const EncodeContext& context) {
    std::uint32_t request = 0;
    if (context.answering != nullptr) {
        request = static_cast<std::uint32_t>(context.answering->tag);
    } else if (context.asks) {
        last_request_ = last_request_ == ~std::uint32_t{0} ? 1 : last_request_ + 1;
        request = last_request_;
    } else if (!forms_of(message).empty()) {
        return Refusal::unsupported;
    }
    auto frame = encode_extension(message, request);
    if (frame == nullptr) return Refusal::too_large;
    return Encoded{{std::move(frame)}, request};
}

EncodeResult TensorSession::encode_plain(const Message& message, const EncodeContext& context) {
    const auto one = [](Type type, const std::string& payload) -> EncodeResult {
        if (payload.size() >= kLengthMax) return Refusal::too_large;
        return Encoded{{make_frame(type, payload)}, 0};
    };
    if (const auto* m = std::get_if<Announce>(&message)) {
        return one(Type::new_block_hashes, write_announce(m->block));
    }
    if (const auto* m = std::get_if<NewBlock>(&message)) {
        return one(Type::new_block, write_block(m->block));
    }
    if (const auto* m = std::get_if<Headers>(&message)) {
        return one(Type::headers, write_headers(*m));
    }
    if (const auto* m = std::get_if<Blocks>(&message)) return one(Type::blocks, write_blocks(*m));
    if (const auto* m = std::get_if<Bodies>(&message)) {
        return one(Type::block_bodies, write_bodies(*m));
    }
    if (const auto* m = std::get_if<Transactions>(&message)) {
        if (context.answering != nullptr) return one(Type::transactions, write_transactions(*m));
        Encoded encoded;
        for (const auto& tx : m->transactions) {
            const auto text = write_transaction(tx);
            if (!text) return Refusal::unsupported;
            encoded.frames.push_back(make_frame(Type::new_transaction, *text));
        }
        return encoded;
    }
    if (const auto* m = std::get_if<GetPeers>(&message)) {
        return one(Type::get_peers, write_get_peers(*m));
    }
    if (const auto* m = std::get_if<Peers>(&message)) return one(Type::peers, write_peers(*m));
    return Refusal::unsupported;
}

}  // namespace sennit::protocol::moderntensor
