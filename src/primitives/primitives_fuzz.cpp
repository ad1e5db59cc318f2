// SPDX-License-Identifier: MIT
/// The first byte picks a decoder; what it accepts must encode to the very bytes that it read, or
/// two nodes could hold one object under two ids.
#include <algorithm>

#include "primitives/account.hpp"
#include "primitives/rlp.hpp"
#include "primitives/vote.hpp"

namespace {

using namespace sennit;

void must_equal(BytesView read, BytesView written) {
    SENNIT_ASSERT(std::ranges::equal(read, written));
}

template <class Value>
void must_return(BytesView bytes, const Result<Value>& value) {
    if (value) must_equal(bytes, encode(*value));
}

void check_transaction(BytesView bytes) {
    const auto tx = decode_transaction(bytes);
    must_return(bytes, tx);
    SENNIT_ASSERT(tx.has_value() <= rlp::validate(bytes).has_value());
    if (!tx) return;
    const auto opened = open_transaction(bytes, tx->chain_id());
    if (!opened) return;
    Writer out;
    encode_luxtensor(**opened, out);
    SENNIT_ASSERT(out.size() == luxtensor_size(*tx));
}

void check_header(BytesView bytes) {
    const auto header = decode_header(bytes);
    must_return(bytes, header);
    if (header) SENNIT_ASSERT(header_signing_bytes(*header, BlockId{}).size() == 15 + 32 + 32);
}

void check_vote(BytesView bytes) {
    Reader in{bytes};
    const auto vote = decode_vote(in);
    SENNIT_ASSERT(vote.has_value() == (bytes.size() >= kVoteSize));
    if (!vote) return;
    Writer out;
    encode(*vote, out);
    must_equal(bytes.first(kVoteSize), out.bytes());
}

/// Copies every item of well-formed RLP, item by item.
void copy_items(rlp::Decoder in, rlp::Encoder& out) {
    while (!in.empty()) {
        if (!in.next_is_list()) {
            out.string(*in.string());
            continue;
        }
        rlp::Encoder inner;
        copy_items(*in.list(), inner);
        out.list(inner.view());
    }
}

void check_rlp(BytesView bytes) {
    if (!rlp::validate(bytes)) return;
    rlp::Encoder out;
    copy_items(rlp::Decoder{bytes}, out);
    must_equal(bytes, out.view());

    rlp::Decoder in{bytes};
    if (const auto number = in.integer()) must_equal(bytes, rlp::Encoder{}.integer(*number).view());
}

void check_body(BytesView bytes) {
    auto transactions = decode_stored_body(bytes);
    if (!transactions) return;
    const auto block = make_block({}, *std::move(transactions));
    must_equal(bytes, encode_body(*block));
    transactions_root(block->transactions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView bytes{data + 1, size - 1};
    switch (data[0] % 8) {
        case 0: check_transaction(bytes); break;
        case 1: check_header(bytes); break;
        case 2: must_return(bytes, decode_stake_extra(bytes)); break;
        case 3: check_vote(bytes); break;
        case 4: must_return(bytes, decode_certificate(bytes)); break;
        case 5: check_rlp(bytes); break;
        case 6: must_return(bytes, decode_account(bytes)); break;
        default: check_body(bytes);
    }
    return 0;
}
