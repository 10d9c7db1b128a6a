// `unclip info FILE.png…`: the parameters inside images.
#pragma once

#include <filesystem>
#include <ostream>
#include <vector>

namespace unclip {

struct InfoOptions {
  std::vector<std::filesystem::path> files;
  bool json = false;  // one JSON object a line: {"file": …, "metadata": {…} or null}
};

// Prints what is inside each image and returns the exit code. A whole PNG without our block is no error: it
// says "no unclip parameters" (JSON: null). An unreadable file gets one line in the log, the others are still
// read, and the exit code is ExitCode::io.
int info(const InfoOptions& options, std::ostream& out);

}  // namespace unclip
