// SPDX-License-Identifier: MIT
#include "libp2p/multistream/multistream.hpp"

#include <gmock/gmock.h>

#include "libp2p/vectors.hpp"

namespace sennit::libp2p::multistream {
namespace {

using ::testing::HasSubstr;

Bytes messages(std::initializer_list<std::string_view> texts) {
    Writer out;
    for (const auto text : texts) write_message(out, text);
    return std::move(out).take();
}

Listener speaking(std::vector<std::string> protocols) {
    return Listener{[protocols](std::string_view name) {
        return std::ranges::find(protocols, name) != protocols.end();
    }};
}

/// The whole of `stream` in pieces of `step` bytes, until something is agreed on or wrong.
template <class Side>
Result<std::optional<std::string>> feed(Side& side, BytesView stream, std::size_t step, Bytes& out,
                                        Bytes* rest = nullptr) {
    while (!stream.empty()) {
        const auto size = std::min(step, stream.size());
        auto in = stream.first(size);
        auto chosen = side.on_bytes(in, out);
        stream = stream.subspan(size - in.size());
        if (!chosen || *chosen) {
            if (rest != nullptr) *rest = to_bytes(stream);
            return chosen;
        }
        EXPECT_TRUE(in.empty()) << "what is not enough is kept";
    }
    return std::optional<std::string>{};
}

TEST(Multistream, writes_and_reads_the_golden_messages) {
    const auto file = vectors::load("multistream");
    for (const auto& item : *file.get_array("vectors")) {
        const auto text = *item.get_text("text");
        const auto bytes = vectors::hex(item, "bytes");
        EXPECT_EQ(messages({text}), bytes) << text;
        MessageCutter cutter;
        BytesView in{bytes};
        const auto read = cutter.next(in);
        ASSERT_TRUE(read && *read) << text;
        EXPECT_EQ(**read, text);
    }
}

TEST(Multistream, a_lazy_dialler_sends_header_and_proposal_in_one_write) {
    const auto file = vectors::load("multistream");
    Dialler dialler{{"/noise"}};
    Bytes out;
    dialler.start(out);
    EXPECT_EQ(out, vectors::hex(*file.find("lazy_dialer_example"), "bytes"));
}

TEST(Multistream, agrees_on_the_first_that_both_speak_wherever_the_stream_is_cut) {
    for (std::size_t step = 1; step < 80; ++step) {
        Dialler dialler{{"/a", "/b/1", "/c"}};
        auto listener = speaking({"/c", "/b/1"});
        Bytes to_listener;
        Bytes to_dialler;
        dialler.start(to_listener);
        ASSERT_FALSE(*feed(listener, to_listener, step, to_dialler));
        to_listener.clear();
        ASSERT_FALSE(*feed(dialler, to_dialler, step, to_listener));
        to_dialler.clear();
        EXPECT_EQ(*feed(listener, to_listener, step, to_dialler), "/b/1");
        to_listener.clear();
        EXPECT_EQ(*feed(dialler, to_dialler, step, to_listener), "/b/1");
        EXPECT_TRUE(to_listener.empty());
    }
}

TEST(Multistream, leaves_what_follows_to_the_protocol) {
    for (std::size_t step : {1u, 7u, 1000u}) {
        auto stream = messages({kHeader, "/ping"});
        stream.insert(stream.end(), {1, 2, 3});
        auto listener = speaking({"/ping"});
        Bytes out;
        Bytes rest;
        EXPECT_EQ(*feed(listener, stream, step, out, &rest), "/ping");
        EXPECT_EQ(rest, (Bytes{1, 2, 3}));
        EXPECT_EQ(out, messages({kHeader, "/ping"}));

        Dialler dialler{{"/ping"}};
        Bytes first;
        dialler.start(first);
        EXPECT_EQ(*feed(dialler, stream, step, out, &rest), "/ping");
        EXPECT_EQ(rest, (Bytes{1, 2, 3}));
    }
}

TEST(Multistream, says_so_when_nothing_is_common) {
    Dialler dialler{{"/a", "/b"}};
    Bytes out;
    dialler.start(out);
    const auto end = feed(dialler, messages({kHeader, "na", "na"}), 9, out);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Errc::unsupported);
    EXPECT_THAT(end.error().text(), HasSubstr("/a, /b"));
}

TEST(Multistream, answers_ls_with_na) {
    auto listener = speaking({"/a"});
    Bytes out;
    EXPECT_FALSE(*feed(listener, messages({kHeader, "ls"}), 100, out));
    EXPECT_EQ(out, messages({kHeader, "na"}));
}

TEST(Multistream, names_what_is_wrong_and_where) {
    struct Bad {
        Bytes stream;
        Errc code;
        const char* text;
    };
    Bytes no_newline = messages({kHeader});
    no_newline.insert(no_newline.end(), {2, 'a', 'b'});
    Bytes http{'G', 'E', 'T', ' '};
    http.resize(100, 'x');
    for (const auto& [stream, code, text] :
         {Bad{messages({"/multistream/2.0.0"}), Errc::malformed, "/multistream/2.0.0"},
          Bad{no_newline, Errc::malformed, "newline at byte 23"},
          Bad{http, Errc::malformed, "newline"}, Bad{{0}, Errc::malformed, "newline at byte 1"},
          Bad{{0x81, 0x08}, Errc::oversized, "at byte 0"},
          Bad{{0x80, 0x00}, Errc::malformed, "not minimal at byte 0"}}) {
        for (std::size_t step : {1u, 1000u}) {
            auto listener = speaking({"/a"});
            Bytes out;
            const auto end = feed(listener, stream, step, out);
            ASSERT_FALSE(end) << text;
            EXPECT_EQ(end.error().code, code) << text;
            EXPECT_THAT(end.error().text(), HasSubstr(text));
        }
    }
}

TEST(Multistream, takes_no_answer_to_another_question) {
    Dialler dialler{{"/a"}};
    Bytes out;
    dialler.start(out);
    const auto end = feed(dialler, messages({kHeader, "/b\x01"}), 100, out);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Errc::mismatch);
    EXPECT_THAT(end.error().text(), HasSubstr("\"/b?\""));
}

TEST(Multistream, ends_a_dialler_that_only_proposes) {
    auto listener = speaking({});
    Bytes out;
    Writer stream;
    write_message(stream, kHeader);
    for (std::size_t i = 0; i <= kProposalsMax; ++i) write_message(stream, "/x");
    const auto end = feed(listener, stream.bytes(), 100, out);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Errc::busy);
    EXPECT_LE(out.size(), 20 + kProposalsMax * 4);
}

}  // namespace
}  // namespace sennit::libp2p::multistream
