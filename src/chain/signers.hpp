// SPDX-License-Identifier: MIT
#pragma once

#include "primitives/vote.hpp"

/// Who signed what, when several certificates of one link are about.
///
/// A leader is paid for every signer that its header's bitmap names (CHAIN rule 24), so the bitmap
/// is believed only when a certificate shows a signature of each (rule 5): else every leader would
/// name all of the set. Certificates of one link differ in their signers; their union is one too,
/// and a node that keeps the union of all it saw can show any of them (docs/adr/0004).
namespace sennit::chain {

/// Every bit of `part` is set in `bitmap`. Both fit the same quorum.
bool covers(std::span<const std::uint8_t> bitmap, std::span<const std::uint8_t> part);

/// The signers of both; `held` itself if `other` adds none. Links and bitmap sizes must be equal.
CertificatePtr merged(const CertificatePtr& held, const CertificatePtr& other);

}  // namespace sennit::chain
