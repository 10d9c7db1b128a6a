// The command line: argv → one verb's options → its function. Nothing throws past run().
#pragma once

namespace unclip {

// Returns the exit code (support/error.h).
int run(int argc, char** argv);

}  // namespace unclip
