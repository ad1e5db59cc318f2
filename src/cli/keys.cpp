// SPDX-License-Identifier: MIT
#include "cli/keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "io/file.hpp"
#include "io/random.hpp"

namespace sennit::cli {

namespace {

Error file_error(std::string_view what, const std::string& path) {
    return {Errc::io, what, Error::kNowhere, path + ": " + std::strerror(errno)};
}

}  // namespace

Secret new_secret() {
    Secret out;
    Rng{io::system_seed()}.fill(out);
    return out;
}

Result<void> write_secret(const std::string& path, const Secret& secret) {
    return write_key_file(path, to_hex(secret) + "\n");
}

Result<void> write_key_file(const std::string& path, std::string_view content) {
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0 && errno == EEXIST) {
        return Error{Errc::duplicate, "key file exists already and is never overwritten",
                     Error::kNowhere, path};
    }
    if (file < 0) return file_error("cannot write key file", path);
    const bool written =
        ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
    const bool closed = ::close(file) == 0;
    if (!written || !closed) return file_error("cannot write key file", path);
    return {};
}

Result<std::string> read_text(const std::string& path) {
    return io::read_file(path);
}

Result<void> write_text(const std::string& path, std::string_view text) {
    std::ofstream out{path, std::ios::binary | std::ios::trunc};
    out << text << std::flush;
    if (!out) return file_error("cannot write file", path);
    return {};
}

Result<Secret> read_secret(const std::string& path) {
    SENNIT_TRY(auto text, read_text(path));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    auto secret = hash_from_hex<Digest>(text);
    if (!secret) {
        return Error{Errc::malformed, "not a key file: expected 64 hexadecimal digits",
                     Error::kNowhere, path};
    }
    return secret->bytes;
}

Result<crypto::Ed25519Key> read_ed25519(const std::string& path) {
    SENNIT_TRY(auto secret, read_secret(path));
    return crypto::Ed25519Key::from_seed(secret);
}

Result<crypto::Secp256k1Key> read_account(const std::string& path) {
    SENNIT_TRY(auto secret, read_secret(path));
    return crypto::Secp256k1Key::from_bytes(secret);
}

}  // namespace sennit::cli
