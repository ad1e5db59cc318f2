// SPDX-License-Identifier: MIT
#include "libp2p/mdns/dns.hpp"

using namespace sennit;
using namespace sennit::libp2p;

/// What is read is within its limits, and written as something that reads as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = mdns::decode({data, size});
    if (!read) {
        SENNIT_ASSERT(read.error().at <= size);
        return 0;
    }
    const auto& message = *read;
    SENNIT_ASSERT(message.questions.size() + message.answers.size() + message.additionals.size() <=
                  mdns::kEntriesMax);
    for (const auto& record : message.answers) {
        SENNIT_ASSERT(record.name.view().size() <= mdns::kNameSizeMax);
        SENNIT_ASSERT(record.target.view().size() <= mdns::kNameSizeMax);
        SENNIT_ASSERT(record.name.text().size() <= mdns::kNameSizeMax);
    }
    // Written without compression it may be longer than a message can be.
    const auto bytes = mdns::encode(message);
    if (bytes.size() > mdns::kMessageSizeMax) return 0;
    const auto again = mdns::decode(bytes);
    SENNIT_ASSERT(again && *again == message);
    return 0;
}
