// The tiny folder that varies images: parts of karlo-tiny with an image encoder.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace unclip {

// `prior`: with karlo-tiny's, so that it draws from text, too.
inline std::filesystem::path make_karlo_variations(const std::filesystem::path& folder, bool prior = false) {
  const std::filesystem::path data = UNCLIP_TEST_DATA, own = data / "karlo-variations",
                              tiny = data / "karlo-tiny";
  const auto read = [](const std::filesystem::path& file) {
    std::ifstream in(file);
    return nlohmann::ordered_json::parse(in);
  };
  std::filesystem::create_directories(folder);
  nlohmann::ordered_json index = read(own / "model_index.json");
  if (prior)
    for (const char* part : {"prior", "prior_scheduler"})
      index[part] = read(tiny / "model_index.json").at(part);
  for (const auto& [part, classes] : index.items())
    if (classes.is_array())
      std::filesystem::create_directory_symlink((exists(own / part) ? own : tiny) / part, folder / part);
  std::ofstream(folder / "model_index.json") << index;
  return folder;
}

}  // namespace unclip
