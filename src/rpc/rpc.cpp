// SPDX-License-Identifier: MIT
#include "rpc/rpc.hpp"

#include <algorithm>

#include "rpc/method.hpp"

namespace sennit::rpc {

namespace {

using json::Value;

/// geth takes a thousand; a hundred is what libraries send by default.
constexpr std::size_t kBatchMax = 100;
/// Once a batch's answers have this size, the rest of it is refused: a request of a few bytes may
/// ask for a whole block.
constexpr std::size_t kBatchAnswerMax = 10'000'000;

/// Ids and names come back in answers, where a byte may take six: one of a megabyte would be a
/// large answer to a batch of nothing.
constexpr std::size_t kIdSizeMax = 256;
constexpr std::size_t kNameShownMax = 64;

Value response(const Value& id, Outcome outcome) {
    auto out = Value::object({{"jsonrpc", "2.0"}, {"id", id}});
    if (auto* result = std::get_if<Value>(&outcome)) {
        out.set("result", std::move(*result));
    } else if (auto* later = std::get_if<Later>(&outcome)) {
        out.set("result", (*later)());
    } else {
        auto& failure = std::get<Failure>(outcome);
        out.set("error",
                Value::object({{"code", failure.code}, {"message", std::move(failure.message)}}));
    }
    return out;
}

/// The empty text for a notification, which has no id.
std::string response_text(const std::optional<Value>& id, Outcome outcome) {
    if (!id) return {};
    return json::write(response(*id, std::move(outcome)), json::Style::compact);
}

const Method* find_method(std::string_view name) {
    for (const auto table : {eth_methods(), sennit_methods()}) {
        const auto found = std::find_if(table.begin(), table.end(),
                                        [&](const Method& m) { return m.name == name; });
        if (found != table.end()) return &*found;
    }
    return nullptr;
}

/// One call as it was sent. `wrong` is set if it is none.
struct Request {
    std::optional<Value> id{};  ///< none: a notification
    std::string method{};
    const Value* params{nullptr};
    std::optional<Failure> wrong{};
};

/// The reader takes NaN and Infinity as Python does; in an answer they would be no JSON.
bool finite(const Value& number) {
    const char last = number.as_number()->back();
    return last >= '0' && last <= '9';
}

std::size_t id_size(const Value& id) {
    if (id.is_text()) return id.as_text()->size();
    return id.is_number() ? id.as_number()->size() : 0;
}

/// As much of a name as an answer repeats, cut between two characters.
std::string shown(std::string_view name) {
    if (name.size() <= kNameShownMax) return std::string{name};
    std::size_t end = kNameShownMax;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0u) == 0x80u) --end;
    return std::string{name.substr(0, end)} + "...";
}

Request read_request(const Value& value) {
    Request out;
    const auto invalid = [&](std::string why) {
        if (!out.id) out.id.emplace();
        out.wrong = Failure{kInvalidRequest, "invalid request: " + std::move(why)};
        return out;
    };
    if (!value.is_object()) return invalid("expected an object");
    if (const auto* id = value.find("id")) {
        if (!id->is_null() && !id->is_text() && !(id->is_number() && finite(*id)))
            return invalid("id must be a string, a number or null");
        if (id_size(*id) > kIdSizeMax)
            return invalid("id longer than " + std::to_string(kIdSizeMax) + " bytes");
        out.id = *id;
    }
    const auto* version = value.find("jsonrpc");
    if (version == nullptr || *version != Value{"2.0"}) return invalid("jsonrpc must be \"2.0\"");
    const auto* name = value.find("method");
    if (name == nullptr || !name->is_text()) return invalid("method must be a string");
    out.method = *name->as_text();
    out.params = value.find("params");
    return out;
}

void run(Backend& backend, const Request& request, Reply reply) {
    if (request.wrong) return reply(*request.wrong);
    const auto* method = find_method(request.method);
    if (method == nullptr) {
        return reply(Failure{kMethodNotFound, "the method " + shown(request.method) +
                                                  " does not exist/is not available"});
    }
    Params list;
    if (request.params != nullptr && !request.params->is_null()) {
        const auto items = request.params->as_array();
        if (!items) return reply(Failure{kInvalidParams, "params must be an array"});
        list = *items;
    }
    if (list.size() < method->params_min) {
        return reply(Failure{kInvalidParams,
                             "missing value for required argument " + std::to_string(list.size())});
    }
    if (list.size() > method->params_max) {
        return reply(Failure{kInvalidParams, "too many arguments, want at most " +
                                                 std::to_string(method->params_max)});
    }
    method->run(backend, list, std::move(reply));
}

/// Collects the answers of a batch, some of which come later.
struct Batch {
    std::vector<std::string> answers;  ///< in the order of the requests; empty: none
    std::size_t missing{0};
    std::size_t bytes{0};
    std::function<void(std::string)> reply;

    bool full() const { return bytes >= kBatchAnswerMax; }
    void put(std::size_t index, std::string answer) {
        bytes += answer.size();
        answers[index] = std::move(answer);
        if (--missing > 0) return;
        std::string list;
        list.reserve(bytes + answers.size() + 1);
        for (auto& one : answers) {
            if (!one.empty()) list.append(list.empty() ? "[" : ",").append(std::exchange(one, {}));
        }
        reply(list.empty() ? list : list + "]");
    }
};

void run_batch(Backend& backend, std::span<const Value> items,
               std::function<void(std::string)> reply) {
    auto batch = std::make_shared<Batch>();
    batch->answers.resize(items.size());
    batch->missing = items.size();
    batch->reply = std::move(reply);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto request = read_request(items[i]);
        // Asked before the question is put and again when its answer is here: what comes from the
        // engine comes after the whole batch was asked.
        const auto too_large = [] { return Failure{kResponseTooLarge, "response too large"}; };
        const Reply done = [batch, i, id = request.id, too_large](Outcome outcome) {
            if (batch->full()) outcome = too_large();
            batch->put(i, response_text(id, std::move(outcome)));
        };
        if (batch->full()) {
            done(too_large());
        } else {
            run(backend, request, done);
        }
    }
}

/// "application/json" whatever its case, with or without parameters (RFC 9110, 8.3.1).
bool is_json(std::string_view content_type) {
    auto type = content_type.substr(0, content_type.find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
    constexpr std::string_view kJson = "application/json";
    return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
    });
}

}  // namespace

Failure refused(const Error& error) {
    // A text that is whole already, as for pruned state, stands alone.
    if (error.code == Errc::not_found && !error.detail.empty()) return {kServerError, error.detail};
    // What the disk did is no fault of the request.
    return {error.code == Errc::io ? kInternalError : kServerError, error.text()};
}

Failure bad_param(std::size_t index, const Error& error) {
    return {kInvalidParams, "invalid argument " + std::to_string(index) + ": " + error.text()};
}

void handle(Backend& backend, std::string_view request, std::function<void(std::string)> reply) {
    // Strangers' text: a request needs few values, and each costs many times its bytes.
    const auto parsed = json::parse(request, {.depth_max = 16, .values_max = 20'000});
    const auto refuse = [&](int code, std::string why) {
        reply(response_text(Value{}, Failure{code, std::move(why)}));
    };
    if (!parsed) return refuse(kParseError, "parse error: " + parsed.error().text());
    if (!parsed->is_array()) {
        const auto one = read_request(*parsed);
        return run(backend, one, [reply = std::move(reply), id = one.id](Outcome outcome) {
            reply(response_text(id, std::move(outcome)));
        });
    }
    const auto items = *parsed->as_array();
    if (items.empty()) return refuse(kInvalidRequest, "empty batch");
    if (items.size() > kBatchMax) {
        return refuse(kInvalidRequest, "batch too large, at most " + std::to_string(kBatchMax));
    }
    run_batch(backend, items, std::move(reply));
}

io::HttpHandler http_handler(Backend& backend, HttpPolicy policy) {
    return [&backend, policy = std::move(policy)](io::HttpRequest request,
                                                  std::function<void(io::HttpResponse)> reply) {
        const auto allowed = [&] {
            const auto listed = [&](const auto& one) {
                return one == "*" || one == request.origin;
            };
            return std::any_of(policy.origins.begin(), policy.origins.end(), listed);
        };
        io::HttpResponse response;
        if (!request.origin.empty()) {
            if (!allowed()) {
                response.status = 403;
                response.body =
                    "this page's origin is not in rpc.origins: " + request.origin + "\n";
                return reply(std::move(response));
            }
            response.headers = {{"Access-Control-Allow-Origin", request.origin},
                                {"Access-Control-Allow-Methods", "POST"},
                                {"Access-Control-Allow-Headers", "content-type"},
                                {"Vary", "Origin"}};
        }
        if (request.method == "OPTIONS") {
            response.status = 204;
            return reply(std::move(response));
        }
        if (request.method != "POST") {
            response.status = 405;
            response.body =
                "JSON-RPC 2.0: POST a request, for example "
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sennit_methods\"}\n";
            response.headers.emplace_back("Allow", "POST");
            return reply(std::move(response));
        }
        // A form cannot send JSON without asking first: keeps foreign pages out.
        if (!is_json(request.content_type)) {
            response.status = 415;
            response.body = "content-type must be application/json\n";
            return reply(std::move(response));
        }
        response.content_type = "application/json";
        handle(backend, request.body,
               [response = std::move(response), reply = std::move(reply)](std::string body) {
                   auto answer = response;
                   answer.status = body.empty() ? 204 : 200;
                   answer.body = std::move(body);
                   reply(std::move(answer));
               });
    };
}

}  // namespace sennit::rpc
