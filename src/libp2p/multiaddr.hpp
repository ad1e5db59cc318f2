// SPDX-License-Identifier: MIT
#pragma once

#include <iterator>

#include "libp2p/peer_id.hpp"

namespace sennit::libp2p {

/// Where a libp2p peer can be reached, layer by layer: `/ip4/192.0.2.7/tcp/4001/p2p/12D3Koo...`
/// (multiformats/multiaddr).
///
/// Bytes that were checked once, so every later step is free of errors: at least one component,
/// each of a kind that we know (the length of others cannot be told) and with a value that its
/// kind allows. Numbers are minimal, so addresses are equal exactly when their bytes are. Pure:
/// nothing is resolved or dialled, and no order of components is asked for; what can be dialled
/// is the transports' to say.
///
/// What differs from others, each on purpose:
/// - js takes the empty address, and text of slashes alone; we do not, as go does not.
/// - js takes any text behind `/p2p/`; it has to be a peer id.
/// - A slash at the end of text is dropped, as go and js do; two are not.
/// - Numbers have no leading zeros and no sign, as in js; go takes both. ipcidr has at most 128.
/// - Names (dns*, sni, ip6zone) are printable ASCII of at most 253 bytes, because they end up in
///   logs; other languages' names come as punycode. js takes any text.
/// - An IPv4-mapped IPv6 address is printed as ::ffff:192.0.2.1, as in go; js prints it in groups.
/// - unix takes the rest of the text as an absolute path and has to come last; js writes the same
///   bytes as one component, `%2Frun%2Fa`.
/// - http-path is bytes with a slash in front that text leaves out, as in js. Bytes without it are
///   refused, for their text would be that of other bytes.
/// - memory is a number of 64 bits as text with a length: the table of multiaddr gives it a length,
///   and js takes any text; rust writes 8 bytes. No such address leaves its process.
/// - certhash is read in every base of `Base`, and printed in base64url as js does.
class Multiaddr {
  public:
    /// Bytes; a relayed WebTransport address with two hashes has under 300.
    static constexpr std::size_t kSizeMax = 1024;
    static constexpr std::size_t kComponentsMax = 32;
    /// Characters that are read: more than the longest text of an address has.
    static constexpr std::size_t kTextSizeMax = 4096;

    /// As numbered in multiformats/multiaddr, protocols.csv.
    enum class Code : std::uint32_t {
        ip4 = 4,
        tcp = 6,
        ip6 = 41,
        ip6zone = 42,
        ipcidr = 43,
        dns = 53,
        dns4 = 54,
        dns6 = 55,
        dnsaddr = 56,
        sctp = 132,
        udp = 273,
        webrtc_direct = 280,
        webrtc = 281,
        p2p_circuit = 290,
        unix_path = 400,
        p2p = 421,
        https = 443,
        tls = 448,
        sni = 449,
        noise = 454,
        quic = 460,
        quic_v1 = 461,
        webtransport = 465,
        certhash = 466,
        ws = 477,
        wss = 478,
        http = 480,
        http_path = 481,
        memory = 777,
    };

    /// One layer. `value` is without its length prefix: 4 or 16 bytes of IP address, big-endian
    /// port, text, peer id, multihash; it lies in the address it was read from.
    struct Component {
        Code code;
        BytesView value;

        /// The value as text, empty if the kind has none.
        std::string text() const;
        /// Of tcp, udp and sctp only.
        std::uint16_t port() const;
        bool operator==(const Component& other) const;
    };

    class Iterator {
      public:
        using value_type = Component;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        Iterator() = default;
        explicit Iterator(BytesView rest) : rest_{rest} { read(); }
        const Component& operator*() const { return component_; }
        const Component* operator->() const { return &component_; }
        Iterator& operator++();
        Iterator operator++(int);
        /// Where the component begins in `whole`, the bytes that are walked over.
        std::size_t offset_in(BytesView whole) const { return whole.size() - rest_.size(); }
        bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

      private:
        void read();

        BytesView rest_;  ///< from this component on
        std::size_t size_{0};
        Component component_{};
    };

    /// Errors, with the byte's offset: truncated, malformed, unknown_type for a code outside
    /// `Code`, oversized for the two limits.
    static Result<Multiaddr> from_bytes(BytesView bytes);
    /// `ipfs` is read as the old name of p2p. Errors, with the character's offset: malformed,
    /// unknown_type, oversized.
    static Result<Multiaddr> parse(std::string_view text);
    /// `/p2p/ID`.
    static Multiaddr of_peer(const PeerId& id);

    BytesView view() const { return bytes_; }
    std::string text() const;

    Iterator begin() const { return Iterator{bytes_}; }
    Iterator end() const { return {}; }
    /// The first component of that kind; its value lies in this address.
    std::optional<Component> find(Code code) const;

    /// Of the last component, if that is /p2p: who is at the end of the way.
    std::optional<PeerId> peer_id() const;

    /// This address, then `inner`. Errors: oversized; malformed when this ends in a unix path.
    Result<Multiaddr> encapsulate(const Multiaddr& inner) const;
    /// What stands before the last component of that kind. nullopt if there is none, or nothing
    /// before it.
    std::optional<Multiaddr> decapsulate(Code code) const;

    auto operator<=>(const Multiaddr&) const = default;

  private:
    explicit Multiaddr(Bytes bytes) : bytes_{std::move(bytes)} {}

    Bytes bytes_;
};

std::string_view to_string(Multiaddr::Code code);

}  // namespace sennit::libp2p
