// A folder that only its user may enter, removed with all that is in it when this object goes.
#pragma once

#include <filesystem>
#include <string>

namespace unclip {

class PrivateFolder {
 public:
  // PREFIX and random letters, in `parent`. Throws Error(io).
  PrivateFolder(const std::filesystem::path& parent, const std::string& prefix);
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace unclip
