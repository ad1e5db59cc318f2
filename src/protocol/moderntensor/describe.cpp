// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/bytes.hpp"
#include "protocol/moderntensor/describe_extension.hpp"
#include "protocol/moderntensor/hello.hpp"
#include "protocol/moderntensor/json_form.hpp"
#include "protocol/moderntensor/moderntensor.hpp"

namespace sennit::protocol::moderntensor {
namespace {

constexpr std::string_view kExtensionName = "SENNIT";
/// Members that describe the frame; a payload that has one of them is given in hexadecimal only.
constexpr std::string_view kReserved[] = {"type", "kind", "payload", "error", "at", "type_code"};

bool is_reserved(std::string_view key) {
    return std::ranges::find(kReserved, key) != std::end(kReserved);
}

bool is_json(Type type) {
    switch (type) {
        case Type::ping:
        case Type::pong:
        case Type::disconnect: return false;
        default: return !is_extension(type);
    }
}

/// Types for which the document defines no payload at all.
bool is_undefined(Type type) {
    return type == Type::state || type == Type::get_state_nodes || type == Type::state_nodes;
}

bool is_utf8(std::string_view text) {
    const auto again = json::parse(json::write(json::Value{text}, json::Style::compact));
    return again && *again->as_text() == text;
}

Result<void> has_keys(const json::Value& object, std::initializer_list<std::string_view> keys) {
    SENNIT_TRY(object.as_object());
    for (const auto key : keys) SENNIT_TRY(object.get(key));
    return {};
}

/// What the original's decoders ask for, where it has one; else what ours does.
Result<void> check(Type type, const json::Value& object, BytesView payload) {
    switch (type) {
        case Type::hello: SENNIT_TRY(parse_hello(payload)); return {};
        case Type::get_blocks: return has_keys(object, {"start_height", "end_height"});
        case Type::get_headers: return has_keys(object, {"start_height"});
        case Type::get_peers: return has_keys(object, {});
        case Type::peers: return has_keys(object, {"peers"});
        case Type::get_state: SENNIT_TRY(read_get_state(payload)); return {};
        default: break;
    }
    if (is_undefined(type)) return {};
    const auto message = read_json(type, payload);
    if (!message && message.error().code != Errc::unsupported) return message.error();
    return {};
}

void set_error(json::Value& out, const Error& error, std::size_t begin) {
    out.set("error", error.detail.empty() ? std::string{error.what}
                                          : std::string{error.what} + ": " + error.detail);
    out.set("at", begin + (error.at == Error::kNowhere ? 0 : error.at));
}

void set_payload(json::Value& out, BytesView payload) {
    out.set("payload", to_hex(payload));
}

void describe_json(json::Value& out, Type type, BytesView payload, std::size_t begin) {
    const auto object = json::parse(as_text(payload));
    if (!object) {
        if (is_undefined(type) && payload.empty()) return;
        set_payload(out, payload);
        if (!is_undefined(type)) set_error(out, object.error(), begin);
        return;
    }
    const auto members = object->as_object();
    // `{}` as well as nothing may stand where nothing is defined.
    const bool whole = json::write(*object, json::Style::python) == as_text(payload) &&
                       !(is_undefined(type) && members && members->empty());
    const bool flat = members && std::ranges::none_of(*members, [](const json::Member& member) {
                          return is_reserved(member.key);
                      });
    if (flat) {
        for (const auto& member : *members) out.set(member.key, member.value);
    }
    if (!flat || !whole) set_payload(out, payload);
    if (auto fits = check(type, *object, payload); !fits) set_error(out, fits.error(), begin);
}

json::Value describe_frame(Type type, BytesView payload, std::size_t begin) {
    auto out = json::Value::object({{"type", to_string(type)}});
    if (is_extension(type)) {
        out.set("type", kExtensionName);
        out.set("kind", to_string(type));
        if (auto done = describe_extension(out, type, payload); !done) {
            set_error(out, done.error(), begin);
        }
        set_payload(out, payload);
    } else if (type == Type::disconnect) {
        const auto reason = as_text(payload);
        if (is_utf8(reason)) {
            out.set("reason", reason);
        } else {
            set_payload(out, payload);
            set_error(out, {Errc::malformed, "not UTF-8", 0, {}}, begin);
        }
    } else if (is_json(type)) {
        describe_json(out, type, payload, begin);
    } else if (!payload.empty()) {
        set_payload(out, payload);
    }
    return out;
}

}  // namespace

std::vector<json::Value> describe(BytesView bytes, const DescribeOptions& options) {
    Layout layout;
    layout.handshaking = false;
    layout.own_limits = false;
    const auto capability = options.find("capability");
    layout.extended = capability != options.end() && capability->second == kCapability;

    std::vector<json::Value> frames;
    const auto fail = [&](const Error& error, std::size_t begin) {
        auto out = json::Value::object();
        if (error.code == Errc::unknown_type && begin + error.at < bytes.size()) {
            out.set("type_code", bytes[begin + error.at]);
        }
        set_error(out, error, begin);
        frames.push_back(std::move(out));
    };
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto rest = bytes.subspan(at);
        const auto head = layout.parse(rest.first(std::min(rest.size(), Layout::kHeadSizeMax)));
        if (!head) {
            fail(head.error(), at);
            break;
        }
        if (*head) {
            if (const auto known = layout.payload_size_max((*head)->type); !known) {
                fail(known.error(), at);
                break;
            }
        }
        if (!*head || rest.size() - (*head)->head_size < (*head)->payload_size) {
            fail({Errc::truncated, "the frame is not whole", rest.size(), {}}, at);
            break;
        }
        const auto begin = (*head)->head_size;
        frames.push_back(describe_frame(static_cast<Type>((*head)->type),
                                        rest.subspan(begin, (*head)->payload_size), at + begin));
        at += begin + (*head)->payload_size;
    }
    return frames;
}

Result<Bytes> encode(const json::Value& frame) {
    SENNIT_TRY(const auto name, frame.get_text("type"));
    const bool extension = name == kExtensionName;
    auto kind = name;
    if (extension) {
        SENNIT_TRY(kind, frame.get_text("kind"));
    }
    const auto type = type_named(kind, extension);
    if (!type) {
        return Error{Errc::unknown_type, "no such type of message", Error::kNowhere,
                     std::string{kind}};
    }
    Bytes payload;
    if (frame.find("payload") != nullptr) {
        SENNIT_TRY(const auto hex, frame.get_text("payload"));
        SENNIT_TRY(payload, from_hex(hex));
    } else if (extension) {
        return Error{Errc::not_found, "a frame of the extension is made from its payload",
                     Error::kNowhere, "payload"};
    } else if (*type == Type::disconnect) {
        const auto* reason = frame.find("reason");
        SENNIT_TRY(const auto text, reason != nullptr ? reason->as_text() : std::string_view{});
        payload = to_bytes(as_bytes(text));
    } else if (is_json(*type)) {
        auto object = json::Value::object();
        SENNIT_TRY(const auto members, frame.as_object());
        for (const auto& member : members) {
            if (!is_reserved(member.key)) object.set(member.key, member.value);
        }
        const bool empty = is_undefined(*type) && object.as_object()->empty();
        if (!empty) payload = to_bytes(as_bytes(json::write(object, json::Style::python)));
    }
    if (payload.size() + head_size(*type) > kLengthMax + 4) {
        return Error{Errc::oversized, "a frame above 10 MiB", Error::kNowhere, {}};
    }
    Bytes out;
    append_frame(out, *type, payload);
    return out;
}

}  // namespace sennit::protocol::moderntensor
