// mkdtemp and its end (see the header).
#include "support/private_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

#include "unclip/error.h"

namespace unclip {

PrivateFolder::PrivateFolder(const std::filesystem::path& parent, const std::string& prefix) {
  std::string name = (parent / (prefix + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)  // 0700
    throw Error(ExitCode::io, parent.string() + ": cannot create a folder there: " + std::strerror(errno),
                "set TMPDIR to a folder that is writable");
  path_ = name;
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace unclip
