// SPDX-License-Identifier: MIT
#pragma once

namespace sennit::io {

/// Call first in `main`: keeps up to 32 MiB that the heap has and does not use, instead of giving
/// them back to the kernel.
///
/// By default the heap's end goes back with every buffer of 64 KiB that lies there, and is fetched
/// again, page by page, for the next one: four fifths of a busy connection's time, measured with
/// bench/p2p.py. Without glibc: nothing.
void keep_heap();

}  // namespace sennit::io
