// SPDX-License-Identifier: MIT
#include "protocol/message.hpp"

namespace sennit::protocol {
namespace {

constexpr std::array<std::string_view, kKinds> kKindNames{"Status",
                                                          "Announce",
                                                          "Transactions",
                                                          "TransactionIds",
                                                          "GetTransactions",
                                                          "NewBlock",
                                                          "CompactBlock",
                                                          "GetBlockTransactions",
                                                          "BlockTransactions",
                                                          "GetHeaders",
                                                          "Headers",
                                                          "GetBlockIds",
                                                          "BlockIds",
                                                          "GetBlocks",
                                                          "Blocks",
                                                          "GetBodies",
                                                          "Bodies",
                                                          "Votes",
                                                          "GetCertificates",
                                                          "Certificates",
                                                          "Evidences",
                                                          "GetState",
                                                          "StateChunk",
                                                          "GetProof",
                                                          "Proof",
                                                          "Interest",
                                                          "GetPeers",
                                                          "Peers",
                                                          "Refused",
                                                          "PhaseState",
                                                          "GetPhase",
                                                          "Coherence",
                                                          "Bloom",
                                                          "RoundStart",
                                                          "RoundUpdate",
                                                          "ModelDelta",
                                                          "RoundProposal",
                                                          "RoundVote",
                                                          "Application"};

constexpr std::array<std::string_view, kForms> kFormNames{"headers by height",
                                                          "headers by id",
                                                          "headers newest first",
                                                          "ids by height",
                                                          "blocks by height",
                                                          "blocks by id",
                                                          "bodies by id",
                                                          "transactions by id",
                                                          "transactions of a block",
                                                          "certificates by version",
                                                          "latest certificates",
                                                          "certificates by id",
                                                          "state",
                                                          "proofs",
                                                          "peers",
                                                          "phase"};

struct FormsOf {
    FormSet operator()(const GetHeaders& ask) const {
        FormSet forms{std::holds_alternative<Height>(ask.from) ? Form::headers_by_height
                                                               : Form::headers_by_id};
        if (ask.newest_first) forms.add(Form::headers_newest_first);
        return forms;
    }
    FormSet operator()(const GetBlocks& ask) const {
        return {std::holds_alternative<BlockRange>(ask.what) ? Form::blocks_by_height
                                                             : Form::blocks_by_id};
    }
    FormSet operator()(const GetCertificates& ask) const {
        constexpr std::array kForm{Form::certificates_by_version, Form::certificates_latest,
                                   Form::certificates_by_id};
        return {kForm[ask.what.index()]};
    }
    FormSet operator()(const GetBlockIds&) const { return {Form::ids_by_height}; }
    FormSet operator()(const GetBodies&) const { return {Form::bodies_by_id}; }
    FormSet operator()(const GetTransactions&) const { return {Form::transactions_by_id}; }
    FormSet operator()(const GetBlockTransactions&) const { return {Form::block_transactions}; }
    FormSet operator()(const GetState&) const { return {Form::state}; }
    FormSet operator()(const GetProof&) const { return {Form::proofs}; }
    FormSet operator()(const GetPeers&) const { return {Form::peers}; }
    FormSet operator()(const GetPhase&) const { return {Form::phase}; }
    template <class T>
    FormSet operator()(const T&) const {
        return {};
    }
};

}  // namespace

std::string_view to_string(Kind kind) {
    return kKindNames[static_cast<std::size_t>(kind)];
}
std::string_view to_string(Form form) {
    return kFormNames[static_cast<std::size_t>(form)];
}

FormSet forms_of(const Message& message) {
    return std::visit(FormsOf{}, message);
}

std::optional<Kind> answer_kind(Kind request) {
    switch (request) {
        case Kind::get_transactions: return Kind::transactions;
        case Kind::get_block_transactions: return Kind::block_transactions;
        case Kind::get_headers: return Kind::headers;
        case Kind::get_block_ids: return Kind::block_ids;
        case Kind::get_blocks: return Kind::blocks;
        case Kind::get_bodies: return Kind::bodies;
        case Kind::get_certificates: return Kind::certificates;
        case Kind::get_state: return Kind::state_chunk;
        case Kind::get_proof: return Kind::proof;
        case Kind::get_peers: return Kind::peers;
        case Kind::get_phase: return Kind::phase_state;
        default: return std::nullopt;
    }
}

}  // namespace sennit::protocol
