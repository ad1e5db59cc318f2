// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"
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
};

/// Cuts a byte stream into frames, one a call:
///
///     while (!input.empty()) {
///         auto frame = reader.feed(input);
///         if (!frame) return close(frame.error());
///         if (*frame) handle(**frame);
///     }
///
/// A frame that is whole in the input is not copied. Memory grows with bytes received, never with
/// bytes promised: a peer that announces 16 MiB and sends nothing costs us its head. What a partial
/// frame holds above 64 KiB is drawn from the budget.
class FrameReader {
  public:
    /// Both must outlive the reader.
    FrameReader(const FrameLayout& layout, FrameBudget& budget)
        : layout_{&layout}, budget_{&budget} {}
    ~FrameReader() { drop(); }
    FrameReader(const FrameReader&) = delete;
    FrameReader& operator=(const FrameReader&) = delete;

    /// Consumes bytes from the front of `input`: up to the end of the first frame, or all.
    ///
    /// Errors: the layout's; Errc::oversized above its limit; Errc::busy when the budget is spent.
    /// After an error the stream has lost its sync: every later call fails the same way.
    Result<std::optional<Frame>> feed(BytesView& input);

    /// Bytes of a frame that is not whole.
    std::size_t partial() const { return buffer_.size(); }

  private:
    Result<std::optional<FrameHead>> checked_head(BytesView prefix) const;
    Result<void> append(BytesView& input, std::size_t wanted);
    void drop();
    Error fail(Error error);

    const FrameLayout* layout_;
    FrameBudget* budget_;
    Bytes buffer_;
    std::size_t reserved_{0};
    bool handed_out_{false};  // buffer_ is the frame that the last call returned
    std::optional<FrameHead> head_;
    std::optional<Error> failed_;
};

}  // namespace sennit::protocol
