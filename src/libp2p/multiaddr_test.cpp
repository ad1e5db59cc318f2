// SPDX-License-Identifier: MIT
#include "libp2p/multiaddr.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p {
namespace {

using Code = Multiaddr::Code;

constexpr std::string_view kPeer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
constexpr std::string_view kRelay = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";

Multiaddr address(std::string_view text) {
    auto parsed = Multiaddr::parse(text);
    EXPECT_TRUE(parsed) << text << ": " << parsed.error().text();
    return *parsed;
}

std::string hex(std::string_view text) {
    return to_hex(address(text).view());
}

TEST(Multiaddr, reads_and_writes_the_golden_addresses) {
    const auto file = vectors::load("multiaddr");
    for (const auto& item : *file.get_array("vectors")) {
        const auto text = *item.get_text("text");
        const auto bytes = vectors::hex(item, "bytes");
        EXPECT_EQ(hex(text), to_hex(bytes)) << text;
        const auto read = Multiaddr::from_bytes(bytes);
        ASSERT_TRUE(read) << text << ": " << read.error().text();
        EXPECT_EQ(read->text(), text);
        EXPECT_EQ(*read, address(text));
    }
}

TEST(Multiaddr, takes_the_edge_cases_of_js_except_where_it_says_so) {
    const auto file = vectors::load("multiaddr");
    for (const auto& item : *file.get_array("text_edge_cases")) {
        const auto text = *item.get_text("text");
        const bool differs = text.empty() || text == "//" || text == "/p2p/notapeer";
        const auto parsed = Multiaddr::parse(text);
        EXPECT_EQ(parsed.has_value(), *item.get_bool("js_accepts") && !differs) << text;
        if (parsed) {
            EXPECT_EQ(parsed->text(), *item.get_text("canonical"));
        }
    }
    for (const auto& item : *file.get_array("bytes_edge_cases")) {
        const auto bytes = vectors::hex(item, "bytes");
        EXPECT_EQ(Multiaddr::from_bytes(bytes).has_value(), *item.get_bool("js_accepts"))
            << to_hex(bytes);
    }
}

TEST(Multiaddr, writes_the_kinds_that_the_golden_addresses_leave_out) {
    EXPECT_EQ(hex("/unix/run/a b.sock"), "90030d2f72756e2f6120622e736f636b");
    EXPECT_EQ(hex("/dns/a/tcp/443/https"), "3501610601bbbb03");
    EXPECT_EQ(hex("/ip4/1.2.3.4/udp/1/webrtc"), "0401020304910200019902");
    // Multihash 12 02 cafe; the base64 and base32 are Python's.
    EXPECT_EQ(hex("/certhash/uEgLK_g"), "d203041202cafe");
    EXPECT_EQ(hex("/certhash/bcibmv7q"), "d203041202cafe");
    EXPECT_EQ(address("/certhash/bcibmv7q").text(), "/certhash/uEgLK_g");
    for (const std::string_view text : {"/unix/a//b/", "/memory/18446744073709551615",
                                        "/ip6/::/ipcidr/128", "/http-path/a%20%2F%FF~"})
        EXPECT_EQ(address(text).text(), text);
}

TEST(Multiaddr, reads_the_old_name_and_the_other_forms_of_a_peer_id) {
    const auto plain = address("/p2p/" + std::string{kPeer});
    EXPECT_EQ(address("/ipfs/" + std::string{kPeer}), plain);
    EXPECT_EQ(address("/p2p/" + plain.peer_id()->cid_base32()), plain);
    EXPECT_EQ(address("/p2p/" + plain.peer_id()->cid_base36()), plain);
    EXPECT_EQ(plain.text(), "/p2p/" + std::string{kPeer});
    EXPECT_EQ(Multiaddr::of_peer(*plain.peer_id()), plain);
}

TEST(Multiaddr, writes_ip6_as_rfc_5952_does) {
    EXPECT_EQ(address("/ip6/2001:DB8:0:0:1:0:0:1").text(), "/ip6/2001:db8::1:0:0:1");
    EXPECT_EQ(address("/ip6/::ffff:192.0.2.1").text(), "/ip6/::ffff:192.0.2.1");
    EXPECT_EQ(address("/ip6/2001:db8:0:1:1:1:1:1").text(), "/ip6/2001:db8:0:1:1:1:1:1");
}

TEST(Multiaddr, walks_over_its_components) {
    const auto whole = address("/ip4/1.2.3.4/tcp/4001/tls/ws/p2p/" + std::string{kPeer});
    std::vector<std::string> found;
    for (const auto& component : whole)
        found.push_back(std::string{to_string(component.code)} + "=" + component.text());
    EXPECT_EQ(found, (std::vector<std::string>{"ip4=1.2.3.4", "tcp=4001",
                                               "tls=", "ws=", "p2p=" + std::string{kPeer}}));
    EXPECT_EQ(whole.find(Code::tcp)->port(), 4001);
    EXPECT_FALSE(whole.find(Code::udp));
    auto at = whole.begin();
    EXPECT_EQ(at++->code, Code::ip4);
    EXPECT_EQ(*at, *address("/tcp/4001").begin());
    EXPECT_NE(*at, *address("/tcp/4002").begin());
    EXPECT_NE(*at, *address("/udp/4001").begin());
}

TEST(Multiaddr, knows_who_is_at_its_end) {
    const std::string relayed = "/ip4/1.2.3.4/tcp/1/p2p/" + std::string{kRelay} + "/p2p-circuit";
    EXPECT_FALSE(address(relayed).peer_id());
    EXPECT_EQ(address(relayed + "/p2p/" + std::string{kPeer}).peer_id()->text(), kPeer);
    EXPECT_FALSE(address("/ip4/1.2.3.4").peer_id());
}

TEST(Multiaddr, is_put_together_and_taken_apart) {
    const auto outer = address("/ip4/1.2.3.4/tcp/1");
    const auto peer = address("/p2p/" + std::string{kPeer});
    const auto whole = *outer.encapsulate(peer);
    EXPECT_EQ(whole.text(), "/ip4/1.2.3.4/tcp/1/p2p/" + std::string{kPeer});
    EXPECT_EQ(whole.decapsulate(Code::p2p), outer);
    EXPECT_FALSE(outer.decapsulate(Code::p2p));
    EXPECT_FALSE(peer.decapsulate(Code::p2p));  // nothing is left
    // The last of its kind.
    const auto twice = *whole.encapsulate(address("/p2p-circuit/p2p/" + std::string{kRelay}));
    EXPECT_EQ(twice.decapsulate(Code::p2p), *whole.encapsulate(address("/p2p-circuit")));
    EXPECT_EQ(address("/unix/a").encapsulate(peer).error().code, Errc::malformed);
}

TEST(Multiaddr, says_at_which_character_what_was_expected) {
    const auto expect = [](std::string_view text, Errc code, std::uint64_t at,
                           std::string_view what) {
        const auto parsed = Multiaddr::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, code) << text;
        EXPECT_EQ(parsed.error().at, at) << text;
        EXPECT_NE(parsed.error().what.find(what), std::string_view::npos) << parsed.error().what;
    };
    expect("", Errc::malformed, 0, "without components");
    expect("/", Errc::malformed, 0, "without components");
    expect("//", Errc::unknown_type, 1, "not known");
    expect("ip4/1.2.3.4", Errc::malformed, 0, "expected /");
    expect("/ip4", Errc::malformed, 4, "ends where a value belongs");
    expect("/ip4/", Errc::malformed, 5, "IPv4");
    expect("/ip4/1.2.3.4/nosuch/1", Errc::unknown_type, 13, "not known");
    expect("/ip4/1.2.3.04", Errc::malformed, 5, "IPv4");
    expect("/ip4/1.2.3.4/tcp/65536", Errc::malformed, 17, "port");
    for (const auto* port : {"/tcp/", "/tcp/+1", "/tcp/01", "/tcp/0x1", "/tcp/ 1"})
        expect(port, Errc::malformed, 5, "port");
    expect("/ip6/fe80::1%eth0", Errc::malformed, 5, "IPv6");
    expect(std::string_view{"/ip6/::1\0", 9}, Errc::malformed, 5, "IPv6");
    expect("/ip6/::/ipcidr/129", Errc::malformed, 15, "bits");
    expect("/dns//tcp/1", Errc::malformed, 5, "name");
    expect("/dns/a b", Errc::malformed, 5, "name");
    expect("/dns/caf\xc3\xa9", Errc::malformed, 5, "name");
    expect("/dns/" + std::string(254, 'a'), Errc::malformed, 5, "name");
    expect("/p2p/notapeer", Errc::malformed, 5, "peer id");
    expect("/unix", Errc::malformed, 5, "path");
    expect("/unix/", Errc::malformed, 5, "path");
    expect("/unix/a\nb", Errc::malformed, 5, "path");
    expect("/memory/01", Errc::malformed, 8, "number");
    expect("/memory/18446744073709551616", Errc::malformed, 8, "number");
    expect("/http-path/%4", Errc::malformed, 11, "percent");
    expect("/http-path/a%", Errc::malformed, 11, "percent");
    expect("/http-path/%zz", Errc::malformed, 11, "percent");
    expect("/http-path/", Errc::malformed, 11, "percent");
    expect("/certhash/uEgPK_g", Errc::malformed, 10, "multihash");  // 3 bytes announced, 2 there
    expect("/certhash/EgLK_g", Errc::malformed, 10, "multihash");
    expect("/tls//", Errc::unknown_type, 5, "not known");
}

TEST(Multiaddr, says_at_which_byte_what_was_expected) {
    const auto expect = [](std::string_view bytes, Errc code, std::uint64_t at) {
        const auto read = Multiaddr::from_bytes(*from_hex(bytes));
        ASSERT_FALSE(read) << bytes;
        EXPECT_EQ(read.error().code, code) << bytes;
        EXPECT_EQ(read.error().at, at) << bytes;
    };
    expect("", Errc::truncated, 0);
    expect("047f0000", Errc::truncated, 1);
    expect("047f000001ff01", Errc::unknown_type, 5);
    expect("840004000000", Errc::malformed, 0);  // a code that is not minimal
    expect("ffffffffffffffffffff01", Errc::oversized, 0);
    expect("3502610601", Errc::malformed, 2);  // "a\x06" is no name
    expect("3503612f62", Errc::malformed, 2);  // nor is "a/b"
    expect("35056100", Errc::truncated, 2);
    expect("2b81", Errc::malformed, 1);
    expect("a50300", Errc::malformed, 3);
    expect("90030161", Errc::malformed, 3);          // a relative path
    expect("9003022f610601bb", Errc::malformed, 5);  // tcp behind a path
    expect("d203031202ca", Errc::malformed, 3);      // a hash without its last byte
    expect("d203051202cafe00", Errc::malformed, 3);  // one behind it
    expect("d203021200", Errc::malformed, 3);        // an empty one
    expect("8906023031", Errc::malformed, 3);        // "01"
    expect("e10300", Errc::malformed, 3);
    expect("e103026162", Errc::malformed, 3);  // without a slash
    expect("e103012f", Errc::malformed, 3);
}

TEST(Multiaddr, has_at_most_1_kib_and_32_components) {
    std::string text;
    for (int i = 0; i < 32; ++i) text += "/tls";
    EXPECT_TRUE(Multiaddr::from_bytes(address(text).view()));
    const auto longer = Multiaddr::parse(text + "/tls");
    EXPECT_EQ(longer.error().code, Errc::oversized);
    EXPECT_EQ(longer.error().at, text.size());
    const auto full = address(text);
    Bytes more = to_bytes(full.view());
    const auto tls = address("/tls");
    more.insert(more.end(), tls.view().begin(), tls.view().end());
    EXPECT_EQ(Multiaddr::from_bytes(more).error().code, Errc::oversized);
    EXPECT_EQ(Multiaddr::from_bytes(more).error().at, full.view().size());
    EXPECT_EQ(full.encapsulate(full).error().code, Errc::oversized);

    const auto largest = address("/unix/" + std::string(1024 - 5, 'a'));
    EXPECT_EQ(largest.view().size(), 1024u);
    EXPECT_TRUE(Multiaddr::from_bytes(largest.view()));
    EXPECT_EQ(Multiaddr::parse("/unix/" + std::string(1024 - 4, 'a')).error().code,
              Errc::oversized);
    Bytes bytes = to_bytes(largest.view());
    bytes.push_back('a');
    ++bytes[2];  // its length prefix
    EXPECT_EQ(Multiaddr::from_bytes(bytes).error().code, Errc::oversized);
    EXPECT_EQ(Multiaddr::parse(std::string(4097, '/')).error().code, Errc::oversized);
    EXPECT_NE(Multiaddr::parse(std::string(4096, '/')).error().code, Errc::oversized);
}

}  // namespace
}  // namespace sennit::libp2p
