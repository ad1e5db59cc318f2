// SPDX-License-Identifier: MIT
/// Every few bytes are one thing that happens to a client (first byte even) or a server (odd):
/// peers come, go, answer, demand, pay, lie, and time passes. Invariants hold after each; a client
/// believes in no address to which no nonce came; a server dials no host that it must not, and none
/// but the requester's own before it was paid; and what runs comes to an end.
#include "libp2p/autonat/hosts.hpp"
#include "libp2p/autonat/testing.hpp"

using namespace sennit;
using namespace sennit::libp2p;
using namespace sennit::libp2p::autonat;

namespace {

class Choices {
  public:
    explicit Choices(BytesView bytes) : in_{bytes} {}

    bool empty() const { return in_.empty(); }
    std::uint8_t byte() {
        if (in_.empty()) return 0;
        const auto out = in_.front();
        in_ = in_.subspan(1);
        return out;
    }
    Bytes take(std::size_t n) {
        const auto out = in_.first(std::min(n, in_.size()));
        in_ = in_.subspan(out.size());
        return to_bytes(out);
    }

  private:
    BytesView in_;
};

constexpr const char* kHosts[]{"20.1.2.3", "20.1.2.4",  "21.1.1.1",    "22.1.1.1",
                               "10.0.0.1", "127.0.0.1", "2001:db8::1", "::ffff:20.1.2.3"};

std::string a_host(Choices& choices) {
    return kHosts[choices.byte() % std::size(kHosts)];
}
Multiaddr an_address(Choices& choices) {
    const auto host = a_host(choices);
    const std::string kind = host.find(':') == std::string::npos ? "/ip4/" : "/ip6/";
    return testing::address(kind + host + "/tcp/" + std::to_string(choices.byte() % 3));
}

Bytes some_message(Choices& choices) {
    switch (const auto kind = choices.byte(); kind % 6) {
        case 0: {
            DialRequest out;
            out.nonce = kind;
            for (auto n = choices.byte() % 4; n > 0; --n)
                out.addresses.emplace_back(an_address(choices));
            return encode(out);
        }
        case 1:
        case 2: {
            constexpr ResponseStatus kStatus[]{ResponseStatus::ok, ResponseStatus::ok,
                                               ResponseStatus::dial_refused,
                                               ResponseStatus::request_rejected};
            constexpr DialStatus kDial[]{DialStatus::ok, DialStatus::dial_error,
                                         DialStatus::dial_back_error, DialStatus::unused};
            return encode(DialResponse{kStatus[(kind >> 3) % 4], kind > 250 ? 1u : 0u,
                                       kDial[(kind >> 5) % 4]});
        }
        case 3: return encode(DialDataRequest{kind > 250 ? 1u : 0u, choices.byte() * 500ull});
        case 4: return encode(DialDataResponse{std::min<std::size_t>(choices.byte() * 20, 4096)});
        default: return choices.take(choices.byte() % 64);
    }
}

class ClientWorld {
  public:
    explicit ClientWorld(Choices& choices) : choices_{choices} {
        const auto shape = choices_.byte();
        config_.private_hosts = (shape & 1u) != 0;
        config_.agree_min = 1 + (shape >> 1) % 3;
        config_.networks_max = config_.agree_min + (shape >> 3) % 4;
        config_.asks_max = 1 + (shape >> 5) % 4;
        config_.candidates_max = 3;
        config_.servers_max = 6;
        client_.emplace(config_, Rng{shape});
    }

    void run() {
        for (int i = 0; i < 500 && !choices_.empty(); ++i) {
            step();
            events();
        }
        for (int i = 0; i < 20 && client_->asks() > 0; ++i) {
            // Nobody is left to be asked, so there is an end.
            for (std::uint64_t n = 0; n < 16; ++n) client_->on_server_gone(testing::peer(n), now_);
            pass(std::chrono::seconds{61});
            events();
        }
        SENNIT_ASSERT(client_->asks() == 0 && asked_.empty());
    }

  private:
    struct Asked {
        std::uint64_t nonce{0};
        Multiaddr address;
    };
    void pass(Duration time) {
        now_.at += time;
        client_->on_time(now_);
        SENNIT_ASSERT(client_->next_wake() > now_.at);
    }
    AskId someone() {
        const auto which = choices_.byte();
        if (asked_.empty()) return AskId{which};
        return std::next(asked_.begin(), which % static_cast<std::ptrdiff_t>(asked_.size()))->first;
    }
    void step() {
        switch (choices_.byte() % 10) {
            case 0: {
                std::vector<Multiaddr> some;
                for (auto n = choices_.byte() % 5; n > 0; --n) some.push_back(an_address(choices_));
                client_->set_candidates(some, now_);
                break;
            }
            case 1:
            case 2: {
                const auto host = a_host(choices_);
                client_->on_server(testing::peer(choices_.byte() % 16), host, now_);
                break;
            }
            case 3: client_->on_server_gone(testing::peer(choices_.byte() % 16), now_); break;
            case 4:
            case 5: {
                const auto who = someone();
                (void)client_->on_message(who, some_message(choices_), now_);
                break;
            }
            case 6: (void)client_->next_frame(someone()); break;
            case 7: client_->on_failure(someone(), now_); break;
            case 8: back(); break;
            default: pass(std::chrono::seconds{choices_.byte()} * (1 + choices_.byte() % 60));
        }
    }
    void back() {
        const auto found = asked_.find(someone());
        const auto how = choices_.byte();
        const auto nonce = found == asked_.end() ? how : found->second.nonce;
        const auto host = a_host(choices_);
        const auto done = client_->on_dial_back(
            nonce, {how % 4 != 0, host, now_.at - std::chrono::seconds{how % 3}}, now_);
        if (done) proved_.insert(found->second.address);
    }
    void events() {
        client_->check_invariants();
        while (const auto event = client_->poll_event()) {
            if (const auto* ask = std::get_if<Client::Ask>(&*event)) {
                const auto frame = client_->next_frame(ask->id);
                if (!frame) continue;  // closed already
                const auto request = std::get<DialRequest>(testing::message_of(*frame));
                asked_.emplace(ask->id, Asked{request.nonce, *request.addresses.at(0)});
            } else if (const auto* close = std::get_if<Client::Close>(&*event)) {
                asked_.erase(close->id);
            } else {
                const auto& changed = std::get<Client::Changed>(*event);
                SENNIT_ASSERT(changed.to != Reachability::reachable ||
                              proved_.contains(changed.address));
            }
        }
        client_->check_invariants();
    }

    Choices& choices_;
    Client::Config config_;
    std::optional<Client> client_;
    std::map<AskId, Asked> asked_;
    std::set<Multiaddr> proved_;
    Now now_{Instant{std::chrono::hours{1}}, UnixTime{}};
};

class ServerWorld {
  public:
    explicit ServerWorld(Choices& choices) : choices_{choices} {
        const auto shape = choices_.byte();
        config_.private_hosts = (shape & 1u) != 0;
        config_.ipv6 = (shape & 2u) != 0;
        config_.requests_max = 1 + (shape >> 2) % 8;
        config_.dials_max = 1 + (shape >> 5) % 4;
        config_.dial_data_min = 1'000;
        config_.dial_data_max = 4'000;
        server_.emplace(config_, Rng{shape});
    }

    void run() {
        for (int i = 0; i < 500 && !choices_.empty(); ++i) {
            step();
            events();
        }
        for (int i = 0; i < 3; ++i) {
            now_.at += std::chrono::seconds{31};
            server_->on_time(now_);
            events();
        }
        SENNIT_ASSERT(server_->requests() == 0 && dialling_.empty());
    }

  private:
    ServeId someone() {
        const auto which = choices_.byte();
        if (open_.empty()) return ServeId{which};
        return std::next(open_.begin(), which % static_cast<std::ptrdiff_t>(open_.size()))->first;
    }
    void step() {
        switch (choices_.byte() % 8) {
            case 0: {
                const auto host = a_host(choices_);
                const auto id =
                    server_->on_request(testing::peer(choices_.byte() % 16), host, now_);
                if (id) open_.emplace(*id, Open{host, 0});
                break;
            }
            case 1:
            case 2:
            case 3: {
                const auto id = someone();
                const auto message = some_message(choices_);
                const auto read = decode_message(message);
                if (const auto found = open_.find(id); read && found != open_.end()) {
                    if (const auto* data = std::get_if<DialDataResponse>(&*read))
                        found->second.paid += data->size;
                }
                (void)server_->on_message(id, message, now_);
                break;
            }
            case 4: {
                const auto id = someone();
                open_.erase(id);
                server_->on_gone(id, now_);
                break;
            }
            case 5: server_->on_remote_closed(someone(), now_); break;
            case 6: {
                const auto id = someone();
                const auto how = choices_.byte() % 4;
                if (how == 3) {
                    server_->on_connected(id);
                } else {
                    dialling_.erase(id);
                    server_->on_outcome(id, static_cast<Server::Outcome>(how), now_);
                }
                break;
            }
            default: now_.at += std::chrono::seconds{choices_.byte() % 32}; server_->on_time(now_);
        }
    }
    void events() {
        server_->check_invariants();
        while (const auto event = server_->poll_event()) {
            if (const auto* reply = std::get_if<Server::Reply>(&*event)) {
                (void)testing::message_of(reply->frame());
                if (reply->last()) open_.erase(reply->id);
            } else if (const auto* dial = std::get_if<Server::Dial>(&*event)) {
                if (const auto target = server_->target(dial->id)) check(dial->id, *target);
            } else if (const auto* cancelled = std::get_if<Server::CancelDial>(&*event)) {
                dialling_.erase(cancelled->id);
            } else {
                open_.erase(std::get<Server::Reset>(*event).id);
            }
        }
        SENNIT_ASSERT(dialling_.size() == server_->dials());
    }
    void check(ServeId id, const Server::Target& target) {
        SENNIT_ASSERT(dialling_.insert(id).second);
        const auto to = target_of(target.address);
        const auto& from = open_.at(id);
        SENNIT_ASSERT(to && to->peer && to->address.port != 0);
        SENNIT_ASSERT(is_public(to->address.host) ||
                      (config_.private_hosts && is_private(from.host)));
        SENNIT_ASSERT(to->address.host == plain_host(from.host) ||
                      from.paid >= config_.dial_data_min);
    }

    struct Open {
        std::string host;
        std::size_t paid{0};
    };
    Choices& choices_;
    Server::Config config_;
    std::optional<Server> server_;
    std::map<ServeId, Open> open_;
    std::set<ServeId> dialling_;
    Now now_{Instant{std::chrono::hours{1}}, UnixTime{}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{{data, size}};
    if (choices.byte() % 2 == 0) {
        ClientWorld{choices}.run();
    } else {
        ServerWorld{choices}.run();
    }
    return 0;
}
