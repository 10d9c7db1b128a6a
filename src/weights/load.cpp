// Fills nets from safetensors files: strict, by name, and without a second copy of the weights in memory.
#include "weights/load.h"

#include <torch/utils.h>

#include <set>
#include <sstream>

#include "device/hand_over.h"
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

// What the reference called the parts of an image's attention until 2023, and still reads.
constexpr std::pair<std::string_view, std::string_view> kOldNames[] = {
    {".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}};

using Wanted = std::map<std::string, torch::Tensor>;

// The tensor of a net that a file's one is for; the end where there is none.
Wanted::const_iterator find_wanted(const Wanted& wanted, const std::string& name) {
  const auto it = wanted.find(name);
  if (it != wanted.end()) return it;
  for (const auto& [before, now] : kOldNames) {
    const size_t place = name.rfind(before);
    if (place != std::string::npos) return wanted.find(std::string(name).replace(place, before.size(), now));
  }
  // What transformers 5 leaves out of the keys of a CLIPTextModel and a CLIPVisionModel.
  const auto text = wanted.find("text_model." + name);
  return text != wanted.end() ? text : wanted.find("vision_model." + name);
}

Files open_all(const std::vector<std::filesystem::path>& paths) {
  Files files;
  for (const auto& path : paths) files.push_back(SafetensorsFile::open(path));
  return files;
}

// The tensors of a net that a checkpoint fills: its parameters and buffers.
Wanted wanted_tensors(const torch::nn::Module& module) {
  Wanted wanted;
  for (const auto& parameter : module.named_parameters()) wanted[parameter.key()] = parameter.value();
  for (const auto& buffer : module.named_buffers()) wanted[buffer.key()] = buffer.value();
  return wanted;
}

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

Misfits compare(const Wanted& wanted, const Files& files) {
  Misfits misfits;
  std::set<std::string> found;
  for (const auto& file : files) {
    for (const TensorInfo& info : file->tensors()) {
      if (is_framework_key(info.name)) continue;
      const auto it = find_wanted(wanted, info.name);
      if (!found.insert(it == wanted.end() ? info.name : it->first).second)
        misfits.unused.push_back(info.name + " (duplicate, in " + file->path().filename().string() + ")");
      else if (it == wanted.end())
        misfits.unused.push_back(info.name);
      else if (it->second.is_floating_point() && !c10::isFloatingType(torch_dtype(info.dtype, info.name)))
        misfits.misshapen.push_back(info.name + ": expected floating-point numbers, found " +
                                    std::string(name_of(info.dtype)));
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

void expect_fit(const Wanted& wanted, const Files& files) {
  if (const Misfits misfits = compare(wanted, files); !misfits.empty())
    throw Error(ExitCode::model,
                (files.empty() ? "(no file)" : files.front()->path().string()) +
                    ": the weights do not fit the config:\n" + misfits.summary(),
                "check that config.json belongs to these weights");
}

// alpha / rank, or what stands for it.
double strength_of(const LoraPart& part) {
  const auto rank = static_cast<double>(part.down.shape[0]);
  const double alpha = part.alpha ? as_tensor(part.file, *part.alpha).to(torch::kFloat64).item<double>()
                                  : part.known_alpha.value_or(rank);
  return part.scale * alpha / (part.stable_rank && !part.alpha ? std::sqrt(rank) : rank);
}

// W + Σ scale · alpha / rank · up · down, float32 and rounded once; the sum first, so that what cancels out
// leaves W.
torch::Tensor merged(const torch::Tensor& weight, const std::vector<LoraPart>& parts) {
  torch::Tensor sum = at::zeros(weight.sizes(), torch::kFloat32);
  for (const LoraPart& part : parts) {
    const torch::Tensor down = as_tensor(part.file, part.down).to(torch::kFloat32).flatten(1),  // [rank,in…]
        up = as_tensor(part.file, part.up).to(torch::kFloat32).flatten(1);                      // [out,rank]
    sum.add_(at::mm(up, down).view(sum.sizes()), strength_of(part));
  }
  return sum.add_(weight);
}

// One tensor as the options want it: the mapping's own where that serves, else a converted copy.
torch::Tensor converted(const torch::Tensor& source, const LoadOptions& options) {
  const bool casts = options.dtype && source.is_floating_point();
  const torch::Dtype dtype = casts ? *options.dtype : source.scalar_type();
  if (options.device.is_cpu()) return source.to(dtype, /*non_blocking=*/false, /*copy=*/options.writable);
  // A GPU fetches and rounds one tensor while the next is read from the disk.
  return hand_over(source, options.device).to(dtype);
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

void expect_fit(const torch::nn::Module& module, const std::vector<std::filesystem::path>& files) {
  expect_fit(wanted_tensors(module), open_all(files));
}

void load_weights(torch::nn::Module& module, const std::vector<std::filesystem::path>& paths,
                  const LoadOptions& options) {
  const auto wanted = wanted_tensors(module);
  const Files files = open_all(paths);
  expect_fit(wanted, files);
  torch::NoGradGuard no_grad;
  for (const auto& file : files) {
    for (const TensorInfo& info : file->tensors()) {
      const auto it = find_wanted(wanted, info.name);
      if (it == wanted.end()) continue;  // a framework's key
      torch::Tensor source = as_tensor(file, info);
      if (options.loras)
        if (const auto parts = options.loras->find(info.name); parts != options.loras->end())
          source = merged(source, parts->second).to(options.dtype.value_or(source.scalar_type()));
      torch::Tensor(it->second).set_data(converted(source, options));
    }
    file->expect_unchanged();
  }
}

}  // namespace unclip
