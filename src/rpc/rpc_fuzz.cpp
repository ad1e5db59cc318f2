// SPDX-License-Identifier: MIT
#include "rpc/rpc.hpp"
#include "rpc/scripted_backend.hpp"

using namespace sennit;

namespace {

/// Our reader takes NaN and Infinity, as Python does; strict ones do not.
void check_strict(const json::Value& value) {
    if (value.is_number()) {
        const char last = value.as_number()->back();
        SENNIT_ASSERT(last >= '0' && last <= '9');
    } else if (value.is_array()) {
        for (const auto& item : *value.as_array()) check_strict(item);
    } else if (value.is_object()) {
        for (const auto& member : *value.as_object()) check_strict(member.value);
    }
}

void check_answer(const json::Value& answer) {
    SENNIT_ASSERT(answer.is_object() && *answer.get_text("jsonrpc") == "2.0");
    SENNIT_ASSERT(answer.find("id") != nullptr);
    SENNIT_ASSERT((answer.find("result") != nullptr) != (answer.find("error") != nullptr));
}

rpc::testing::ScriptedBackend make_backend() {
    rpc::testing::ScriptedBackend out;
    rpc::testing::script_two_blocks(out);
    out.system.bytes.fill(0x10);
    return out;
}

}  // namespace

/// Whatever is sent, one answer comes: nothing, or JSON-RPC that a strict reader takes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto kBackend = make_backend();
    auto backend = kBackend;
    int answers = 0;
    std::string text;
    rpc::handle(backend, as_text({data, size}), [&](std::string answer) {
        ++answers;
        text = std::move(answer);
    });
    SENNIT_ASSERT(answers == 1);
    if (text.empty()) return 0;
    const auto answer = json::parse(text);
    SENNIT_ASSERT(answer);
    check_strict(*answer);
    if (!answer->is_array()) {
        check_answer(*answer);
        return 0;
    }
    SENNIT_ASSERT(!answer->as_array()->empty());
    for (const auto& one : *answer->as_array()) check_answer(one);
    return 0;
}
