// What becomes of each file of a model folder, decided before anything is written. Within this module only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace unclip {

enum class FileTask { copy, weights, index };

struct PlannedFile {
  std::filesystem::path from;  // to read
  std::filesystem::path to;    // relative to the new folder
  FileTask task = FileTask::copy;
};

struct FolderPlan {
  std::vector<PlannedFile> files{};     // in order of `to`, which differ
  std::vector<std::string> left_out{};  // "FILE: why"
};

// Throws Error(io) for a folder that cannot be read, Error(model) for one that nests too deeply or holds too
// many files.
FolderPlan plan_folder(const std::filesystem::path& folder);

// .bin, .pt, .ckpt and others.
bool has_pickle_name(const std::filesystem::path& file);

// "pytorch_model-00001-of-00002.bin" → "model-00001-of-00002.safetensors",
// "pytorch_model.bin.index.json" → "model.safetensors.index.json"; others: empty.
std::string weights_name(const std::string& name);
std::string index_name(const std::string& name);

}  // namespace unclip
