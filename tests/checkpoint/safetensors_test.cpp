// The rules of the safetensors format, on files that the Python package judged too
// (scripts/golden/safetensors_cases.py writes them).
#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

TEST(Safetensors, GivesTheVerdictOfThePythonPackage) {
  const TemporaryFolder folder;
  const auto path = folder.path / "case.safetensors";
  int accepted = 0, refused = 0, stricter = 0;
  for (const auto& item : nlohmann::json::parse(std::ifstream(UNCLIP_TEST_DATA "/safetensors_cases.json"))) {
    SCOPED_TRACE(item["name"].get<std::string>());
    std::ofstream(path, std::ios::binary) << bytes_of(item["file"]);
    if (item["refusal"].is_null()) {
      EXPECT_NO_THROW(SafetensorsFile::open(path));
      ++accepted;
    } else {
      const std::string text = refusal(ExitCode::model, [&] { SafetensorsFile::open(path); });
      EXPECT_EQ(text.find(path.string() + ": not a valid safetensors file: "), 0u) << text;
      EXPECT_NE(text.find(item["refusal"]), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
      item["python"].is_null() ? ++stricter : ++refused;
    }
  }
  std::cout << "accepted by both " << accepted << ", refused by both " << refused
            << ", refused by the format's text only " << stricter << "\n";
  EXPECT_GE(refused, 60);
}

TEST(Safetensors, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  const auto open = [](const std::filesystem::path& path) { return [path] { SafetensorsFile::open(path); }; };
  expect_refusal(ExitCode::model, "cannot be read: No such file", open(folder.path / "none.safetensors"));
  expect_refusal(ExitCode::model, "is a folder, expected a file", open(folder.path));
  expect_refusal(ExitCode::model, "is a device, expected a file", open("/dev/null"));
}

TEST(Safetensors, ReadsTheDataAgainAfterItsPagesWereReleased) {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.safetensors";
  const std::string header = R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}})";
  std::ofstream(path, std::ios::binary)
      << static_cast<char>(header.size()) << std::string(7, '\0') << header << "hello";
  const auto file = SafetensorsFile::open(path);
  const TensorInfo& info = file->tensors().at(0);
  EXPECT_EQ(info.numel(), 5);
  for (const TensorInfo& tensor : file->tensors()) file->release_pages(tensor);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file->data(info)), info.bytes()), "hello");
}

}  // namespace
}  // namespace unclip
