// Checkpoints of torch.save against what the safetensors package made of the same tensors
// (scripts/golden/convert.py), and hostile ones.
#include "convert/convert.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "convert/hostile_checkpoints.h"
#include "convert/torch_file.h"
#include "convert/write_safetensors.h"
#include "peak_memory.h"
#include "refusal.h"
#include "support/sha256.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using namespace testing_archives;

const fs::path kData = UNCLIP_TEST_DATA "/convert";

string read_file(const fs::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

void write_file(const fs::path& path, const string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// Name → dtype, shape and bytes; what does not follow the format gives no tensors.
std::map<string, string> tensors_of(const string& file) {
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file.at(i));
  const auto header = nlohmann::json::parse(file.substr(8, length));
  std::map<string, string> tensors;
  std::uint64_t bytes = 0;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const std::uint64_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    tensors[name] =
        entry["dtype"].get<string>() + entry["shape"].dump() + file.substr(8 + length + begin, end - begin);
    bytes += end - begin;
  }
  EXPECT_EQ(8 + length + bytes, file.size());
  EXPECT_EQ(length % 8, 0u);
  return tensors;
}

string converted(const fs::path& checkpoint) {
  string bytes;
  write_safetensors(TorchFile::open(checkpoint), [&](std::span<const std::byte> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return bytes;
}

// What convert_checkpoints() told.
struct Told {
  std::map<string, ConvertedFile> written;  // by path within the output
  std::vector<string> left_out;
  std::uint64_t announced = 0, progressed = 0;
};

Told run(const fs::path& input, const fs::path& output, Overwrite overwrite = Overwrite::no) {
  Told told;
  convert_checkpoints(
      {input, output, overwrite},
      {[&](const ConvertedFile& file) { told.written[file.path.lexically_relative(output).string()] = file; },
       [&](const string& what) { told.left_out.push_back(what); },
       [&](const fs::path&, std::uint64_t bytes) { told.announced += bytes; },
       [&](std::uint64_t bytes) { told.progressed += bytes; }});
  return told;
}

TEST(Convert, GivesTheBytesOfThePythonPackage) {
  int files = 0, tensors = 0;
  for (const string name :
       {"types", "newer-types", "views", "module", "parameters", "nested", "wrapped", "storage-views"}) {
    const auto expected = tensors_of(read_file(kData / (name + ".safetensors")));
    for (const char* ending : {".bin", ".old.bin"}) {
      const fs::path checkpoint = kData / (name + ending);
      if (!fs::exists(checkpoint)) continue;
      SCOPED_TRACE(checkpoint.string());
      const auto found = tensors_of(converted(checkpoint));
      EXPECT_EQ(found.size(), expected.size());
      for (const auto& [tensor, content] : expected) {
        ASSERT_TRUE(found.contains(tensor)) << tensor;
        EXPECT_TRUE(found.at(tensor) == content) << tensor << " differs";
        ++tensors;
      }
      ++files;
    }
  }
  std::cout << files << " checkpoints, " << tensors << " tensors equal byte for byte\n";
  EXPECT_EQ(files, 14);
  EXPECT_GT(tensors, 100);
}

TEST(Convert, TellsWhatIsNoTensor) {
  const std::vector<string> wrapped = TorchFile::open(kData / "wrapped.bin").left_out;
  EXPECT_EQ(wrapped, (std::vector<string>{"epoch (an integer)", "loss (a float)", "done (a boolean)",
                                          "shape (a tuple)", "optimizer (a dictionary)"}));
  const std::vector<string> nested = TorchFile::open(kData / "nested.old.bin").left_out;
  EXPECT_EQ(nested, (std::vector<string>{"step (an integer)", "rates (a list)", "name (a string)",
                                         "big (a large integer)"}));
}

TEST(Convert, ReadsLargeSizesFromTheirField) {
  TemporaryFolder folder;
  write_file(folder.path / "a.bin", archive(dict(tensor())));
  write_file(folder.path / "b.bin", edited(2, [](ZipPart& part) { part.zip64 = true; }));
  write_file(folder.path / "c.bin", legacy(dict(tensor())));
  const string expected = converted(folder.path / "a.bin");
  EXPECT_TRUE(tensors_of(expected).at("a") == "F32[4]" + kFourFloats);
  EXPECT_TRUE(converted(folder.path / "b.bin") == expected);
  EXPECT_TRUE(converted(folder.path / "c.bin") == expected);
}

TEST(Convert, GathersFewElementsOfALargeStorageRunByRun) {
  TemporaryFolder folder;
  constexpr std::int64_t kRows = 64, kWidth = 65'536;
  std::vector<ZipPart> parts =
      parts_with(dict(tensor_on(storage("ByteStorage", "0", kRows * kWidth), 7, {kRows, 2}, {kWidth, 3})));
  string& bytes = parts[2].content;
  for (std::int64_t i = 0; i < kRows * kWidth; ++i) bytes += static_cast<char>(i * 31 + i / 256);
  bytes.erase(0, kFourFloats.size());
  write_file(folder.path / "a.bin", zip(parts));
  string expected = "U8[64,2]";
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t column = 0; column < 2; ++column)
      expected += bytes[static_cast<std::size_t>(7 + row * kWidth + column * 3)];
  EXPECT_TRUE(tensors_of(converted(folder.path / "a.bin")).at("a") == expected);
}

TEST(Convert, RefusesHostileCheckpointsByName) {
  TemporaryFolder folder;
  const auto all = hostile_checkpoints();
  for (const Hostile& hostile : all) {
    SCOPED_TRACE(hostile.name);
    const fs::path path = folder.path / "weights.bin";
    write_file(path, hostile.file);
    const string text = refusal(ExitCode::model, [&] { TorchFile::open(path); });
    EXPECT_EQ(text.find(path.string() + ": "), 0u) << text;
    EXPECT_NE(text.find(hostile.refusal), string::npos)
        << "no '" << hostile.refusal << "' in '" << text << "'";
    EXPECT_NE(text.find("nothing in the file was executed"), string::npos) << text;
    EXPECT_EQ(text.find_first_of("\n\x1b"), string::npos) << text;
    EXPECT_LT(text.size(), 700u) << text;
  }
  const long peak = peak_kilobytes();
  std::cout << all.size() << " hostile files refused, at most " << peak / 1024 << " MiB in memory\n";
  EXPECT_LT(peak, 512 * 1024);
  EXPECT_GE(all.size(), 120u);
}

// A good file, cut or with a byte changed, at every seventh byte: refused, or read as something that lies
// within the file.
TEST(Convert, SurvivesCutsAndChangedBytes) {
  TemporaryFolder folder;
  const fs::path path = folder.path / "weights.bin";
  int refused = 0, read = 0;
  const auto attempt = [&](const string& bytes) {
    write_file(path, bytes);
    try {
      tensors_of(converted(path));
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::model) << error.what();
      ++refused;
    }
  };
  for (const char* name : {"parameters.bin", "parameters.old.bin"}) {
    const string good = read_file(kData / name);
    for (std::size_t i = 0; i < good.size(); i += 7) {
      attempt(good.substr(0, i));
      string changed = good;
      changed[i] = static_cast<char>(~changed[i]);
      attempt(changed);
    }
  }
  std::cout << refused << " refused, " << read << " read\n";
  EXPECT_GT(refused, read);
}

TEST(Convert, MakesAFolderOfSafetensors) {
  TemporaryFolder folder;
  const fs::path output = folder.path / "new";
  const Told told = run(kData / "folder", output);
  std::vector<string> names;
  for (const auto& [name, file] : told.written) {
    names.push_back(name);
    const string bytes = read_file(output / name);
    EXPECT_EQ(file.sha256, sha256_hex(bytes)) << name;
    EXPECT_EQ(file.bytes, bytes.size()) << name;
    EXPECT_EQ(file.tensors.has_value(), name.ends_with(".safetensors") && name != "vae/other.safetensors")
        << name;
  }
  EXPECT_EQ(names, (std::vector<string>{"model_index.json", "text_encoder/config.json",
                                        "text_encoder/model-00001-of-00002.safetensors",
                                        "text_encoder/model-00002-of-00002.safetensors",
                                        "text_encoder/model.safetensors.index.json", "tokenizer/merges.txt",
                                        "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
                                        "unet/diffusion_pytorch_model.safetensors", "vae/config.json",
                                        "vae/diffusion_pytorch_model.safetensors", "vae/other.safetensors"}));
  ASSERT_EQ(told.left_out.size(), 1u);
  EXPECT_NE(told.left_out[0].find("unet/optimizer.bin: a pickle"), string::npos) << told.left_out[0];
  EXPECT_GE(told.progressed, told.announced);

  const auto index = nlohmann::json::parse(read_file(output / "text_encoder/model.safetensors.index.json"));
  EXPECT_EQ(index["metadata"]["total_size"], 32);
  EXPECT_EQ(index["weight_map"], (nlohmann::json{{"a", "model-00001-of-00002.safetensors"},
                                                 {"b", "model-00002-of-00002.safetensors"},
                                                 {"c", "model-00002-of-00002.safetensors"}}));
  EXPECT_EQ(read_file(output / "vae/other.safetensors"), read_file(kData / "folder/vae/other.safetensors"));
  EXPECT_EQ(
      tensors_of(read_file(output / "unet/diffusion_pytorch_model.fp16.safetensors")).at("w").substr(0, 8),
      "F16[2,2]");

  expect_refusal(ExitCode::io, "already exists", [&] { run(kData / "folder", output); });
  EXPECT_EQ(run(kData / "folder", output, Overwrite::yes).written.size(), names.size());
}

struct FolderTest : testing::Test {
  TemporaryFolder temporary;
  fs::path model = temporary.path / "model", output = temporary.path / "new";
  FolderTest() { fs::copy(kData / "folder", model, fs::copy_options::recursive); }
  void expect_refused(ExitCode code, const string& part) const {
    expect_refusal(code, part, [&] { run(model, output); });
    EXPECT_FALSE(fs::exists(output));
  }
};

TEST_F(FolderTest, WritesNothingWhereOneOfItsCheckpointsIsRefused) {
  write_file(model / "vae/diffusion_pytorch_model.bin", hostile_calls().front().file);
  expect_refused(ExitCode::model, "vae/diffusion_pytorch_model.bin: GLOBAL os.system");
}

TEST_F(FolderTest, RefusesAnIndexThatDoesNotFitItsShards) {
  const fs::path file = model / "text_encoder/pytorch_model.bin.index.json";
  const auto good = nlohmann::json::parse(read_file(file));
  const auto with = [&](const char* tensor, const nlohmann::json& shard) {
    auto changed = good;
    changed["weight_map"][tensor] = shard;
    write_file(file, changed.dump());
  };
  with("d", "pytorch_model-00001-of-00002.bin");
  expect_refused(ExitCode::model, "names 2 tensors of model-00001-of-00002.safetensors, which has 1");
  with("a", "pytorch_model-00002-of-00002.bin");
  expect_refused(ExitCode::model, "names 3 tensors of model-00002-of-00002.safetensors, which has 2");
  auto swapped = good;
  swapped["weight_map"]["a"] = "pytorch_model-00002-of-00002.bin";
  swapped["weight_map"]["c"] = "pytorch_model-00001-of-00002.bin";
  write_file(file, swapped.dump());
  expect_refused(ExitCode::model, "the tensor \"a\" is in model-00001-of-00002.safetensors unannounced");
  with("a", "pytorch_model-00003-of-00002.bin");
  expect_refused(ExitCode::model, "is missing");
  with("a", "pytorch_model/../../../outside.bin");
  expect_refused(ExitCode::model, "is not a weight file");
  with("a", 3);
  expect_refused(ExitCode::model, "is not a weight file");
  write_file(file, "{}");
  expect_refused(ExitCode::model, "should name a file for each tensor");
}

TEST_F(FolderTest, StaysWithinTheTwoFolders) {
  fs::rename(model / "unet/diffusion_pytorch_model.bin", temporary.path / "blob");
  fs::create_symlink(temporary.path / "blob",
                     model / "unet/diffusion_pytorch_model.bin");  // as the hub's cache has
  fs::create_directory(temporary.path / "elsewhere");
  write_file(temporary.path / "elsewhere/secret.txt", "secret");
  fs::create_directory_symlink(temporary.path / "elsewhere", model / "linked");
  fs::create_symlink("nowhere", model / "dangling");
  fs::create_symlink(kData / "views.bin", model / "vae/by-another-name");
  fs::create_symlink(kData / "views.old.bin", model / "vae/and-another");
  fs::create_directory(model / ".git");
  write_file(model / ".git/config", "x");
  const Told told = run(model, output);
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(output / "unet/diffusion_pytorch_model.safetensors")));
  EXPECT_FALSE(fs::exists(output / "linked"));
  EXPECT_FALSE(fs::exists(output / ".git"));
  EXPECT_FALSE(fs::exists(output / "vae/by-another-name"));
  EXPECT_EQ(told.left_out.size(), 6u);

  fs::remove_all(output / "unet");
  fs::create_directory_symlink(temporary.path / "elsewhere", output / "unet");
  expect_refusal(ExitCode::io, "is a link, expected a folder", [&] { run(model, output, Overwrite::yes); });
  EXPECT_FALSE(fs::exists(temporary.path / "elsewhere/config.json"));
  expect_refusal(ExitCode::usage, "a folder outside of", [&] { run(model, model / "new"); });
  expect_refusal(ExitCode::usage, "a folder outside of", [&] { run(model, model, Overwrite::yes); });
}

TEST_F(FolderTest, KeepsSafetensorsThatAreThereAlready) {
  write_file(model / "unet/diffusion_pytorch_model.safetensors", "mine");
  const Told told = run(model, output);
  EXPECT_EQ(read_file(output / "unet/diffusion_pytorch_model.safetensors"), "mine");
  EXPECT_NE(told.left_out[0].find("diffusion_pytorch_model.safetensors already exists"), string::npos);
}

TEST_F(FolderTest, RefusesAFolderWithoutCheckpoints) {
  fs::remove_all(model / "unet");
  fs::remove_all(model / "vae");
  fs::remove_all(model / "text_encoder");
  expect_refused(ExitCode::model, "no pytorch_model.bin or diffusion_pytorch_model.bin");
}

TEST(Convert, ConvertsOneFile) {
  TemporaryFolder folder;
  const fs::path output = folder.path / "sub/weights.safetensors";
  const Told told = run(kData / "views.bin", output);
  EXPECT_EQ(told.written.at(".").tensors, 15u);
  EXPECT_EQ(told.written.at(".").sha256, sha256_hex(read_file(output)));
  expect_refusal(ExitCode::io, "already exists", [&] { run(kData / "views.bin", output); });
  fs::copy(kData / "types.bin", folder.path / "types");
  expect_refusal(ExitCode::usage, "another file than the checkpoint",
                 [&] { run(folder.path / "types", folder.path / "types", Overwrite::yes); });
  expect_refusal(ExitCode::usage, "a file name in .safetensors",
                 [&] { run(kData / "views.bin", folder.path / "views.bin"); });
  expect_refusal(ExitCode::model, "No such file", [&] { run(folder.path / "none.bin", folder.path / "x"); });
  expect_refusal(ExitCode::model, "is a device", [&] { run("/dev/null", folder.path / "x"); });
}

}  // namespace
}  // namespace unclip
