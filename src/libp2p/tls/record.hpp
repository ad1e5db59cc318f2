// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::libp2p::tls {

/// Cuts TLS records out of a stream, so that OpenSSL gets them whole and one at a time, and never
/// holds what belongs to the next stage. Only the header is looked at (RFC 8446, 5.1).
///
/// Room grows with what came, at most to one record: who announces much and sends little costs
/// little. A stream at rest between two records holds nothing.
class RecordCutter {
  public:
    static constexpr std::size_t kHeaderSize = 5;
    /// Of a record's text.
    static constexpr std::size_t kPlainMax = 16 * 1024;
    /// A sealed one carries up to 256 bytes more.
    static constexpr std::size_t kRecordMax = kHeaderSize + kPlainMax + 256;

    /// The next record with its header, valid until the next call; nullopt: needs more bytes. Ask
    /// until then.
    ///
    /// Errors, at the record's first byte in the stream, all final: malformed for what is no TLS
    /// record, or an empty one; oversized.
    Result<std::optional<BytesView>> next(BytesView& in);

    std::size_t kept() const { return kept_.capacity(); }
    /// Where the next record begins, in the stream.
    std::uint64_t offset() const { return record_at_; }
    void check_invariants() const;

  private:
    Result<std::size_t> record_size(BytesView header) const;
    bool keep(BytesView& in, std::size_t size);

    Bytes kept_;  ///< the record under way, or that was given last
    bool given_{false};
    std::uint64_t record_at_{0};
};

}  // namespace sennit::libp2p::tls
