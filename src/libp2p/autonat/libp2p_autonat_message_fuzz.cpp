// SPDX-License-Identifier: MIT
/// The first byte chooses which message the rest is. What is read is within its limits, and reads
/// the same when it is written.
#include "libp2p/autonat/message.hpp"

using namespace sennit;
using namespace sennit::libp2p::autonat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView bytes{data + 1, size - 1};
    switch (data[0] % 3) {
        case 0: {
            const auto read = decode_message(bytes);
            if (!read) break;
            if (const auto* request = std::get_if<DialRequest>(&*read))
                SENNIT_ASSERT(request->addresses.size() <= kAddressesMax);
            if (const auto* some = std::get_if<DialDataResponse>(&*read))
                SENNIT_ASSERT(some->size <= kDataSizeMax);
            const auto again = decode_message(encode(*read));
            SENNIT_ASSERT(again && *again == *read);
            break;
        }
        case 1: {
            const auto nonce = decode_dial_back(bytes);
            if (nonce) SENNIT_ASSERT(*decode_dial_back(encode_dial_back(*nonce)) == *nonce);
            break;
        }
        default: (void)decode_dial_back_response(bytes);
    }
    return 0;
}
