// SPDX-License-Identifier: MIT
#include "cli/cli.hpp"
#include "io/heap.hpp"

int main(int argc, char** argv) {
    sennit::io::keep_heap();
    return sennit::cli::run(argc, argv);
}
