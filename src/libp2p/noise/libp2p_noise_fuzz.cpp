// SPDX-License-Identifier: MIT
/// First byte odd: the rest is a handshake's payload. Even: two sides talk through a stream that
/// the rest cuts and changes; whatever it does, a side may take for good only what the other said.
#include <algorithm>

#include "libp2p/noise/noise_fixture.hpp"

using namespace sennit;
using namespace sennit::libp2p::noise;

namespace {

constexpr std::size_t kStepsMax = 200;
/// Of each side, so that a run stays short: a frame of full size and some more.
constexpr std::size_t kTextMax = 80 * 1'024;

/// Keys are the same in all runs: making them is most of a short run's time.
const Handshake::Options& options_of(Role role) {
    static const auto initiator = fixture::options(Role::initiator);
    static const auto responder = fixture::options(Role::responder);
    return role == Role::initiator ? initiator : responder;
}

bool begins_with(BytesView whole, BytesView beginning) {
    return beginning.size() <= whole.size() &&
           std::equal(beginning.begin(), beginning.end(), whole.begin());
}

/// One end: remembers all that it said and took, so that the two can be compared.
class End {
  public:
    explicit End(Role role) : handshake_{options_of(role)} {
        handshake_.start(sent);
        said_ = sent;
    }

    void say(std::size_t size) {
        if (!secured_ || failed_ || said_text_.size() + size > kTextMax) return;
        // No two places alike, so that text that comes twice is no beginning of what was said.
        const auto start = said_text_.size();
        for (auto at = start; at < start + size; ++at)
            said_text_.push_back(static_cast<std::uint8_t>(at * 7 + at / 256));
        SENNIT_ASSERT(secured_->channel.seal(BytesView{said_text_}.subspan(start), sent));
    }

    void hear(BytesView bytes, const End& other) {
        if (failed_) return check_final(bytes);
        if (!secured_) {
            heard_.insert(heard_.end(), bytes.begin(), bytes.end());
            const auto start = sent.size();
            auto taken = handshake_.on_bytes(bytes, sent);
            handshake_.check_invariants();
            said_.insert(said_.end(), sent.begin() + static_cast<std::ptrdiff_t>(start),
                         sent.end());
            failed_ = !taken;
            SENNIT_ASSERT(!failed_ || sent.size() == start);
            if (!taken || !*taken) return;
            secured_ = *std::move(*taken);
            const BytesView handshake{heard_.data(), heard_.size() - bytes.size()};
            SENNIT_ASSERT(begins_with(other.said_, handshake));
        }
        const auto start = heard_text_.size();
        failed_ = !secured_->channel.open(bytes, heard_text_);
        heard_size_ = heard_text_.size();
        secured_->channel.check_invariants();
        SENNIT_ASSERT(failed_ || bytes.empty());
        const BytesView said{other.said_text_};
        SENNIT_ASSERT(begins_with(said.subspan(start), BytesView{heard_text_}.subspan(start)));
    }

    /// Of an end that nobody disturbed.
    void check_whole(const End& other) const {
        SENNIT_ASSERT(!failed_ && secured_ && secured_->channel.at_boundary());
        SENNIT_ASSERT(heard_text_ == other.said_text_);
        SENNIT_ASSERT(secured_->handshake_hash == other.secured_->handshake_hash);
    }

    Bytes sent;     ///< and not yet carried
    Bytes carried;  ///< the piece before

  private:
    void check_final(BytesView bytes) {
        if (secured_) {
            SENNIT_ASSERT(!secured_->channel.open(bytes, heard_text_));
            SENNIT_ASSERT(heard_text_.size() == heard_size_);
        } else {
            const auto start = sent.size();
            SENNIT_ASSERT(!handshake_.on_bytes(bytes, sent) && sent.size() == start);
        }
    }

    Handshake handshake_;
    std::optional<Secured> secured_;
    bool failed_{false};
    Bytes said_, heard_;            ///< of the handshake, and what came right behind it
    Bytes said_text_, heard_text_;  ///< of the channel
    std::size_t heard_size_{0};     ///< of text, when it failed
};

/// The next `size` bytes of what `from` sent, or as many as there are.
Bytes taken_from(End& from, std::size_t size) {
    auto& sent = from.sent;
    const auto end = sent.begin() + static_cast<std::ptrdiff_t>(std::min(size, sent.size()));
    from.carried.assign(sent.begin(), end);
    sent.erase(sent.begin(), end);
    return from.carried;
}

void talk(Reader in) {
    End a{Role::initiator};
    End b{Role::responder};
    bool disturbed = false;
    for (std::size_t i = 0; i < kStepsMax && in.remaining() >= 2; ++i) {
        const auto what = *in.le<std::uint8_t>();
        const auto how = *in.le<std::uint8_t>();
        End& from = (what & 0x80u) != 0 ? b : a;
        End& to = (what & 0x80u) != 0 ? a : b;
        switch (what % 8) {
            case 0:
            case 1: to.hear(taken_from(from, how), from); break;
            case 2: to.hear(taken_from(from, from.sent.size()), from); break;
            case 3: from.say(how); break;
            case 4: from.say(std::size_t{how} * 1'024); break;
            case 5:
                disturbed = true;
                if ((what & 0x40u) != 0) {
                    to.hear(from.carried, from);
                } else {
                    to.hear(*in.take(std::min<std::size_t>(how, in.remaining())), from);
                }
                break;
            case 6:
                if (from.sent.empty()) break;
                disturbed = true;
                from.sent[how % from.sent.size()] ^= static_cast<std::uint8_t>(1u << what / 16 % 8);
                break;
            default: disturbed = true; taken_from(from, how);
        }
    }
    for (int i = 0; i < 3; ++i) {
        b.hear(taken_from(a, a.sent.size()), a);
        a.hear(taken_from(b, b.sent.size()), b);
    }
    if (disturbed) return;
    a.check_whole(b);
    b.check_whole(a);
}

void decode(BytesView bytes) {
    const auto payload = HandshakePayload::decode(bytes);
    if (!payload) return;
    const auto again = HandshakePayload::decode(payload->encode());
    SENNIT_ASSERT(again && *again == *payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto rest = BytesView{data, size}.subspan(1);
    if (data[0] % 2 == 1) {
        decode(rest);
    } else {
        talk(Reader{rest});
    }
    return 0;
}
