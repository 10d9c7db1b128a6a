// Plan, check, write: nothing appears before every checkpoint was read and found to be tensors alone.
#include "convert/convert.h"

#include <map>
#include <nlohmann/json.hpp>

#include "convert/folder_plan.h"
#include "convert/torch_file.h"
#include "convert/write_safetensors.h"
#include "support/json.h"
#include "support/paths.h"
#include "support/read_file.h"
#include "support/sha256.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestIndex = 64U << 20;  // bytes

[[noreturn]] void refuse_output(const fs::path& output, const std::string& found) {
  throw Error(ExitCode::io, output.string() + ": " + found, {}, {.field = "output"});
}

// Writes what `produce` gives, and tells its digest.
void write_hashed(const fs::path& path, std::uint64_t bytes, std::optional<std::size_t> tensors,
                  const ConvertRequest& request, const ConvertObserver& observer,
                  const std::function<void(const TakePiece&)>& produce) {
  observer.begun(path, bytes);
  Sha256 digest;
  ConvertedFile written{.path = path, .tensors = tensors};
  write_file_atomically(
      path,
      [&](const TakePiece& take) {
        produce([&](std::span<const std::byte> piece) {
          take(piece);
          digest.update(piece);
          written.bytes += piece.size();
          observer.progressed(piece.size());
        });
      },
      request.overwrite);
  written.sha256 = digest.hex();
  observer.written(written);
}

void tell_left_out(const TorchFile& source, const ConvertObserver& observer) {
  constexpr std::size_t kShown = 20;
  if (source.left_out.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(source.left_out.size(), kShown); ++i)
    names += (i == 0 ? "" : ", ") + source.left_out[i];
  if (source.left_out.size() > kShown)
    names += ", and " + std::to_string(source.left_out.size() - kShown) + " more";
  observer.left_out(visible(source.file->path().native()) + ": not tensors: " + names);
}

void write_weights(const TorchFile& source, const fs::path& path, const ConvertRequest& request,
                   const ConvertObserver& observer) {
  tell_left_out(source, observer);
  std::uint64_t bytes = 0;
  for (const StoredTensor& tensor : source.tensors) bytes += tensor.bytes;
  write_hashed(path, bytes, source.tensors.size(), request, observer,
               [&](const TakePiece& take) { write_safetensors(source, take); });
}

// The index of shards, with their new names. It must name the same tensors as the shards do, each in its own.
std::string new_index(const fs::path& file, const fs::path& to,
                      const std::map<fs::path, TorchFile>& sources) {
  nlohmann::json index = read_json_object(file, kLargestIndex);
  const auto refuse = [&](const std::string& fault) {
    throw Error(ExitCode::model, file.string() + ": " + fault, "fetch all shards and their index again");
  };
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty())
    refuse("\"weight_map\" should name a file for each tensor");
  std::map<std::string, std::size_t> counts;
  for (auto& [tensor, shard] : map->items()) {
    const std::string name = shard.is_string() ? weights_name(shard.get<std::string>()) : "";
    if (name.empty() || name.find('/') != std::string::npos)
      refuse("the shard " + shown(shard) + " of " + shown(tensor) + " is not a weight file");
    if (!sources.contains(to.parent_path() / name)) refuse("the shard " + shown(shard) + " is missing");
    ++counts[name];
    shard = name;
  }
  for (const auto& [name, count] : counts) {
    const TorchFile& source = sources.at(to.parent_path() / name);
    for (const StoredTensor& tensor : source.tensors) {
      const auto entry = map->find(tensor.name);
      if (entry == map->end() || *entry != name)
        refuse("the tensor " + shown(tensor.name) + " is in " + name + " unannounced");
    }
    if (count != source.tensors.size())
      refuse("names " + std::to_string(count) + " tensors of " + name + ", which has " +
             std::to_string(source.tensors.size()));
  }
  return index.dump(2) + "\n";
}

// A link within the new folder would lead what is written out of it.
void expect_no_links(const fs::path& output, const FolderPlan& plan) {
  for (const PlannedFile& file : plan.files) {
    fs::path folder = output;
    for (const fs::path& part : file.to.parent_path()) {
      folder /= part;
      if (fs::is_symlink(fs::symlink_status(folder))) refuse_output(folder, "is a link, expected a folder");
    }
  }
}

void expect_new(const ConvertRequest& request) {
  if (request.overwrite == Overwrite::yes || !fs::exists(fs::symlink_status(request.output))) return;
  throw Error(ExitCode::io, request.output.string() + ": already exists", {}, {.field = "overwrite"});
}

void convert_folder(const ConvertRequest& request, const ConvertObserver& observer) {
  if (is_inside(request.output, request.input))
    throw Error(ExitCode::usage,
                {"output", "a folder outside of " + request.input.string(), request.output.string()},
                "choose a folder next to it");
  if (fs::exists(request.output) && !fs::is_directory(request.output))
    refuse_output(request.output, "is a file, expected a folder");
  const FolderPlan plan = plan_folder(request.input);
  expect_no_links(request.output, plan);
  std::map<fs::path, TorchFile> sources;
  std::map<fs::path, std::string> indexes;
  for (const PlannedFile& file : plan.files)
    if (file.task == FileTask::weights) sources.emplace(file.to, TorchFile::open(file.from));
  if (sources.empty())
    throw Error(ExitCode::model,
                request.input.string() + ": no pytorch_model.bin or diffusion_pytorch_model.bin to convert",
                "pass the model's folder, or one checkpoint file");
  for (const PlannedFile& file : plan.files)
    if (file.task == FileTask::index) indexes[file.to] = new_index(file.from, file.to, sources);

  for (const std::string& file : plan.left_out) observer.left_out(file);
  for (const PlannedFile& file : plan.files) {
    const fs::path path = request.output / file.to;
    if (file.task == FileTask::weights) {
      write_weights(sources.at(file.to), path, request, observer);
    } else if (file.task == FileTask::index) {
      const std::string& text = indexes.at(file.to);
      write_hashed(path, text.size(), {}, request, observer,
                   [&](const TakePiece& take) { take(std::as_bytes(std::span(text))); });
    } else {
      const ByteFile source(file.from);
      write_hashed(path, source.size(), {}, request, observer,
                   [&](const TakePiece& take) { source.stream(0, source.size(), take); });
    }
  }
}

}  // namespace

void convert_checkpoints(const ConvertRequest& request, const ConvertObserver& observer) {
  expect_new(request);
  if (fs::is_directory(request.input)) return convert_folder(request, observer);
  if (has_pickle_name(request.output))
    throw Error(ExitCode::usage, {"output", "a file name in .safetensors", request.output.string()},
                "programs take a file of that ending for a pickle");
  const TorchFile source = TorchFile::open(request.input);
  if (fs::exists(request.output) && fs::equivalent(request.input, request.output))
    throw Error(ExitCode::usage, {"output", "another file than the checkpoint", request.output.string()},
                "choose another file name");
  write_weights(source, request.output, request, observer);
}

}  // namespace unclip
