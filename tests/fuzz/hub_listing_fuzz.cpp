// The hub's answers: whatever they say, the files that are chosen stay inside the model's folder.
#include <cstdlib>
#include <string>

#include "hub/repo_listing.h"
#include "hub/selection.h"
#include "unclip/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string index = R"({"prior": ["d", "P"], "tokenizer": ["t", "C"]})";
  try {
    const auto listing = unclip::parse_listing(text, {.repo = {"org", "name"}});
    for (const auto& file : listing.files)
      if (file.name.empty() || file.name.front() == '/' || file.name.find('\0') != std::string::npos ||
          ('/' + file.name + '/').find("/../") != std::string::npos)
        std::abort();
    select_files(listing, index, unclip::DtypeChoice::f16);
  } catch (const unclip::Error&) {
  }
  try {
    unclip::select_files({}, text, unclip::DtypeChoice::automatic);
  } catch (const unclip::Error&) {
  }
  if (const auto repo = unclip::find_repo(text))
    if (repo->repo.folder().find('/') != std::string::npos || repo->revision.find("..") != std::string::npos)
      std::abort();
  return 0;
}
