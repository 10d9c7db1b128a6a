// Round trips, strict loading by name, and the memory that loading takes.
#include "weights/load.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "peak_memory.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

struct Leaf : torch::nn::Module {
  explicit Leaf(std::vector<int64_t> shape) {
    weight = register_parameter("weight", torch::empty(shape), false);
    bias = register_parameter("bias", torch::empty({3}), false);
  }
  torch::Tensor weight, bias;
};

TEST(SaveTensors, RoundTripsEveryDtypeBitForBit) {
  const TemporaryFolder folder;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto dtype :
       {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kInt32, torch::kInt64,
        torch::kFloat16, torch::kBFloat16, torch::kFloat32, torch::kFloat64})
    tensors[std::string("t.") + toString(dtype)] = torch::arange(-3, 4).to(dtype);
  tensors["scalar"] = torch::tensor(2.5f);
  tensors["empty"] = torch::empty({0, 3});
  tensors["transposed"] = torch::arange(6).reshape({2, 3}).t();
  save_tensors(folder.path / "a.safetensors", tensors, {{"note", "a \"quoted\" ü"}});

  const auto file = SafetensorsFile::open(folder.path / "a.safetensors");
  EXPECT_EQ(file->metadata().at("note"), "a \"quoted\" ü");
  const auto read = read_tensors(folder.path / "a.safetensors");
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).dtype(), tensor.dtype()) << name;
    EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read.at(name).const_data_ptr()) % tensor.element_size(), 0u)
        << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1)
      << "a temporary file is left";
}

TEST(SaveTensors, ReplacesAFileAndRefusesAFolderThatIsAFile) {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.safetensors";
  save_tensors(path, {{"old", torch::ones(9)}});
  save_tensors(path, {});
  EXPECT_TRUE(read_tensors(path).empty());
  expect_refusal(ExitCode::io, "cannot write", [&] { save_tensors(path / "b.safetensors", {}); });
}

TEST(LoadWeights, TakesTheFilesDtypeWithoutACopy) {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.safetensors";
  save_tensors(path, {{"weight", torch::ones({2, 3}, torch::kBFloat16)}, {"bias", torch::ones({3})}});
  Leaf leaf({2, 3});
  load_weights(leaf, {path});
  EXPECT_EQ(leaf.weight.scalar_type(), torch::kBFloat16);
  EXPECT_EQ(leaf.bias.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(leaf.weight, torch::ones({2, 3}, torch::kBFloat16)));
  std::filesystem::remove(path);  // the mapping outlives the name
  EXPECT_EQ(leaf.bias.sum().item<float>(), 3);
}

TEST(LoadWeights, ConvertsToTheWantedDtypeAndMayBeWritten) {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.safetensors";
  save_tensors(path, {{"weight", torch::ones({2, 3}, torch::kFloat16)}, {"bias", torch::ones({3})}});
  Leaf leaf({2, 3});
  load_weights(leaf, {path}, {.dtype = torch::kFloat32, .writable = true});
  EXPECT_EQ(leaf.weight.scalar_type(), torch::kFloat32);
  leaf.bias.add_(1);
  EXPECT_EQ(leaf.bias.sum().item<float>(), 6);
}

TEST(LoadWeights, ListsAllMisfitsAtOnce) {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.safetensors";
  std::map<std::string, torch::Tensor> tensors{{"weight", torch::ones({3, 2})},
                                               {"embeddings.position_ids", torch::arange(4)}};
  for (int i = 0; i < 25; ++i) tensors["extra." + std::to_string(i)] = torch::ones(1);
  save_tensors(path, tensors);
  Leaf leaf({2, 3});
  const auto text = refusal(ExitCode::model, [&] { load_weights(leaf, {path}); });
  for (const char* part : {"missing (1):\n    bias", "unused (25):", "… and 5 more",
                           "misshapen (1):", "weight: expected [2, 3], found [3, 2]"})
    EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in:\n" << text;
  EXPECT_EQ(text.find("position_ids"), std::string::npos) << text;
}

TEST(LoadWeights, RefusesWholeNumbers) {
  const TemporaryFolder folder;
  for (const auto dtype : {torch::kInt8, torch::kInt16, torch::kInt64, torch::kBool}) {
    save_tensors(folder.path / "a.safetensors",
                 {{"weight", torch::ones({2, 3}, dtype)}, {"bias", torch::ones(3)}});
    Leaf leaf({2, 3});
    const auto text = refusal(ExitCode::model, [&] { load_weights(leaf, {folder.path / "a.safetensors"}); });
    EXPECT_NE(text.find("weight: expected floating-point numbers, found "), std::string::npos) << text;
  }
}

TEST(LoadWeights, RefusesATensorThatTwoShardsHold) {
  const TemporaryFolder folder;
  save_tensors(folder.path / "a.safetensors", {{"weight", torch::ones({2, 3})}, {"bias", torch::ones(3)}});
  save_tensors(folder.path / "b.safetensors", {{"bias", torch::ones(3)}});
  Leaf leaf({2, 3});
  const auto text = refusal(ExitCode::model, [&] {
    load_weights(leaf, {folder.path / "a.safetensors", folder.path / "b.safetensors"});
  });
  EXPECT_NE(text.find("bias (duplicate, in b.safetensors)"), std::string::npos) << text;
}

TEST(AsTensor, CopiesDataThatIsNotAligned) {
  const TemporaryFolder folder;
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";  // 54 bytes
  std::ofstream out(folder.path / "a.safetensors", std::ios::binary);
  const uint64_t length = header.size();
  const float value = 1.5f;
  out.write(reinterpret_cast<const char*>(&length), 8) << header;
  out.write(reinterpret_cast<const char*>(&value), 4);
  out.close();
  const auto tensor = read_tensors(folder.path / "a.safetensors").at("a");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.const_data_ptr()) % 4, 0u);
  EXPECT_EQ(tensor.item<float>(), 1.5f);
}

// Runs `load` in a fresh process and gives the rise of its peak resident set in MiB.
size_t rise_of_peak(const std::function<void()>& load) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const long before = peak_kilobytes();
    load();
    const size_t rise = static_cast<size_t>(peak_kilobytes() - before) >> 10;
    ::_exit(::write(ends[1], &rise, sizeof rise) == sizeof rise ? 0 : 1);
  }
  size_t rise = 0;
  EXPECT_EQ(::read(ends[0], &rise, sizeof rise), static_cast<ssize_t>(sizeof rise));
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return rise;
}

struct Stack : torch::nn::Module {
  Stack() {
    for (int i = 0; i < 25; ++i)
      register_parameter("w" + std::to_string(i), torch::empty({2048, 1024}), false);
  }
};

TEST(LoadWeights, PeaksNearOneCopyOfTheWeights) {
  const TemporaryFolder folder;
  const auto path = folder.path / "big.safetensors";
  {
    std::map<std::string, torch::Tensor> tensors;  // 25 × 8 MiB = 200 MiB in float32
    for (int i = 0; i < 25; ++i) tensors["w" + std::to_string(i)] = torch::zeros({1, 1}).expand({2048, 1024});
    save_tensors(path, tensors);
  }
  const auto rise = [&](const LoadOptions& options) {
    return rise_of_peak([&] {
      at::set_num_threads(1);  // a forked child has no thread pool
      Stack stack;
      load_weights(stack, {path}, options);
    });
  };
  const size_t mapped = rise({}), half = rise({.dtype = torch::kBFloat16}), copied = rise({.writable = true});
  std::cout << "peak above the start, 200 MiB of float32: mapped " << mapped << ", to bfloat16 " << half
            << ", copied " << copied << " MiB\n";
  EXPECT_LE(mapped, 16u);
  EXPECT_LE(half, 100u + 40u);  // one copy of 100 MiB and at most 16 + 8 MiB of the mapping
  EXPECT_LE(copied, 200u + 40u);
}

}  // namespace
}  // namespace unclip
