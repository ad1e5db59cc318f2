// SPDX-License-Identifier: MIT
#include "cli/config_file.hpp"

#include <toml++/toml.h>
#include <filesystem>

#include "cli/keys.hpp"

namespace sennit::cli {

namespace {

/// A table whose keys are taken one by one; what is left at the end nobody knows.
class Section {
  public:
    Section(const toml::table* table, std::string name) : table_{table}, name_{std::move(name)} {}

    Result<std::string> text(std::string_view key, std::string otherwise) {
        return value(key, std::move(otherwise), "a string");
    }
    Result<bool> flag(std::string_view key, bool otherwise) {
        return value(key, otherwise, "true or false");
    }
    Result<std::uint64_t> number(std::string_view key, std::uint64_t otherwise, std::uint64_t max) {
        SENNIT_TRY(auto found, value(key, static_cast<std::int64_t>(otherwise), "a number"));
        if (found < 0 || static_cast<std::uint64_t>(found) > max) {
            return Error{Errc::malformed, "number out of range", Error::kNowhere,
                         path(key) + " = " + std::to_string(found) + ", expected 0 to " +
                             std::to_string(max)};
        }
        return static_cast<std::uint64_t>(found);
    }
    Result<std::vector<std::string>> texts(std::string_view key) {
        std::vector<std::string> out;
        const auto* node = take(key);
        if (node == nullptr) return out;
        const auto* array = node->as_array();
        if (array == nullptr) return wrong(key, "a list of strings");
        for (const auto& item : *array) {
            const auto text = item.value<std::string>();
            if (!text) return wrong(key, "a list of strings");
            out.push_back(*text);
        }
        return out;
    }
    Result<std::vector<NetAddress>> addresses(std::string_view key) {
        SENNIT_TRY(auto list, texts(key));
        std::vector<NetAddress> out;
        for (const auto& text : list) {
            auto address = NetAddress::parse(text);
            if (!address) {
                return Error{Errc::malformed, "bad address", Error::kNowhere,
                             path(key) + ": " + address.error().text()};
            }
            out.push_back(*std::move(address));
        }
        return out;
    }
    /// nullptr: not there.
    Result<const toml::table*> table(std::string_view key) {
        const auto* node = take(key);
        if (node == nullptr) return nullptr;
        const auto* found = node->as_table();
        if (found == nullptr) return wrong(key, "a table");
        return found;
    }
    const toml::node* take(std::string_view key) {
        known_.insert(std::string{key});
        return table_ == nullptr ? nullptr : table_->get(key);
    }
    Result<void> finish() const {
        if (table_ == nullptr) return {};
        for (const auto& [key, node] : *table_) {
            if (known_.contains(std::string{key.str()})) continue;
            return Error{Errc::unknown_type, "unknown key", Error::kNowhere,
                         path(key.str()) + " in line " + std::to_string(node.source().begin.line)};
        }
        return {};
    }

  private:
    template <class T>
    Result<T> value(std::string_view key, T otherwise, std::string_view expected) {
        const auto* node = take(key);
        if (node == nullptr) return otherwise;
        const auto found = node->value_exact<T>();
        if (!found) return wrong(key, expected);
        return *found;
    }
    Error wrong(std::string_view key, std::string_view expected) const {
        return {Errc::malformed, "wrong type", Error::kNowhere,
                path(key) + ": expected " + std::string{expected}};
    }
    std::string path(std::string_view key) const {
        return name_.empty() ? std::string{key} : name_ + "." + std::string{key};
    }

    const toml::table* table_;
    std::string name_;
    std::set<std::string> known_;
};

Result<node::ProtocolConfig> read_protocol(std::string name, const toml::node& node) {
    const auto* table = node.as_table();
    if (table == nullptr)
        return Error{Errc::malformed, "protocol is no table", Error::kNowhere, "protocols." + name};
    Section section{table, "protocols." + name};
    node::ProtocolConfig out;
    SENNIT_TRY(out.listens, section.addresses("listen"));
    SENNIT_TRY(out.peers, section.addresses("peers"));
    // Everything else is the protocol's own: its registry entry knows and checks the names.
    for (const auto& [key, value] : *table) {
        if (key.str() == "listen" || key.str() == "peers") continue;
        std::string text;
        if (const auto found = value.value<std::string>()) {
            text = *found;
        } else if (const auto flag = value.value_exact<bool>()) {
            text = *flag ? "true" : "false";
        } else if (const auto number = value.value_exact<std::int64_t>()) {
            text = std::to_string(*number);
        } else {
            return Error{Errc::malformed, "wrong type", Error::kNowhere,
                         "protocols." + name + "." + std::string{key.str()}};
        }
        out.options.emplace(key.str(), std::move(text));
    }
    out.name = std::move(name);
    return out;
}

Result<void> read_sections(const toml::table& root, const std::string& directory,
                           node::Config& config) {
    const auto inside = [&](const std::string& path) {
        return (std::filesystem::path{directory} / path).lexically_normal().string();
    };
    Section top{&root, ""};
    SENNIT_TRY(auto data_dir, top.text("data_dir", "."));
    SENNIT_TRY(auto genesis, top.text("genesis", "genesis.json"));
    SENNIT_TRY(auto node_key, top.text("node_key", "node.key"));
    SENNIT_TRY(auto validator_key, top.text("validator_key", ""));
    SENNIT_TRY(auto account_key, top.text("account_key", ""));
    SENNIT_TRY(auto workers, top.number("workers", 2, 64));
    config.data_dir = inside(data_dir);
    config.genesis_file = inside(genesis);
    config.workers = std::max<std::size_t>(workers, 1);
    SENNIT_TRY(config.node_key, read_ed25519(inside(node_key)));
    if (!validator_key.empty()) {
        SENNIT_TRY(config.validator_key, read_ed25519(inside(validator_key)));
    }
    if (!account_key.empty()) {
        SENNIT_TRY(config.engine.account, read_account(inside(account_key)));
    }

    SENNIT_TRY(auto* rpc_table, top.table("rpc"));
    Section rpc{rpc_table, "rpc"};
    SENNIT_TRY(config.rpc.enabled, rpc.flag("enabled", true));
    SENNIT_TRY(config.rpc.host, rpc.text("host", "127.0.0.1"));
    SENNIT_TRY(auto port, rpc.number("port", 8545, 65535));
    config.rpc.port = static_cast<std::uint16_t>(port);
    SENNIT_TRY(config.rpc.origins, rpc.texts("origins"));
    SENNIT_TRY(rpc.finish());

    SENNIT_TRY(auto* peers_table, top.table("peers"));
    Section peers{peers_table, "peers"};
    auto& limits = config.engine.peers;
    SENNIT_TRY(limits.connected_max, peers.number("max", limits.connected_max, 10'000));
    SENNIT_TRY(limits.outbound_wanted, peers.number("outbound", limits.outbound_wanted, 1000));
    limits.inbound_max = limits.connected_max > limits.outbound_wanted
                             ? limits.connected_max - limits.outbound_wanted
                             : 0;
    SENNIT_TRY(peers.finish());

    SENNIT_TRY(auto* pool_table, top.table("pool"));
    Section pool{pool_table, "pool"};
    SENNIT_TRY(config.engine.pool.transactions_max, pool.number("transactions", 1000, 1'000'000));
    SENNIT_TRY(config.engine.pool.bytes_max,
               pool.number("bytes", 1'000'000, std::uint64_t{1} << 32));
    SENNIT_TRY(pool.finish());

    SENNIT_TRY(auto* validator_table, top.table("validator"));
    Section validator{validator_table, "validator"};
    SENNIT_TRY(config.engine.empty_blocks, validator.flag("empty_blocks", true));
    SENNIT_TRY(validator.finish());

    SENNIT_TRY(auto* protocols, top.table("protocols"));
    if (protocols != nullptr) {
        for (const auto& [name, node] : *protocols) {
            SENNIT_TRY(auto protocol, read_protocol(std::string{name.str()}, node));
            config.protocols.push_back(std::move(protocol));
        }
    }
    return top.finish();
}

}  // namespace

Result<node::Config> read_config(const std::string& path) {
    SENNIT_TRY(auto text, read_text(path));
    toml::table root;
    try {
        root = toml::parse(text, path);
    } catch (const toml::parse_error& error) {
        return Error{Errc::malformed, "not TOML", Error::kNowhere,
                     path + ", line " + std::to_string(error.source().begin.line) + ": " +
                         std::string{error.description()}};
    }
    node::Config config{"", "", crypto::Ed25519Key::from_seed({}), {}, {}, {}, {}, 2, 64u << 20};
    auto read = read_sections(root, std::filesystem::path{path}.parent_path().string(), config);
    if (!read) {
        auto error = std::move(read).error();
        error.detail = path + ": " + error.detail;
        return error;
    }
    return config;
}

std::string config_text(const ConfigText& values) {
    std::string peers;
    for (const auto& peer : values.peers)
        peers += (peers.empty() ? "" : ", ") + ("\"" + peer + "\"");
    return "# Configuration of a Sennit node. Paths are relative to this file.\n\n"
           "# Where the database lives; this node alone may use it.\n"
           "data_dir = \".\"\n\n"
           "# What all nodes of the chain must agree on, byte for byte in meaning.\n"
           "genesis = \"" +
           values.genesis +
           "\"\n\n"
           "# Who this node is to its peers (Ed25519).\n"
           "node_key = \"node.key\"\n\n"
           "# With it the node proposes and votes. Never run one key on two machines: its stake is "
           "cut.\n" +
           std::string{values.validator ? "" : "# "} +
           "validator_key = \"validator.key\"\n\n"
           "# Pays for bringing evidence against validators that cheat, and earns a tenth of what "
           "they lose.\n" +
           std::string{values.validator ? "" : "# "} +
           "account_key = \"account.key\"\n\n"
           "# Threads that check signatures.\n"
           "workers = 2\n\n"
           "[rpc]\n"
           "enabled = true\n"
           "# Whoever reaches this address can send transactions and ask everything: keep it "
           "private.\n"
           "host = \"" +
           values.rpc_host +
           "\"\n"
           "port = " +
           std::to_string(values.rpc_port) +
           "\n"
           "# Web pages that may ask, as [\"https://wallet.example\"]; [\"*\"] for all.\n"
           "origins = []\n\n"
           "[peers]\n"
           "max = 50\n"
           "# So many are dialled; the rest of the places is for those who dial us.\n"
           "outbound = 8\n\n"
           "[pool]\n"
           "transactions = 1000\n"
           "bytes = 1000000\n\n"
           "[validator]\n"
           "# false: propose only when there is something to put into a block or to finalise.\n"
           "empty_blocks = " +
           (values.empty_blocks ? "true" : "false") +
           "\n\n"
           "# One table for each protocol that this node speaks.\n"
           "[protocols.moderntensor]\n"
           "listen = [\"" +
           values.listen +
           "\"]\n"
           "# Dialled at start and whenever they are gone.\n"
           "peers = [" +
           peers + "]\n";
}

}  // namespace sennit::cli
