// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/extension.hpp"

namespace sennit::protocol::moderntensor {
namespace {

/// CHAIN rule 17's largest set.
constexpr std::size_t kMembersMax = 100;
constexpr std::size_t kEvidenceItemSizeMax = 2048;
constexpr std::size_t kRefusalSizeMax = 256;
constexpr std::size_t kBlockTransactionsMax = 65'535;

constexpr std::uint8_t kNewestFirst = 1;
constexpr std::uint8_t kById = 2;

// Out.

class Encoder {
  public:
    explicit Encoder(std::uint32_t request) : request_{request} {
        out_.raw(std::array<std::uint8_t, kHeadSize + 1>{});
    }

    SharedBytes seal() && { return type_ ? seal_frame(*type_, std::move(out_).take()) : nullptr; }

    void operator()(const Status& status) {
        type_ = Type::sennit_status;
        out_.le(status.chain_id).hash(status.genesis);
        out_.hash(status.head).le(status.head_height.value);
        put(status.certified, status.certified_height);
        put(status.finalised, status.finalised_height);
        out_.le(status.set_version);
    }
    void operator()(const Votes& message) {
        if (!begin_list(Type::sennit_votes, message.votes.size())) return;
        for (const auto& vote : message.votes) encode(vote, out_);
    }
    void operator()(const NewBlock& message) {
        type_ = Type::sennit_new_block;
        put(message.block);
    }
    void operator()(const Evidences& message) {
        if (!begin_list(Type::sennit_evidences, message.items.size())) return;
        for (const auto& item : message.items) {
            put_bytes(item.first);
            put_bytes(item.second);
        }
    }
    void operator()(const GetHeaders& ask) {
        begin(Type::sennit_get_headers);
        const auto* id = std::get_if<BlockId>(&ask.from);
        out_.le(static_cast<std::uint8_t>((ask.newest_first ? kNewestFirst : 0) |
                                          (id != nullptr ? kById : 0)));
        out_.le(clamp16(ask.max));
        if (id != nullptr) {
            out_.hash(*id);
        } else {
            out_.le(std::get<Height>(ask.from).value);
        }
    }
    void operator()(const GetBlocks& ask) {
        begin(Type::sennit_get_blocks);
        if (const auto* range = std::get_if<BlockRange>(&ask.what)) {
            out_.le(std::uint8_t{0}).le(range->from.value).le(clamp16(range->max));
        } else {
            out_.le(std::uint8_t{1});
            put_list(std::get<std::vector<BlockId>>(ask.what));
        }
    }
    void operator()(const GetBodies& ask) {
        begin(Type::sennit_get_bodies);
        put_list(ask.ids);
    }
    void operator()(const GetTransactions& ask) {
        begin(Type::sennit_get_transactions);
        put_list(ask.ids);
    }
    void operator()(const GetCertificates& ask) {
        begin(Type::sennit_get_certificates);
        out_.le(static_cast<std::uint8_t>(ask.what.index()));
        if (const auto* from = std::get_if<FromSetVersion>(&ask.what)) out_.le(from->version);
        if (const auto* ids = std::get_if<std::vector<BlockId>>(&ask.what)) put_list(*ids);
    }
    void operator()(const Headers& message) {
        begin(Type::sennit_headers);
        if (!count(message.headers.size()) || message.certificates.size() > 0xffff) return fail();
        for (const auto& item : message.headers) encode(item.header, out_);
        out_.le(static_cast<std::uint16_t>(message.certificates.size()));
        for (const auto& certificate : message.certificates) encode(*certificate, out_);
    }
    void operator()(const Blocks& message) {
        begin(Type::sennit_blocks);
        if (!count(message.blocks.size())) return fail();
        for (const auto& block : message.blocks) put(block);
    }
    void operator()(const Bodies& message) {
        begin(Type::sennit_bodies);
        if (!count(message.bodies.size())) return fail();
        for (const auto& body : message.bodies) {
            out_.hash(body.id);
            if (!count(body.transactions.size())) return fail();
            for (const auto& tx : body.transactions) put_bytes(tx.bytes());
        }
    }
    void operator()(const Transactions& message) {
        begin(Type::sennit_transactions);
        if (!count(message.transactions.size())) return fail();
        for (const auto& tx : message.transactions) put_bytes(tx.bytes());
    }
    void operator()(const Certificates& message) {
        begin(Type::sennit_certificates);
        if (!count(message.certificates.size())) return fail();
        for (const auto& certificate : message.certificates) encode(*certificate, out_);
        if (!count(message.sets.size())) return fail();
        for (const auto& set : message.sets) put(*set);
    }
    void operator()(const Refused& message) {
        begin(Type::sennit_refused);
        const auto size = std::min(message.why.size(), kRefusalSizeMax);
        out_.le(static_cast<std::uint8_t>(message.code)).le(static_cast<std::uint16_t>(size));
        out_.text(std::string_view{message.why}.substr(0, size));
    }
    template <class T>
    void operator()(const T&) {}

  private:
    static std::uint16_t clamp16(std::uint32_t n) {
        return static_cast<std::uint16_t>(std::min<std::uint32_t>(n, 0xffff));
    }
    void begin(Type type) {
        type_ = type;
        out_.le(request_);
    }
    /// Of the kinds that are never asked for.
    bool begin_list(Type type, std::size_t size) {
        type_ = type;
        if (count(size)) return true;
        fail();
        return false;
    }
    bool count(std::size_t size) {
        out_.le(static_cast<std::uint16_t>(size));
        return size <= 0xffff;
    }
    void fail() { type_.reset(); }

    void put(const Checkpoint& checkpoint, Height height) {
        out_.le(checkpoint.slot.value).hash(checkpoint.id).le(height.value);
    }
    void put_bytes(BytesView bytes) { out_.uleb128(bytes.size()).raw(bytes); }
    template <class H>
    void put_list(const std::vector<H>& ids) {
        if (!count(ids.size())) return fail();
        for (const auto& id : ids) out_.hash(id);
    }
    void put(const WireBlock& block) {
        if (const auto& opened = block.opened()) {
            out_.raw(opened->header_bytes);
        } else {
            encode(block.header(), out_);
        }
        if (!count(block.size())) return fail();
        for (std::size_t i = 0; i < block.size(); ++i) put_bytes(block.transaction(i));
        out_.le(static_cast<std::uint8_t>(block.certificate() ? 1 : 0));
        if (block.certificate()) encode(*block.certificate(), out_);
    }
    void put(const ValidatorSet& set) {
        out_.le(set.version).le(set.first_slot.value);
        if (!count(set.members.size())) return fail();
        for (const auto& member : set.members) {
            out_.hash(member.account).hash(member.payout).hash(member.key).le(member.weight);
        }
    }

    Writer out_;
    std::uint32_t request_;
    std::optional<Type> type_;
};

// In.

class Decoder {
  public:
    Decoder(Type type, BytesView payload) : type_{type}, payload_{payload}, in_{payload} {}

    Result<Extended> run() {
        Extended out;
        const bool numbered =
            static_cast<std::uint8_t>(type_) >= static_cast<std::uint8_t>(Type::sennit_get_headers);
        if (numbered) {
            SENNIT_TRY(out.request, in_.le<std::uint32_t>());
            const bool may_be_news =
                type_ == Type::sennit_transactions || type_ == Type::sennit_certificates;
            if (out.request == 0 && !may_be_news) {
                return in_.fail(Errc::malformed, "a request without a number");
            }
        }
        SENNIT_TRY(out.message, message());
        SENNIT_TRY(in_.finish());
        return out;
    }

  private:
    Result<MessagePtr> message() {
        switch (type_) {
            case Type::sennit_status: return status();
            case Type::sennit_votes: return votes();
            case Type::sennit_new_block: return new_block();
            case Type::sennit_evidences: return evidences();
            case Type::sennit_get_headers: return get_headers();
            case Type::sennit_get_blocks: return get_blocks();
            case Type::sennit_get_bodies: return get_by_ids<GetBodies>(kBlocksMax);
            case Type::sennit_get_transactions: return get_by_ids<GetTransactions>(kIdsMax);
            case Type::sennit_get_certificates: return get_certificates();
            case Type::sennit_headers: return headers();
            case Type::sennit_blocks: return blocks();
            case Type::sennit_bodies: return bodies();
            case Type::sennit_transactions: return transactions();
            case Type::sennit_certificates: return certificates();
            case Type::sennit_refused: return refused();
            default: break;
        }
        return in_.fail(Errc::unknown_type, "no kind of the extension");
    }

    Result<std::size_t> count(std::size_t max) {
        SENNIT_TRY(const auto size, in_.le<std::uint16_t>());
        if (size > max) return in_.fail(Errc::oversized, "a list above its bound");
        return std::size_t{size};
    }
    Result<Checkpoint> checkpoint() {
        Checkpoint out;
        SENNIT_TRY(out.slot.value, in_.le<std::uint64_t>());
        SENNIT_TRY(out.id, in_.hash<BlockId>());
        return out;
    }
    Result<Height> height() {
        SENNIT_TRY(const auto value, in_.le<std::uint64_t>());
        return Height{value};
    }
    Result<BytesView> bytes(std::size_t max) {
        SENNIT_TRY(const auto size, in_.uleb128());
        if (size > max) return in_.fail(Errc::oversized, "a part above its bound");
        return in_.take(static_cast<std::size_t>(size));
    }
    template <class H>
    Result<std::vector<H>> ids(std::size_t max) {
        SENNIT_TRY(const auto size, count(max));
        std::vector<H> out;
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(const auto id, in_.hash<H>());
            out.push_back(id);
        }
        return out;
    }
    Result<WireHeader> header() {
        const auto begin = in_.offset();
        SENNIT_TRY(auto header, decode_header(in_));
        // Its bytes are canonical: the id needs no second encoding.
        const auto id = header_id(payload_.subspan(begin, in_.offset() - begin));
        return WireHeader{std::move(header), id};
    }
    Result<CertificatePtr> certificate() {
        SENNIT_TRY(auto certificate, decode_certificate(in_));
        return std::make_shared<const Certificate>(std::move(certificate));
    }
    Result<std::vector<WireTransaction>> transaction_list(std::size_t max) {
        SENNIT_TRY(const auto size, count(max));
        std::vector<WireTransaction> out;
        out.reserve(std::min(size, in_.remaining() / kTransactionSizeMin));
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(const auto rlp, bytes(kTransactionSizeMax));
            // In memory an item is as large as two short transactions: without this bound one byte
            // on the wire would become seventy here.
            if (rlp.size() < kTransactionSizeMin) {
                return in_.fail(Errc::malformed, "a transaction shorter than any");
            }
            if (!kept_) kept_ = std::make_shared<const Bytes>(to_bytes(payload_));
            const auto at = in_.offset() - rlp.size();
            out.emplace_back(SharedSlice{kept_, BytesView{*kept_}.subspan(at, rlp.size())},
                             std::nullopt);
        }
        return out;
    }
    Result<WireBlock> block() {
        SENNIT_TRY(auto head, header());
        SENNIT_TRY(auto transactions, transaction_list(kBlockTransactionsMax));
        SENNIT_TRY(const auto certified, in_.le<std::uint8_t>());
        if (certified > 1) return in_.fail(Errc::malformed, "a flag is 0 or 1");
        CertificatePtr proof;
        if (certified == 1) {
            SENNIT_TRY(proof, certificate());
        }
        return WireBlock{std::move(head), std::move(transactions), std::move(proof)};
    }

    Result<MessagePtr> status() {
        Status out;
        SENNIT_TRY(out.chain_id, in_.le<std::uint64_t>());
        SENNIT_TRY(out.genesis, in_.hash<BlockId>());
        SENNIT_TRY(out.head, in_.hash<BlockId>());
        SENNIT_TRY(out.head_height, height());
        SENNIT_TRY(out.certified, checkpoint());
        SENNIT_TRY(out.certified_height, height());
        SENNIT_TRY(out.finalised, checkpoint());
        SENNIT_TRY(out.finalised_height, height());
        SENNIT_TRY(out.set_version, in_.le<std::uint32_t>());
        return make_message(out);
    }
    Result<MessagePtr> votes() {
        SENNIT_TRY(const auto size, count(kVotesMax));
        Votes out;
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(const auto vote, decode_vote(in_));
            out.votes.push_back(vote);
        }
        return make_message(std::move(out));
    }
    Result<MessagePtr> new_block() {
        SENNIT_TRY(auto out, block());
        return make_message(NewBlock{std::move(out)});
    }
    Result<MessagePtr> evidences() {
        SENNIT_TRY(const auto size, count(kEvidencesMax));
        Evidences out;
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(const auto first, bytes(kEvidenceItemSizeMax));
            SENNIT_TRY(const auto second, bytes(kEvidenceItemSizeMax));
            out.items.push_back({to_bytes(first), to_bytes(second)});
        }
        return make_message(std::move(out));
    }
    Result<MessagePtr> get_headers() {
        GetHeaders out;
        SENNIT_TRY(const auto flags, in_.le<std::uint8_t>());
        if (flags > (kNewestFirst | kById)) return in_.fail(Errc::malformed, "unknown flags");
        SENNIT_TRY(out.max, in_.le<std::uint16_t>());
        out.newest_first = (flags & kNewestFirst) != 0;
        if ((flags & kById) != 0) {
            SENNIT_TRY(out.from, in_.hash<BlockId>());
        } else {
            SENNIT_TRY(out.from, height());
        }
        return make_message(out);
    }
    Result<MessagePtr> get_blocks() {
        SENNIT_TRY(const auto form, in_.le<std::uint8_t>());
        if (form == 0) {
            BlockRange range;
            SENNIT_TRY(range.from, height());
            SENNIT_TRY(range.max, in_.le<std::uint16_t>());
            return make_message(GetBlocks{range});
        }
        if (form != 1) return in_.fail(Errc::malformed, "unknown form of request");
        SENNIT_TRY(auto list, ids<BlockId>(kBlocksMax));
        return make_message(GetBlocks{std::move(list)});
    }
    template <class Ask>
    Result<MessagePtr> get_by_ids(std::size_t max) {
        Ask out;
        SENNIT_TRY(out.ids, (ids<typename decltype(Ask::ids)::value_type>(max)));
        return make_message(std::move(out));
    }
    Result<MessagePtr> get_certificates() {
        SENNIT_TRY(const auto form, in_.le<std::uint8_t>());
        if (form == 0) {
            SENNIT_TRY(const auto version, in_.le<std::uint32_t>());
            return make_message(GetCertificates{FromSetVersion{version}});
        }
        if (form == 1) return make_message(GetCertificates{LatestCertificate{}});
        if (form != 2) return in_.fail(Errc::malformed, "unknown form of request");
        SENNIT_TRY(auto list, ids<BlockId>(kCertificatesMax));
        return make_message(GetCertificates{std::move(list)});
    }
    Result<MessagePtr> headers() {
        Headers out;
        SENNIT_TRY(const auto size, count(kHeadersMax));
        out.headers.reserve(std::min(size, in_.remaining() / kHeaderSizeMin));
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(auto one, header());
            out.headers.push_back(std::move(one));
        }
        SENNIT_TRY(out.certificates, certificate_list());
        return make_message(std::move(out));
    }
    Result<std::vector<CertificatePtr>> certificate_list() {
        SENNIT_TRY(const auto size, count(kCertificatesMax));
        std::vector<CertificatePtr> out;
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(auto one, certificate());
            out.push_back(std::move(one));
        }
        return out;
    }
    Result<MessagePtr> blocks() {
        SENNIT_TRY(const auto size, count(kBlocksMax));
        Blocks out;
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(auto one, block());
            out.blocks.push_back(std::move(one));
        }
        return make_message(std::move(out));
    }
    Result<MessagePtr> bodies() {
        SENNIT_TRY(const auto size, count(kBlocksMax));
        Bodies out;
        for (std::size_t i = 0; i < size; ++i) {
            Bodies::Body body;
            SENNIT_TRY(body.id, in_.hash<BlockId>());
            SENNIT_TRY(body.transactions, transaction_list(kBlockTransactionsMax));
            out.bodies.push_back(std::move(body));
        }
        return make_message(std::move(out));
    }
    Result<MessagePtr> transactions() {
        Transactions out;
        SENNIT_TRY(out.transactions, transaction_list(kIdsMax));
        return make_message(std::move(out));
    }
    Result<MessagePtr> certificates() {
        Certificates out;
        SENNIT_TRY(out.certificates, certificate_list());
        SENNIT_TRY(const auto size, count(kCertificatesMax));
        for (std::size_t i = 0; i < size; ++i) {
            SENNIT_TRY(auto set, validator_set());
            out.sets.push_back(std::make_shared<const ValidatorSet>(std::move(set)));
        }
        return make_message(std::move(out));
    }
    /// What Quorum relies on: members in order of account, a total below 2^63.
    Result<ValidatorSet> validator_set() {
        ValidatorSet set;
        SENNIT_TRY(set.version, in_.le<std::uint32_t>());
        SENNIT_TRY(set.first_slot.value, in_.le<std::uint64_t>());
        SENNIT_TRY(const auto size, count(kMembersMax));
        Uint128 total = 0;
        for (std::size_t i = 0; i < size; ++i) {
            Member member;
            SENNIT_TRY(member.account, in_.hash<Address>());
            SENNIT_TRY(member.payout, in_.hash<Address>());
            SENNIT_TRY(member.key, in_.hash<ValidatorKey>());
            SENNIT_TRY(member.weight, in_.le<std::uint64_t>());
            total += member.weight;
            if (!set.members.empty() && member.account <= set.members.back().account) {
                return in_.fail(Errc::malformed, "members are not in order of account");
            }
            set.members.push_back(member);
        }
        if (total >> 63 != 0) return in_.fail(Errc::malformed, "weights above 2^63");
        return set;
    }
    Result<MessagePtr> refused() {
        SENNIT_TRY(const auto code, in_.le<std::uint8_t>());
        if (code > static_cast<std::uint8_t>(Errc::io)) {
            return in_.fail(Errc::malformed, "unknown reason");
        }
        SENNIT_TRY(const auto size, count(kRefusalSizeMax));
        SENNIT_TRY(const auto why, in_.take(size));
        return make_message(Refused{static_cast<Errc>(code), std::string{as_text(why)}});
    }

    Type type_;
    BytesView payload_;
    Reader in_;
    std::shared_ptr<const Bytes> kept_;  // what transactions point into
};

}  // namespace

std::uint32_t peek_request(BytesView payload) {
    const auto request = Reader{payload}.le<std::uint32_t>();
    return request ? *request : 0;
}

SharedBytes encode_extension(const Message& message, std::uint32_t request) {
    Encoder encoder{request};
    std::visit(encoder, message);
    return std::move(encoder).seal();
}

Result<Extended> decode_extension(Type type, BytesView payload) {
    return Decoder{type, payload}.run();
}

}  // namespace sennit::protocol::moderntensor
