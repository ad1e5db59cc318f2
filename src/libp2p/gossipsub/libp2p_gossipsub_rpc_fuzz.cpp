// SPDX-License-Identifier: MIT
/// What is read is written as bytes that read as the same; what an RPC can make us keep is bounded
/// by its limits.
#include "libp2p/gossipsub/rpc.hpp"

using namespace sennit;
using namespace sennit::libp2p::gossipsub;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const RpcLimits limits{.topic_size_max = 32,
                           .subscriptions_max = 10,
                           .messages_max = 10,
                           .ids_max = 20,
                           .control_max = 10,
                           .exchange_max = 5};
    const auto rpc = decode_rpc({data, size}, limits);
    if (!rpc) {
        SENNIT_ASSERT(rpc.error().at <= size);
        return 0;
    }
    SENNIT_ASSERT(rpc->subscriptions.size() <= 10 && rpc->publish.size() <= 10);
    SENNIT_ASSERT(rpc->control.iwant.size() + rpc->control.idontwant.size() <= 20);
    const auto bytes = encode_rpc(*rpc);
    const auto again = decode_rpc(bytes, limits);
    SENNIT_ASSERT(again && *again == *rpc);
    SENNIT_ASSERT(encode_rpc(*again) == bytes);
    return 0;
}
