// SPDX-License-Identifier: MIT
#include "libp2p/identify/identify.hpp"

using namespace sennit;
using namespace sennit::libp2p;

/// What is read is within its limits, and written as something that reads as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = identify::decode({data, size});
    if (!read) return 0;
    SENNIT_ASSERT(read->listens.size() <= identify::kListensMax);
    SENNIT_ASSERT(read->protocols.size() <= identify::kProtocolsMax);
    SENNIT_ASSERT(read->agent.size() <= identify::kTextSizeMax);
    const auto again = identify::decode(identify::encode(*read));
    SENNIT_ASSERT(again && *again == *read);
    return 0;
}
