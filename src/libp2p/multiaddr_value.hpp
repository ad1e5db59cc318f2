// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/multiaddr.hpp"

/// What each kind of component holds, as bytes and as text. For `Multiaddr` only.
namespace sennit::libp2p::multiaddr {

enum class Form : std::uint8_t {
    none,    ///< no value
    ip4,     ///< 4 bytes
    ip6,     ///< 16 bytes
    port,    ///< 2 bytes, big-endian
    mask,    ///< 1 byte: leading bits of an IP network
    name,    ///< printable ASCII; this form and those below are length-prefixed
    number,  ///< decimal digits of 64 bits
    path,    ///< an absolute path, unquoted: the rest of the text
    quoted,  ///< an absolute path; text is percent-encoded, without the first slash
    peer,    ///< a peer id
    digest,  ///< a multihash
};

struct Kind {
    Multiaddr::Code code;
    std::string_view name;
    Form form;
};

/// nullptr if there is none.
const Kind* find_kind(std::uint64_t code);
const Kind* find_kind(std::string_view name);

/// Bytes of a value without a length prefix; nullopt for the others.
std::optional<std::size_t> fixed_size(Form form);

/// What a value has to be, for errors: "expected a port".
std::string_view expected(Form form);
/// Whether bytes, of the fixed size if there is one, are such a value.
bool fits(Form form, BytesView value);
/// nullopt if the text is none. What comes back `fits`.
std::optional<Bytes> from_text(Form form, std::string_view text);
/// Of a value that fits. Reads back as the same value.
std::string to_text(Form form, BytesView value);

}  // namespace sennit::libp2p::multiaddr
