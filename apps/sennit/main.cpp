// SPDX-License-Identifier: MIT
#include <cstdlib>  // says whose C library it is

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cli/cli.hpp"

int main(int argc, char** argv) {
#ifdef __GLIBC__
    // By default the heap's end goes back to the kernel with every buffer of 64 KiB that lies there,
    // and is fetched again, page by page, for the next: half of the time of a busy connection.
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    mallopt(M_TOP_PAD, 4 << 20);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
#endif
    return sennit::cli::run(argc, argv);
}
