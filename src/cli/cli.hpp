// SPDX-License-Identifier: MIT
#pragma once

namespace sennit::cli {

/// The whole program behind `sennit`: reads the arguments, runs one command, and answers with its
/// exit status: 0 done, 1 it failed (the reason is on standard error), 2 the arguments are wrong.
int run(int argc, char** argv);

}  // namespace sennit::cli
