// SPDX-License-Identifier: MIT
/// The first byte picks a decoder of what lies on the disk, or of a checkpoint as an operator types
/// it. A damaged row is an error, never a crash; a good one is written again as it was.
#include <algorithm>

#include "chain/layer.hpp"
#include "chain/schema.hpp"
#include "chain/trust.hpp"

namespace {

using namespace sennit;
using namespace sennit::chain;

void must_equal(BytesView read, BytesView written) {
    SENNIT_ASSERT(std::ranges::equal(read, written));
}

void check_final(BytesView bytes) {
    const auto row = schema::decode_final(bytes);
    if (row) must_equal(bytes, schema::encode_final(row->id, row->header));
    (void)schema::final_height(bytes);
}

void check_slot(BytesView bytes) {
    const auto word = schema::decode_slot(bytes);
    if (word) SENNIT_ASSERT(*schema::decode_slot(schema::encode_slot(*word)) == *word);
}

void check_receipts(BytesView bytes) {
    const auto receipts = schema::decode_receipts(bytes);
    if (receipts) must_equal(bytes, schema::encode_receipts(*receipts));
}

void check_place(BytesView bytes) {
    const auto place = schema::decode_place(bytes);
    if (place) must_equal(bytes, schema::encode_place(*place));
}

void check_layer(BytesView bytes) {
    const auto layer = decode_layer(bytes);
    if (layer) must_equal(bytes, encode_layer(*layer));
}

void check_facts(BytesView bytes) {
    static const auto kSet =
        std::make_shared<const ValidatorSet>(ValidatorSet{.members = {{.weight = 1}}});
    const auto facts = decode_facts(
        bytes, [](const Digest&) { return kSet; }, nullptr);
    const auto none = decode_facts(
        bytes, [](const Digest&) { return ValidatorSetPtr{}; }, nullptr);
    SENNIT_ASSERT(!none || facts);
}

void check_checkpoint(BytesView bytes) {
    const auto checkpoint = parse_checkpoint(as_text(bytes));
    if (!checkpoint) return;
    const auto again = parse_checkpoint(to_text(*checkpoint));
    SENNIT_ASSERT(again && to_text(*again) == to_text(*checkpoint));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView bytes{data + 1, size - 1};
    switch (data[0] % 7) {
        case 0: check_final(bytes); break;
        case 1: check_slot(bytes); break;
        case 2: check_receipts(bytes); break;
        case 3: check_place(bytes); break;
        case 4: check_layer(bytes); break;
        case 5: check_facts(bytes); break;
        default: check_checkpoint(bytes);
    }
    return 0;
}
