// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/message.hpp"

/// The bytes of the skeleton protocols: a kind, then the chain's own encodings.
namespace sennit::protocol::conformance {

constexpr std::size_t kPlainSizeMax = 256 * 1024;

inline const KindSet kPlainKinds{Kind::status,     Kind::transactions, Kind::new_block,
                                 Kind::get_blocks, Kind::blocks,       Kind::votes};
inline const FormSet kPlainForms{Form::blocks_by_height};

/// nullopt: no word for this kind or form.
std::optional<Bytes> encode_plain(const Message& message);
Result<MessagePtr> decode_plain(BytesView bytes);

}  // namespace sennit::protocol::conformance
