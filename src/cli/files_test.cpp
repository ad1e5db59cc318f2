// SPDX-License-Identifier: MIT
/// What the commands leave on disk, and what they read back: keys, configuration, a new chain.
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "chain/genesis.hpp"
#include "cli/commands.hpp"
#include "cli/config_file.hpp"
#include "cli/keys.hpp"

namespace sennit::cli {
namespace {

using ::testing::HasSubstr;

class Files : public ::testing::Test {
  protected:
    Files() {
        std::string name = ::testing::TempDir() + "sennit-cli-XXXXXX";
        SENNIT_ASSERT(::mkdtemp(name.data()) != nullptr);
        directory_ = name;
    }
    ~Files() override { std::filesystem::remove_all(directory_); }

    std::string path(const std::string& name) const { return directory_ + "/" + name; }
    static mode_t mode(const std::string& file) {
        struct stat facts {};
        EXPECT_EQ(::stat(file.c_str(), &facts), 0) << file;
        return facts.st_mode & 0777u;
    }
    static std::string text_of(const std::string& file) {
        const auto text = read_text(file);
        EXPECT_TRUE(text) << file;
        return text ? *text : std::string{};
    }
    /// Why a configuration with this text is refused; empty if it is not.
    std::string refusal(const std::string& text) {
        if (!std::filesystem::exists(path("node.key"))) {
            EXPECT_TRUE(write_secret(path("node.key"), new_secret()));
        }
        EXPECT_TRUE(write_text(path("config.toml"), text));
        const auto config = read_config(path("config.toml"));
        return config ? "" : config.error().text();
    }

    std::string directory_;
};

TEST_F(Files, a_key_is_its_owners_alone_whatever_the_umask) {
    const auto before = ::umask(0);
    EXPECT_TRUE(write_secret(path("a.key"), new_secret()));
    ::umask(before);
    EXPECT_EQ(mode(path("a.key")), 0600u);
}

TEST_F(Files, a_key_is_never_overwritten) {
    const auto first = new_secret();
    ASSERT_TRUE(write_secret(path("a.key"), first));
    const auto second = write_secret(path("a.key"), new_secret());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::duplicate);
    EXPECT_EQ(*read_secret(path("a.key")), first);
}

TEST_F(Files, new_keys_differ) {
    EXPECT_NE(new_secret(), new_secret());
}

TEST_F(Files, a_bad_key_file_is_named) {
    EXPECT_EQ(read_secret(path("none.key")).error().code, Errc::io);
    for (const std::string& text :
         {std::string{}, std::string(63, 'a'), std::string(66, 'a'), std::string(64, 'g')}) {
        ASSERT_TRUE(write_text(path("bad.key"), text));
        const auto secret = read_secret(path("bad.key"));
        ASSERT_FALSE(secret) << text;
        EXPECT_EQ(secret.error().code, Errc::malformed);
        EXPECT_THAT(secret.error().text(), HasSubstr(path("bad.key")));
    }
    // Zero is no secp256k1 key.
    ASSERT_TRUE(write_text(path("zero.key"), std::string(64, '0') + "\n"));
    EXPECT_FALSE(read_account(path("zero.key")));
}

TEST_F(Files, a_key_may_come_with_0x_and_line_ends_of_other_systems) {
    ASSERT_TRUE(write_text(path("a.key"), "0x" + std::string(63, '0') + "1\r\n"));
    const auto key = read_account(path("a.key"));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->address()), "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

TEST_F(Files, a_written_configuration_is_read_as_it_was_meant) {
    ASSERT_TRUE(write_secret(path("node.key"), new_secret()));
    ASSERT_TRUE(write_secret(path("validator.key"), new_secret()));
    ASSERT_TRUE(write_secret(path("account.key"), new_secret()));
    ConfigText text;
    text.genesis = "../genesis.json";
    text.validator = true;
    text.listen = "tcp://127.0.0.1:31000";
    text.peers = {"tcp://127.0.0.1:31001", "tcp://[::1]:31002"};
    text.rpc_host = "127.0.0.2";
    text.rpc_port = 9000;
    text.empty_blocks = false;
    EXPECT_EQ(refusal(config_text(text)), "");

    const auto config = read_config(path("config.toml"));
    ASSERT_TRUE(config);
    EXPECT_EQ(std::filesystem::weakly_canonical(config->data_dir),
              std::filesystem::weakly_canonical(directory_));
    EXPECT_EQ(config->genesis_file,
              (std::filesystem::path{directory_}.parent_path() / "genesis.json").string());
    EXPECT_EQ(config->node_key.public_key<NodeId>(),
              read_ed25519(path("node.key"))->public_key<NodeId>());
    ASSERT_TRUE(config->validator_key);
    EXPECT_EQ(config->validator_key->public_key<NodeId>(),
              read_ed25519(path("validator.key"))->public_key<NodeId>());
    ASSERT_TRUE(config->engine.account);
    EXPECT_EQ(config->engine.account->address(), read_account(path("account.key"))->address());
    EXPECT_TRUE(config->rpc.enabled);
    EXPECT_EQ(config->rpc.host, "127.0.0.2");
    EXPECT_EQ(config->rpc.port, 9000);
    EXPECT_TRUE(config->rpc.origins.empty());
    EXPECT_FALSE(config->engine.empty_blocks);
    EXPECT_EQ(config->engine.peers.connected_max, 50u);
    EXPECT_EQ(config->engine.peers.outbound_wanted, 8u);
    EXPECT_EQ(config->engine.peers.inbound_max, 42u);
    EXPECT_EQ(config->engine.pool.transactions_max, 1000u);
    ASSERT_EQ(config->protocols.size(), 1u);
    EXPECT_EQ(config->protocols[0].name, "moderntensor");
    EXPECT_EQ(config->protocols[0].listens.at(0).text(), "tcp://127.0.0.1:31000");
    EXPECT_EQ(config->protocols[0].peers.at(1).text(), "tcp://[::1]:31002");
}

TEST_F(Files, an_observer_has_no_validator_key) {
    EXPECT_EQ(refusal(config_text({})), "");
    EXPECT_FALSE(read_config(path("config.toml"))->validator_key);
}

TEST_F(Files, a_key_that_nobody_knows_is_an_error_that_names_its_line) {
    EXPECT_THAT(refusal("data_dir = \".\"\nworker = 2\n"), HasSubstr("worker in line 2"));
    EXPECT_THAT(refusal("[rpc]\nprot = 1\n"), HasSubstr("rpc.prot in line 2"));
    EXPECT_THAT(refusal("[peers]\nmin = 1\n"), HasSubstr("peers.min"));
    EXPECT_THAT(refusal("[pool]\nsize = 1\n"), HasSubstr("pool.size"));
    EXPECT_THAT(refusal("[validator]\nempty = true\n"), HasSubstr("validator.empty"));
    EXPECT_THAT(refusal("[validators]\n"), HasSubstr("validators in line 1"));
}

TEST_F(Files, a_wrong_type_says_what_was_expected) {
    EXPECT_THAT(refusal("workers = \"2\"\n"), HasSubstr("workers: expected a number"));
    EXPECT_THAT(refusal("data_dir = 1\n"), HasSubstr("data_dir: expected a string"));
    EXPECT_THAT(refusal("[rpc]\nenabled = 1\n"), HasSubstr("rpc.enabled: expected true or false"));
    EXPECT_THAT(refusal("[rpc]\norigins = \"*\"\n"), HasSubstr("expected a list of strings"));
    EXPECT_THAT(refusal("[rpc]\norigins = [1]\n"), HasSubstr("expected a list of strings"));
    EXPECT_THAT(refusal("[rpc]\nport = 65536\n"), HasSubstr("rpc.port = 65536"));
    EXPECT_THAT(refusal("[rpc]\nport = -1\n"), HasSubstr("rpc.port = -1"));
    for (const auto* section : {"rpc", "peers", "pool", "validator", "protocols"}) {
        EXPECT_THAT(refusal(std::string{section} + " = true\n"),
                    HasSubstr(std::string{section} + ": expected a table"));
    }
    EXPECT_THAT(refusal("[protocols]\nmoderntensor = 1\n"), HasSubstr("protocols.moderntensor"));
    EXPECT_THAT(refusal("[protocols.moderntensor]\nlisten = [\"nowhere\"]\n"),
                HasSubstr("protocols.moderntensor.listen"));
}

TEST_F(Files, what_is_no_toml_or_not_there_is_named) {
    EXPECT_THAT(refusal("a = 1\nb =\n"), HasSubstr("line 2"));
    EXPECT_THAT(refusal("node_key = \"other.key\"\n"), HasSubstr("other.key"));
    EXPECT_EQ(read_config(path("none.toml")).error().code, Errc::io);
}

TEST_F(Files, init_makes_a_chain_that_every_node_can_read) {
    InitOptions options;
    options.directory = path("net");
    options.validators = 2;
    options.observers = 1;
    options.chain_id = 4242;
    options.slot_seconds = 3;
    options.port = 31000;
    options.rpc_port = 9000;
    options.quiet = true;
    ASSERT_TRUE(init(options));

    const auto genesis = chain::parse_genesis(text_of(path("net/genesis.json")));
    ASSERT_TRUE(genesis);
    EXPECT_EQ(genesis->chain_id, 4242u);
    EXPECT_EQ(genesis->stake.slot_seconds, 3u);
    ASSERT_EQ(genesis->validators.size(), 2u);
    ASSERT_EQ(genesis->alloc.size(), 1u);
    EXPECT_EQ(genesis->alloc[0].first, read_account(path("net/faucet.key"))->address());

    for (const auto* name : {"net/faucet.key", "net/node1/node.key", "net/node1/validator.key",
                             "net/node1/account.key", "net/node3/node.key"}) {
        EXPECT_EQ(mode(path(name)), 0600u) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(path("net/node3/validator.key")));

    for (std::uint16_t n = 0; n < 3; ++n) {
        const auto config = read_config(path("net/node" + std::to_string(n + 1) + "/config.toml"));
        ASSERT_TRUE(config);
        EXPECT_EQ(config->genesis_file, path("net/genesis.json"));
        EXPECT_EQ(config->rpc.port, 9000 + n);
        EXPECT_EQ(config->protocols.at(0).listens.at(0).port, 31000 + n);
        EXPECT_EQ(config->protocols.at(0).peers.size(), n < 2 ? 1u : 2u);
        EXPECT_EQ(config->validator_key.has_value(), n < 2);
    }
    EXPECT_EQ(init(options).error().code, Errc::duplicate);
}

TEST_F(Files, init_refuses_a_chain_id_that_could_be_replayed) {
    InitOptions options;
    options.directory = path("net");
    options.quiet = true;
    for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{1}, chain::kChainIdMax + 1}) {
        options.chain_id = id;
        EXPECT_FALSE(init(options)) << id;
        EXPECT_FALSE(std::filesystem::exists(path("net"))) << id;  // a second attempt is free
    }
}

TEST_F(Files, init_joins_a_chain_by_its_genesis_file) {
    InitOptions made;
    made.directory = path("made");
    made.quiet = true;
    ASSERT_TRUE(init(made));
    InitOptions joins;
    joins.directory = path("joins");
    joins.genesis = path("made/genesis.json");
    joins.quiet = true;
    ASSERT_TRUE(init(joins));
    EXPECT_EQ(text_of(path("joins/genesis.json")), text_of(path("made/genesis.json")));
    const auto config = read_config(path("joins/config.toml"));
    ASSERT_TRUE(config);
    EXPECT_FALSE(config->validator_key);
    EXPECT_TRUE(config->protocols.at(0).peers.empty());
    EXPECT_FALSE(std::filesystem::exists(path("joins/faucet.key")));

    EXPECT_FALSE(init(joins));  // there is a node already
    ASSERT_TRUE(write_text(path("bad.json"), "{}"));
    joins.directory = path("bad");
    joins.genesis = path("bad.json");
    EXPECT_FALSE(init(joins));
    EXPECT_FALSE(std::filesystem::exists(path("bad")));
}

}  // namespace
}  // namespace sennit::cli
