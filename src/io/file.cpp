// SPDX-License-Identifier: MIT
#include "io/file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace sennit::io {

Result<std::string> read_file(const std::string& path, std::size_t size_max) {
    const auto failed = [&] {
        return Error{Errc::io, "cannot read file", Error::kNowhere,
                     path + ": " + std::strerror(errno)};
    };
    errno = 0;
    std::ifstream in{path, std::ios::binary};
    if (!in) return failed();
    std::string out;
    std::array<char, 64u << 10> part;
    // read() keeps errors in the stream; its iterators throw them, as for a directory.
    while (in) {
        in.read(part.data(), part.size());
        if (in.bad()) return failed();
        out.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (out.size() > size_max) {
            return Error{Errc::oversized, "file too large", Error::kNowhere,
                         path + ": more than " + std::to_string(size_max) + " bytes"};
        }
    }
    return out;
}

}  // namespace sennit::io
