// SPDX-License-Identifier: MIT
/// Files with libp2p identities, ours and those of other tools.
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/keys.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::cli {
namespace {

using libp2p::KeyType;
using ::testing::HasSubstr;

class IdentityFiles : public ::testing::Test {
  protected:
    IdentityFiles() {
        std::string name = ::testing::TempDir() + "sennit-identity-XXXXXX";
        SENNIT_ASSERT(::mkdtemp(name.data()) != nullptr);
        directory_ = name;
    }
    ~IdentityFiles() override { std::filesystem::remove_all(directory_); }

    std::string path(const std::string& name) const { return directory_ + "/" + name; }
    Result<IdentityFile> read(std::string_view content) {
        EXPECT_TRUE(write_text(path("any.key"), content));
        return read_identity(path("any.key"));
    }

    std::string directory_;
};

TEST_F(IdentityFiles, are_read_in_every_form_as_they_were_written) {
    for (const auto type : {KeyType::ed25519, KeyType::secp256k1}) {
        for (const auto format : {KeyFormat::hex, KeyFormat::protobuf, KeyFormat::base64}) {
            if (type == KeyType::secp256k1 && format == KeyFormat::hex) continue;
            const auto file = path(std::string{to_string(type)} + std::string{to_string(format)});
            ASSERT_TRUE(write_identity(file, type, new_secret(), format));
            struct stat facts {};
            EXPECT_EQ(::stat(file.c_str(), &facts), 0);
            EXPECT_EQ(facts.st_mode & 0777u, 0600u);
            const auto read = read_identity(file);
            ASSERT_TRUE(read) << file << read.error().text();
            EXPECT_EQ(read->format, format);
            EXPECT_EQ(read->key.type(), type);
            EXPECT_EQ(write_identity(file, type, new_secret(), format).error().code,
                      Errc::duplicate);
            EXPECT_EQ(read_identity(file)->key.peer_id(), read->key.peer_id());
        }
    }
}

TEST_F(IdentityFiles, of_other_libp2p_tools_hold_the_same_peer) {
    const auto vectors = libp2p::vectors::load("peer_ids");
    std::size_t read_count{0};
    for (const auto& item : *vectors.get_array("vectors")) {
        if (!item.find("private_key_protobuf")) continue;
        const auto bytes = libp2p::vectors::hex(item, "private_key_protobuf");
        for (const auto& content :
             {std::string{as_text(bytes)}, to_base64(bytes), to_base64(bytes) + "\n"}) {
            const auto read_back = read(content);
            if (!read_back && read_back.error().code == Errc::unsupported) continue;
            ASSERT_TRUE(read_back) << read_back.error().text();
            EXPECT_EQ(read_back->key.peer_id().text(), *item.get_text("base58"));
            ++read_count;
        }
    }
    EXPECT_GE(read_count, 6u);
}

TEST_F(IdentityFiles, in_hex_are_the_keys_of_nodes) {
    ASSERT_TRUE(write_secret(path("node.key"), new_secret()));
    const auto key = libp2p::PrivateKey::from_ed25519(*read_ed25519(path("node.key")));
    EXPECT_EQ(read_identity(path("node.key"))->key.peer_id(), key.peer_id());
}

TEST_F(IdentityFiles, say_what_is_wrong_with_them) {
    const auto text = [&](std::string_view content) {
        const auto got = read(content);
        return got ? std::string{} : got.error().text();
    };
    for (const auto* content : {"", "hello", "CAES", "0x12", "====",
                                "\x08\x01\x12\x03"
                                "abc"})
        EXPECT_THAT(text(content), HasSubstr("expected 64 hexadecimal digits")) << content;
    EXPECT_THAT(text("hello"), HasSubstr("any.key"));
    EXPECT_THAT(text(std::string("\x08\x00\x12\x01x", 5)), HasSubstr("only Ed25519 and secp256k1"));
    const auto missing = read_identity(path("none"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::io);
}

TEST_F(IdentityFiles, hold_no_type_in_hex_and_so_no_other_than_ed25519) {
    const auto refused =
        write_identity(path("x.key"), KeyType::secp256k1, new_secret(), KeyFormat::hex);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_FALSE(std::filesystem::exists(path("x.key")));
}

TEST(Base64, is_padded_and_has_the_digits_of_rfc_4648) {
    EXPECT_EQ(to_base64({}), "");
    EXPECT_EQ(to_base64(Bytes{'f'}), "Zg==");
    EXPECT_EQ(to_base64(Bytes{'f', 'o'}), "Zm8=");
    EXPECT_EQ(to_base64(Bytes{'f', 'o', 'o'}), "Zm9v");
    EXPECT_EQ(to_base64(Bytes{0xfb, 0xff}), "+/8=");
}

}  // namespace
}  // namespace sennit::cli
