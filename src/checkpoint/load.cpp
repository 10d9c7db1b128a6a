// Fills nets from safetensors files: strict, by name, and without a second copy of the weights in memory.
#include "checkpoint/load.h"

#include <set>
#include <sstream>

#include "unclip/error.h"

namespace unclip {

namespace {

using Files = std::vector<std::shared_ptr<SafetensorsFile>>;

// Keys that only a training framework wrote: buffers that the reference computes anew.
bool is_framework_key(const std::string& name) {
  constexpr std::string_view suffix = "position_ids";
  return name.ends_with(suffix) &&
         (name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.');
}

Files open_all(const std::vector<std::filesystem::path>& paths) {
  Files files;
  for (const auto& path : paths) files.push_back(SafetensorsFile::open(path));
  return files;
}

// The tensors of a net that a checkpoint fills: its parameters and buffers.
std::map<std::string, torch::Tensor> wanted_tensors(const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> wanted;
  for (const auto& parameter : module.named_parameters()) wanted[parameter.key()] = parameter.value();
  for (const auto& buffer : module.named_buffers()) wanted[buffer.key()] = buffer.value();
  return wanted;
}

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

Misfits compare(const std::map<std::string, torch::Tensor>& wanted, const Files& files) {
  Misfits misfits;
  std::set<std::string> found;
  for (const auto& file : files) {
    for (const TensorInfo& info : file->tensors()) {
      if (is_framework_key(info.name)) continue;
      const auto it = wanted.find(info.name);
      if (!found.insert(info.name).second)
        misfits.unused.push_back(info.name + " (duplicate, in " + file->path().filename().string() + ")");
      else if (it == wanted.end())
        misfits.unused.push_back(info.name);
      else if (it->second.sizes() != at::IntArrayRef(info.shape))
        misfits.misshapen.push_back(info.name + ": expected " + shape_text(it->second.sizes()) + ", found " +
                                    shape_text(info.shape));
    }
  }
  for (const auto& [name, tensor] : wanted)
    if (!found.contains(name)) misfits.missing.push_back(name);
  return misfits;
}

void append_list(std::string& text, const char* title, const std::vector<std::string>& names) {
  constexpr size_t most = 20;
  if (names.empty()) return;
  if (!text.empty()) text += "\n";
  text += std::string("  ") + title + " (" + std::to_string(names.size()) + "):";
  for (size_t i = 0; i < std::min(names.size(), most); ++i) text += "\n    " + names[i];
  if (names.size() > most) text += "\n    … and " + std::to_string(names.size() - most) + " more";
}

// One tensor as the options want it: the mapping's own where that serves, else a converted copy.
torch::Tensor converted(const torch::Tensor& source, const LoadOptions& options) {
  const bool casts = options.dtype && source.is_floating_point();
  return source.to(options.device, casts ? *options.dtype : source.scalar_type(), /*non_blocking=*/false,
                   /*copy=*/options.writable);
}

}  // namespace

std::string Misfits::summary() const {
  std::string text;
  append_list(text, "missing", missing);
  append_list(text, "unused", unused);
  append_list(text, "misshapen", misshapen);
  return text;
}

torch::Dtype torch_dtype(Dtype dtype, const std::string& where) {
  switch (dtype) {
    case Dtype::BOOL:
      return torch::kBool;
    case Dtype::U8:
      return torch::kUInt8;
    case Dtype::I8:
      return torch::kInt8;
    case Dtype::F8_E5M2:
      return torch::kFloat8_e5m2;
    case Dtype::F8_E4M3:
      return torch::kFloat8_e4m3fn;
    case Dtype::F8_E8M0:
      return at::kFloat8_e8m0fnu;
    case Dtype::F8_E4M3FNUZ:
      return torch::kFloat8_e4m3fnuz;
    case Dtype::F8_E5M2FNUZ:
      return torch::kFloat8_e5m2fnuz;
    case Dtype::I16:
      return torch::kInt16;
    case Dtype::U16:
      return at::kUInt16;
    case Dtype::F16:
      return torch::kFloat16;
    case Dtype::BF16:
      return torch::kBFloat16;
    case Dtype::I32:
      return torch::kInt32;
    case Dtype::U32:
      return at::kUInt32;
    case Dtype::F32:
      return torch::kFloat32;
    case Dtype::C64:
      return at::kComplexFloat;
    case Dtype::F64:
      return torch::kFloat64;
    case Dtype::I64:
      return torch::kInt64;
    case Dtype::U64:
      return at::kUInt64;
    case Dtype::F4:
    case Dtype::F6_E2M3:
    case Dtype::F6_E3M2:
      break;
  }
  throw Error(ExitCode::model, where + ": the dtype " + std::string(name_of(dtype)) + " is not supported",
              "save the model again as F32, F16 or BF16");
}

torch::Tensor as_tensor(const std::shared_ptr<SafetensorsFile>& file, const TensorInfo& info) {
  const torch::Dtype dtype = torch_dtype(info.dtype, file->path().string() + ": " + info.name);
  void* data = const_cast<std::byte*>(file->data(info));
  const auto view = torch::from_blob(
      data, info.shape, [file, info](void*) { file->release_pages(info); }, dtype);
  // Writers need not align their data; the CPU's kernels want it aligned to the element.
  const bool aligned = reinterpret_cast<uintptr_t>(data) % view.element_size() == 0;
  return aligned ? view : view.clone();
}

std::map<std::string, torch::Tensor> read_tensors(const std::filesystem::path& path) {
  const auto file = SafetensorsFile::open(path);
  std::map<std::string, torch::Tensor> tensors;
  for (const TensorInfo& info : file->tensors()) tensors[info.name] = as_tensor(file, info);
  return tensors;
}

Misfits compare_weights(const torch::nn::Module& module, const std::vector<std::filesystem::path>& files) {
  return compare(wanted_tensors(module), open_all(files));
}

void load_weights(torch::nn::Module& module, const std::vector<std::filesystem::path>& paths,
                  const LoadOptions& options) {
  const auto wanted = wanted_tensors(module);
  const Files files = open_all(paths);
  if (const Misfits misfits = compare(wanted, files); !misfits.empty())
    throw Error(ExitCode::model,
                (paths.empty() ? "(no file)" : paths.front().string()) +
                    ": the weights do not fit the config:\n" + misfits.summary(),
                "check that config.json belongs to these weights");

  torch::NoGradGuard no_grad;
  for (const auto& file : files) {
    for (const TensorInfo& info : file->tensors()) {
      const auto it = wanted.find(info.name);
      if (it == wanted.end()) continue;  // a framework's key
      torch::Tensor(it->second).set_data(converted(as_tensor(file, info), options));
    }
    file->expect_unchanged();
  }
}

}  // namespace unclip
