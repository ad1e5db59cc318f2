// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "protocol/framing/frame_budget.hpp"

namespace sennit::protocol {

/// What the first bytes of a frame say.
struct FrameHead {
    std::uint8_t type{0};
    std::size_t head_size{0};     ///< bytes before the payload
    std::size_t payload_size{0};  ///< as announced
};

/// One frame. `payload` lies in the input or in the reader, and is valid until the next `feed`.
struct Frame {
    std::uint8_t type{0};
    BytesView payload;
    std::size_t wire_size{0};
    bool passed_over{false};  ///< nobody wanted it: `payload` is empty, whatever came
};

/// How one protocol frames, and how much it takes of each type.
class FrameLayout {
  public:
    /// Longest head of any layout here; what `parse` is given at most.
    static constexpr std::size_t kHeadSizeMax = 16;

    virtual ~FrameLayout() = default;
    /// The head, nullopt if more bytes are needed, or why this cannot be a frame.
    virtual Result<std::optional<FrameHead>> parse(BytesView prefix) const = 0;
    /// The largest payload of `type` that is taken now; asked before anything is buffered.
    /// Errc::unknown_type for a type that ends the link.
    virtual Result<std::size_t> payload_size_max(std::uint8_t type) const = 0;
    /// False for a frame whose payload would not be looked at: it is passed over as it comes, and
    /// costs no memory. Asked once a frame.
    virtual bool is_wanted(std::uint8_t type) const {
        static_cast<void>(type);
        return true;
    }
};

/// Cuts a byte stream into frames, one a call:
///
///     while (true) {
///         auto frame = reader.feed(input, now);
///         if (!frame) return close(frame.error());
///         if (!*frame) return;  // all of the input is taken
///         handle(**frame);
///     }
///
/// A frame that is whole in the input is not copied. Memory grows with bytes received, never with
/// bytes promised: a peer that announces 16 MiB and sends nothing costs us its head. What a partial
/// frame holds above 64 KiB is drawn from the budget, and only for a time: such a frame has a
/// `deadline`, or a byte every minute would keep its place for days.
class FrameReader {
  public:
    /// A frame above FrameBudget::kFree may take so long, and as long again as its announced size
    /// takes at the least rate. An answer that came slower would long have been asked for
    /// elsewhere.
    static constexpr Duration kFrameTime = std::chrono::seconds{30};
    static constexpr std::size_t kFrameRateMin = 64 * 1024;  ///< bytes a second

    /// Both must outlive the reader.
    FrameReader(const FrameLayout& layout, FrameBudget& budget)
        : layout_{&layout}, partial_{budget} {}

    /// Consumes bytes from the front of `input`: up to the end of the first frame, or all. What was
    /// buffered for a frame is given back by the call after the one that returned it.
    ///
    /// Errors: the layout's; Errc::oversized above its limit; Errc::busy when others need the
    /// budget. After an error the stream has lost its sync: every later call fails the same way.
    Result<std::optional<Frame>> feed(BytesView& input, Instant now);

    /// Bytes kept of a frame that is not whole.
    std::size_t partial() const { return partial_.size(); }
    /// By when the partial frame must be whole; the owner closes the link if it is not. Changes in
    /// calls of this reader alone, not when others push its bytes out of the budget.
    std::optional<Instant> deadline() const { return deadline_; }
    /// The time until now does not count: nothing was read in it.
    void restart_clock(Instant now);

  private:
    Result<std::optional<FrameHead>> checked_head(BytesView prefix) const;
    Frame frame(const FrameHead& head, BytesView payload, bool wanted) const;
    Result<void> read_head(BytesView& input, Instant now);
    Duration frame_time() const;
    void drop();
    Error fail(Error error);

    const FrameLayout* layout_;
    PartialFrame partial_;
    bool handed_out_{false};  // partial_ is the frame that the last call returned
    std::optional<FrameHead> head_;
    std::optional<std::size_t> unwanted_left_;  // bytes to pass over, of a frame nobody wants
    std::optional<Instant> deadline_;
    std::optional<Error> failed_;
};

}  // namespace sennit::protocol
