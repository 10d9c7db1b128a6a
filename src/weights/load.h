// Between safetensors files and torch: named tensors out of files, files into a net's parameters, and back.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/lora.h"
#include "checkpoint/safetensors.h"

namespace unclip {

struct LoadOptions {
  std::optional<torch::Dtype> dtype = {};  // of floating-point tensors; empty: each as its file holds it
  torch::Device device = torch::kCPU;
  bool writable = false;  // own memory for every tensor, for training: a mapping must not be written
  std::shared_ptr<const LoraParts> loras = {};  // merged into the weights; null: none
};

// What a set of files and a net do not agree on; one line of text each.
struct Misfits {
  std::vector<std::string> missing;    // wanted by the net, in no file
  std::vector<std::string> unused;     // in a file, unknown to the net
  std::vector<std::string> misshapen;  // in both, with different shapes or kinds of numbers

  bool empty() const { return missing.empty() && unused.empty() && misshapen.empty(); }
  // Several lines: the first 20 of each kind, then a count.
  std::string summary() const;
};

// torch's name of a dtype; throws Error(model) for the types that torch has no storage for.
torch::Dtype torch_dtype(Dtype dtype, const std::string& where);

// A tensor on the mapping itself, without a copy; it keeps the file alive and must not be written. When it
// dies its pages go back to the system, so that weights which are copied elsewhere never stand in memory
// twice.
torch::Tensor as_tensor(const std::shared_ptr<SafetensorsFile>& file, const TensorInfo& info);

// All tensors of one file by name, each a copy-free view of the mapping.
std::map<std::string, torch::Tensor> read_tensors(const std::filesystem::path& path);

// Compares names and shapes only; touches no weight. A name that stands in two files counts as unused.
Misfits compare_weights(const torch::nn::Module& module, const std::vector<std::filesystem::path>& files);

// Throws as load_weights() would.
void expect_fit(const torch::nn::Module& module, const std::vector<std::filesystem::path>& files);

// Fills every parameter and buffer of `module` by name; throws Error(model) listing all misfits. Tensors
// whose dtype and device already are the wanted ones stay on the mapping; the others are converted one by
// one.
void load_weights(torch::nn::Module& module, const std::vector<std::filesystem::path>& files,
                  const LoadOptions& options = {});

// Writes a whole file or none, in place of one that is there (support/atomic_file.h). Throws Error(io).
void save_tensors(const std::filesystem::path& path, const std::map<std::string, torch::Tensor>& tensors,
                  const std::map<std::string, std::string>& metadata = {});

}  // namespace unclip
