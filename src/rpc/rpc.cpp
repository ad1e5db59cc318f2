// SPDX-License-Identifier: MIT
#include "rpc/rpc.hpp"

#include <algorithm>
#include <mutex>

#include "rpc/method.hpp"

namespace sennit::rpc {

namespace {

using json::Value;

/// geth takes a thousand; a hundred is what libraries send by default.
constexpr std::size_t kBatchMax = 100;

Value response(const Value& id, Outcome outcome) {
    auto out = Value::object({{"jsonrpc", "2.0"}, {"id", id}});
    if (auto* result = std::get_if<Value>(&outcome)) {
        out.set("result", std::move(*result));
    } else {
        auto& failure = std::get<Failure>(outcome);
        out.set("error",
                Value::object({{"code", failure.code}, {"message", std::move(failure.message)}}));
    }
    return out;
}

const Method* find_method(std::string_view name) {
    for (const auto table : {eth_methods(), sennit_methods()}) {
        const auto found = std::find_if(table.begin(), table.end(),
                                        [&](const Method& m) { return m.name == name; });
        if (found != table.end()) return &*found;
    }
    return nullptr;
}

using Answered = std::function<void(std::optional<Value>)>;

void run(Backend& backend, const Method& method, const Value* params, Reply reply) {
    Params list;
    if (params != nullptr && !params->is_null()) {
        const auto items = params->as_array();
        if (!items) return reply(Failure{kInvalidParams, "params must be an array"});
        list = *items;
    }
    if (list.size() < method.params_min) {
        return reply(Failure{kInvalidParams,
                             "missing value for required argument " + std::to_string(list.size())});
    }
    if (list.size() > method.params_max) {
        return reply(Failure{kInvalidParams, "too many arguments, want at most " +
                                                 std::to_string(method.params_max)});
    }
    method.run(backend, list, std::move(reply));
}

/// One call; `done` gets nullopt for a notification.
void call(Backend& backend, const Value& request, Answered done) {
    const auto invalid = [&](std::string why) {
        done(response(Value{}, Failure{kInvalidRequest, "invalid request: " + std::move(why)}));
    };
    if (!request.is_object()) return invalid("expected an object");
    const auto* version = request.find("jsonrpc");
    if (version == nullptr || *version != Value{"2.0"}) return invalid("jsonrpc must be \"2.0\"");
    const auto* name = request.find("method");
    if (name == nullptr || !name->is_text()) return invalid("method must be a string");
    const auto* id = request.find("id");
    if (id != nullptr && (id->is_object() || id->is_array() || id->kind() == json::Kind::boolean)) {
        return invalid("id must be a string, a number or null");
    }
    Reply reply = [done, kept = id == nullptr ? std::optional<Value>{} : *id](Outcome outcome) {
        done(kept ? std::optional{response(*kept, std::move(outcome))} : std::nullopt);
    };
    const std::string wanted{*name->as_text()};
    const auto* method = find_method(wanted);
    if (method == nullptr) {
        return reply(
            Failure{kMethodNotFound, "the method " + wanted + " does not exist/is not available"});
    }
    run(backend, *method, request.find("params"), std::move(reply));
}

/// Collects the answers of a batch, which may come from several threads.
struct Batch {
    std::mutex mutex;
    std::vector<std::optional<Value>> answers;
    std::size_t missing{0};
    std::function<void(std::string)> reply;

    void put(std::size_t index, std::optional<Value> answer) {
        std::unique_lock lock{mutex};
        answers[index] = std::move(answer);
        if (--missing > 0) return;
        auto list = Value::array();
        bool any = false;
        for (auto& one : answers) {
            if (!one) continue;
            any = true;
            list.push(*std::move(one));
        }
        lock.unlock();
        reply(any ? json::write(list, json::Style::compact) : "");
    }
};

std::string text_of(const std::optional<Value>& answer) {
    return answer ? json::write(*answer, json::Style::compact) : std::string{};
}

}  // namespace

Failure refused(const Error& error) {
    // A text that is whole already, as for pruned state, stands alone.
    if (error.code == Errc::not_found && !error.detail.empty()) return {kServerError, error.detail};
    return {kServerError, error.text()};
}

Failure bad_param(std::size_t index, const Error& error) {
    return {kInvalidParams, "invalid argument " + std::to_string(index) + ": " + error.text()};
}

void handle(Backend& backend, std::string_view request, std::function<void(std::string)> reply) {
    // Strangers' text: a request needs few values, and each costs many times its bytes.
    auto parsed = json::parse(request, {.depth_max = 16, .values_max = 20'000});
    if (!parsed) {
        return reply(text_of(
            response(Value{}, Failure{kParseError, "parse error: " + parsed.error().text()})));
    }
    if (!parsed->is_array()) {
        return call(backend, *parsed,
                    [reply](std::optional<Value> answer) { reply(text_of(answer)); });
    }
    const auto items = *parsed->as_array();
    if (items.empty() || items.size() > kBatchMax) {
        const auto why =
            items.empty() ? "empty batch" : "batch too large, at most " + std::to_string(kBatchMax);
        return reply(text_of(response(Value{}, Failure{kInvalidRequest, why})));
    }
    auto batch = std::make_shared<Batch>();
    batch->answers.resize(items.size());
    batch->missing = items.size();
    batch->reply = std::move(reply);
    for (std::size_t i = 0; i < items.size(); ++i) {
        call(backend, items[i],
             [batch, i](std::optional<Value> answer) { batch->put(i, std::move(answer)); });
    }
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
        if (!request.content_type.starts_with("application/json")) {
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
