// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "cli/commands.hpp"
#include "cli/config_file.hpp"
#include "cli/devnet_table.hpp"
#include "cli/keys.hpp"
#include "cli/process.hpp"
#include "cli/rpc_client.hpp"
#include "primitives/sign.hpp"
#include "rpc/quantity.hpp"

namespace sennit::cli {

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t g_interrupted = 0;
void on_interrupt(int) {
    g_interrupted = 1;
}

/// How a person in this directory types this program's name.
std::string own_name() {
    std::error_code failed;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) return "sennit";
    const auto near = std::filesystem::proximate(path, failed);
    return failed || *near.begin() == ".." ? path.string() : near.string();
}

/// Whether a port can be listened on now; somebody may still take it before our child does.
bool port_free(std::uint16_t port) {
    const int handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return false;
    const int on = 1;
    ::setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free =
        ::bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(handle);
    return free;
}

/// The first run of free ports from `wanted` on.
Result<std::uint16_t> free_ports(std::uint16_t wanted, std::uint32_t count) {
    for (std::uint32_t first = wanted; first + count < 65536 && first < wanted + 2000u;
         first += count) {
        bool all = true;
        for (std::uint32_t n = 0; n < count; ++n)
            all = all && port_free(static_cast<std::uint16_t>(first + n));
        if (all) return static_cast<std::uint16_t>(first);
    }
    return Error{Errc::io, "no free ports", Error::kNowhere,
                 "from " + std::to_string(wanted) + " on; try --port"};
}

class Devnet {
  public:
    explicit Devnet(const DevnetOptions& options) : options_{options} {}

    Result<void> prepare();
    Result<void> run();

  private:
    struct Node {
        std::string name;
        std::string directory;
        RpcClient rpc;
        std::optional<Process> process;
        NodeLine line;
    };

    Result<void> start(Node& node);
    void poll();
    void maybe_send(double seconds);
    Result<void> verdict();
    bool stop();

    DevnetOptions options_;
    std::vector<Node> nodes_;
    std::optional<crypto::Secp256k1Key> faucet_;
    std::string sent_;  ///< hash of the transfer that --for sends
    std::string send_trouble_;
};

Result<void> Devnet::prepare() {
    const auto count = options_.validators + options_.observers;
    SENNIT_TRY(auto port, free_ports(options_.port, count));
    SENNIT_TRY(auto rpc_port, free_ports(options_.rpc_port, count));
    const auto& directory = options_.directory;
    std::error_code failed;
    if (std::filesystem::exists(directory + "/genesis.json", failed)) {
        // Ours from an earlier run: a devnet starts from nothing, since its slots follow the clock.
        std::filesystem::remove_all(directory, failed);
    } else if (std::filesystem::exists(directory, failed) &&
               !std::filesystem::is_empty(directory, failed)) {
        return Error{Errc::duplicate, "directory is not a devnet's", Error::kNowhere,
                     directory + "; choose another --dir"};
    }
    InitOptions init_options;
    init_options.directory = directory;
    init_options.validators = options_.validators;
    init_options.observers = options_.observers;
    init_options.slot_seconds = options_.slot_seconds;
    init_options.port = port;
    init_options.rpc_port = rpc_port;
    init_options.quiet = true;
    SENNIT_TRY(init(init_options));
    SENNIT_TRY(faucet_, read_account(directory + "/faucet.key"));
    for (std::uint32_t n = 0; n < count; ++n) {
        const bool validator = n < options_.validators;
        const auto index = validator ? n + 1 : n + 1 - options_.validators;
        SENNIT_TRY(auto rpc, RpcClient::open("http://127.0.0.1:" + std::to_string(rpc_port + n)));
        nodes_.push_back({(validator ? "validator " : "observer ") + std::to_string(index),
                          directory + "/node" + std::to_string(n + 1),
                          std::move(rpc),
                          {},
                          {}});
    }
    return {};
}

Result<void> Devnet::start(Node& node) {
    SENNIT_TRY(auto process,
               Process::start_self({"node", "--config", node.directory + "/config.toml"},
                                   node.directory + "/log"));
    node.process.emplace(std::move(process));
    return {};
}

void Devnet::poll() {
    for (auto& node : nodes_) {
        node.line = NodeLine{};
        node.line.name = node.name;
        if (!node.process) {
            node.line.state = "joins later";
            continue;
        }
        if (!node.process->running()) {
            node.line.state = "ended: see " + node.directory + "/log";
            continue;
        }
        const auto status =
            node.rpc.call("sennit_status", json::Value::array(), std::chrono::seconds{2});
        if (!status) {
            node.line.state = "starting";
            continue;
        }
        read_line(*status, node.line);
    }
}

void Devnet::maybe_send(double seconds) {
    // Once, when the chain moves: a quarter into the run, but not before ten seconds.
    const auto due = std::max(10.0, static_cast<double>(options_.run_for) / 4);
    if (options_.run_for == 0 || !sent_.empty() || seconds < due) return;
    Transaction tx;
    tx.gas_price = 1'000'000'000;
    tx.gas_limit = 21'000;
    tx.value = 1'000'000'000'000'000;
    tx.to = Address::from(Bytes(20, 0x5e));
    const auto raw = sign_transaction(tx, InitOptions{}.chain_id, *faucet_);
    const auto answer =
        nodes_.front().rpc.call("eth_sendRawTransaction", json::Value::array({"0x" + to_hex(raw)}));
    if (!answer) {
        send_trouble_ = answer.error().text();
        return;
    }
    sent_ = *answer->as_text();
}

Result<void> Devnet::verdict() {
    poll();
    std::uint64_t height = ~std::uint64_t{0};
    std::uint64_t slot = 0;
    for (const auto& node : nodes_) {
        if (!node.line.answers)
            return Error{Errc::invalid, "a node does not answer", Error::kNowhere,
                         node.name + ", " + node.line.state};
        height = std::min(height, node.line.finalised);
        slot = std::max(slot, node.line.slot);
    }
    char hex[32];
    std::snprintf(hex, sizeof hex, "0x%llx", static_cast<unsigned long long>(height));
    std::string id;
    std::uint64_t timestamp = 0;
    for (const auto& node : nodes_) {
        SENNIT_TRY(auto block,
                   node.rpc.call("eth_getBlockByNumber", json::Value::array({hex, false})));
        if (block.is_null())
            return Error{Errc::invalid, "a node lacks a finalised block", Error::kNowhere,
                         node.name};
        SENNIT_TRY(auto hash, block.get_text("hash"));
        if (id.empty()) id = hash;
        if (id != hash)
            return Error{Errc::invalid, "nodes finalised different blocks", Error::kNowhere,
                         "at height " + std::to_string(height)};
        SENNIT_TRY(auto time, block.get("timestamp"));
        SENNIT_TRY(timestamp, rpc::parse_quantity64(*time));
    }
    const auto now =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    const auto age = now > timestamp ? (now - timestamp) / options_.slot_seconds : 0;
    // Two slots to finality, one that the slowest node may be behind, and some for a busy machine.
    constexpr std::uint64_t kAgeMax = 8;
    if (height == 0 || age > kAgeMax) {
        return Error{
            Errc::invalid, "finality does not keep up", Error::kNowhere,
            "height " + std::to_string(height) + " is " + std::to_string(age) + " slots old"};
    }
    if (sent_.empty())
        return Error{Errc::invalid, "no transfer was sent", Error::kNowhere, send_trouble_};
    for (const auto& node : nodes_) {
        SENNIT_TRY(auto receipt,
                   node.rpc.call("eth_getTransactionReceipt", json::Value::array({sent_})));
        if (receipt.is_null())
            return Error{Errc::invalid, "the transfer is missing", Error::kNowhere, node.name};
        SENNIT_TRY(auto number, receipt.get("blockNumber"));
        SENNIT_TRY(auto mined, rpc::parse_quantity64(*number));
        if (mined > height)
            return Error{Errc::invalid, "the transfer is not final", Error::kNowhere,
                         "in block " + std::to_string(mined)};
    }
    std::printf(
        "all %zu nodes agree on block %llu %s, %llu slots old; the transfer %s is in it or below\n",
        nodes_.size(), static_cast<unsigned long long>(height), id.c_str(),
        static_cast<unsigned long long>(age), sent_.c_str());
    return {};
}

bool Devnet::stop() {
    for (auto& node : nodes_) {
        if (node.process) node.process->terminate();
    }
    bool in_order = true;
    for (auto& node : nodes_) {
        if (!node.process) continue;
        if (node.process->join(std::chrono::seconds{15})) continue;
        std::fprintf(stderr, "%s did not end in order: see %s/log\n", node.name.c_str(),
                     node.directory.c_str());
        in_order = false;
    }
    return in_order;
}

Result<void> Devnet::run() {
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    for (std::uint32_t n = 0; n < options_.validators; ++n) SENNIT_TRY(start(nodes_[n]));
    const auto begin = Clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    // Late enough that there is a chain to catch up with.
    const double late =
        options_.run_for == 0 ? 20 : std::min(20.0, static_cast<double>(options_.run_for) / 3);
    Table table{::isatty(STDOUT_FILENO) != 0,
                {own_name() + " send --rpc " + nodes_.front().rpc.url() + " \\",
                 "    --key " + options_.directory + "/faucet.key \\",
                 "    --to 0x5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e --value 1.5"}};
    while (g_interrupted == 0 &&
           (options_.run_for == 0 || seconds() < static_cast<double>(options_.run_for))) {
        for (auto& node : nodes_) {
            if (!node.process && seconds() >= late) SENNIT_TRY(start(node));
        }
        maybe_send(seconds());
        poll();
        std::vector<NodeLine> lines;
        for (const auto& node : nodes_) lines.push_back(node.line);
        table.show(lines, seconds());
        const auto next =
            begin + std::chrono::milliseconds{static_cast<std::int64_t>(seconds()) * 1000 + 1000};
        while (g_interrupted == 0 && Clock::now() < next)
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    auto result = options_.run_for > 0 && g_interrupted == 0 ? verdict() : Result<void>{};
    if (!stop() && result) return Error{Errc::invalid, "a node did not end in order"};
    return result;
}

}  // namespace

Result<void> devnet(const DevnetOptions& options) {
    Devnet net{options};
    SENNIT_TRY(net.prepare());
    return net.run();
}

}  // namespace sennit::cli
