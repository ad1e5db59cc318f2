// SPDX-License-Identifier: MIT
/// The first byte picks a side, the second how the stream is cut; the rest is the stream. Whatever
/// comes, the answers stay in proportion, and what is agreed on was offered.
#include <algorithm>

#include "libp2p/multistream/multistream.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;

template <class Side>
void feed(Side& side, BytesView stream, std::size_t step) {
    Bytes out;
    const auto whole = stream.size();
    while (!stream.empty()) {
        const auto size = std::min(step, stream.size());
        auto in = stream.first(size);
        const auto chosen = side.on_bytes(in, out);
        stream = stream.subspan(size - in.size());
        SENNIT_ASSERT(out.size() <= 100 + 3 * whole);
        if (!chosen) return;
        if (*chosen) {
            SENNIT_ASSERT(**chosen == "/noise" || **chosen == "/a");
            return;
        }
        SENNIT_ASSERT(in.empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const BytesView stream{data + 2, size - 2};
    const std::size_t step = 1u + data[1];
    if (data[0] % 2 == 0) {
        multistream::Listener listener{
            [](std::string_view name) { return name == "/noise" || name == "/a"; }};
        feed(listener, stream, step);
    } else {
        multistream::Dialler dialler{{"/noise", "/a"}};
        Bytes out;
        dialler.start(out);
        feed(dialler, stream, step);
    }
    return 0;
}
