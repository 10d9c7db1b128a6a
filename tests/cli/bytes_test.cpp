// Paths are bytes and texts are UTF-8: every option that takes the one or the other.
#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

// "caf\xe9" as Latin-1 writes it.
const std::string kCafe = "caf\xe9";

std::string bytes_of(const json& path) {
  std::string bytes;
  const std::string digits = path.at("hex");
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

class Bytes : public PromptFileRun {
 protected:
  Bytes() {
    fs::create_directory(cafe);
    fs::rename(model, cafe / "model");
  }
  const fs::path cafe = temporary.path / kCafe;
};

TEST_F(Bytes, ImagesModelsAndListsOfAnyNameWork) {
  const fs::path file = cafe / (kCafe + ".jsonl"), image = cafe / (kCafe + ".png"),
                 deny = cafe / (kCafe + ".txt");
  fs::copy_file(prompts(2), file);
  std::ofstream(deny) << "gun\n";
  const Result one = run(quick({"a cat", "-o", image, "--seed", "1"}, cafe / "model"));
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.out, image.string() + '\n') << "its very bytes";
  EXPECT_TRUE(fs::exists(image));
  const Result list = run(quick({"-f", file, "-o", cafe.string() + "/out/", "--seed", "1", "--json", "--grid",
                                 "2x2", "--deny-file", deny, "--deny-action", "skip"},
                                cafe / "model"));
  EXPECT_EQ(list.code, 0) << list.err;
  ASSERT_EQ(lines_of(list.out).size(), 3U);
  const json line = json::parse(lines_of(list.out)[0]);
  EXPECT_EQ(bytes_of(line["file"]), (cafe / "out/prompt-0-1.png").string());
  EXPECT_EQ(line["model"], "model");
  const json sheet = json::parse(lines_of(list.out)[2]);
  EXPECT_EQ(bytes_of(sheet["file"]), (cafe / "out/prompt-0-1-grid.png").string());
  EXPECT_EQ(bytes_of(sheet["grid"][1]), (cafe / "out/prompt-1-2.png").string());
  EXPECT_EQ(bytes_of(json::parse(lines_of(read_file(cafe / "out/manifest.jsonl"))[0])["file"]),
            (cafe / "out/prompt-0-1.png").string());
  EXPECT_EQ(run(quick({"-f", file, "-o", cafe.string() + "/out/"}, cafe / "model")).out, "") << "resumed";

  for (const Arguments& arguments :
       {Arguments{"info", image}, Arguments{"info", image, "--json"}, Arguments{"inspect", cafe / "model"},
        Arguments{"inspect", cafe / "model", "--json"}, Arguments{"verify", image, "-m", cafe / "model"},
        Arguments{"verify", image, "-m", cafe / "model", "--json"},
        Arguments{"tokenize", "x", "-m", cafe / "model"},
        Arguments{"tokenize", "-f", file, "-m", cafe / "model", "--json"},
        Arguments{"generate", "--from", image, "-m", cafe / "model", "-o", cafe / (kCafe + "-2.png")},
        Arguments{"scenes", "-o", cafe / "scenes", "-n", "1"}}) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << arguments[0] << result.err;
    if (arguments.back() == "--json" && arguments[0] != "tokenize") {
      const json told = json::parse(result.out);
      EXPECT_NE(bytes_of(told[arguments[0] == "inspect" ? "model" : "file"]).find(kCafe), std::string::npos);
    }
  }
  const Result env = run({"tokenize", "x", "-m", cafe / "model"});
  EXPECT_EQ(env.code, 0);
}

// Names that differ in such a byte alone are different images.
TEST_F(Bytes, NamesAreNotMixedUp) {
  const fs::path file = prompts(1);
  for (const char* name : {"\xe8", "\xe9"})
    EXPECT_EQ(lines_of(run(quick({"-f", file, "-o", out.string() + "/" + name + ".png", "--seed", "1"})).out)
                  .size(),
              1U);
  EXPECT_EQ(images(out).size(), 2U);
}

TEST_F(Bytes, ErrorsTellThemVisibly) {
  const Result result = run({"generate", "x", "-m", cafe / "none"});
  expect_error(result, 3, {"caf\\xe9/none"});
  EXPECT_EQ(result.err.find('\xe9'), std::string::npos);
}

TEST_F(Bytes, TextsThatAreNoUtf8AreRefusedAtOnce) {
  for (const char* option :
       {"--negative-prompt", "--negative-prior-prompt", "--sampler", "--size", "--device", "--dtype",
        "--deny-action", "--shard", "--grid", "--batch-size", "--seed", "--devices"})
    expect_error(run({"generate", "x", option, "b\xff", "-m", "/no/such"}), 2, {option});
  expect_error(run({"generate", "x", "--negative-prompt", "b\xff", "-m", "/no/such"}), 2,
               {"--negative-prompt", "expected UTF-8", "place 2"});
  expect_error(run({"generate", "b\xff", "-m", "/no/such", "-o", out.string() + "/"}), 2, {"UTF-8"});
  expect_error(run({"train", "b\xff", "--config", "x", "--out", out}), 2, {"b\\xff"});
  expect_error(run({"eval", "--rows", "b\xff"}), 2, {"--rows", "b\\xff"});
  expect_error(run({"b\xff"}), 2, {"b\\xff"});
  expect_error(run({"generate", "x", "--b\xff"}), 2, {"b\\xff"});
}

}  // namespace
}  // namespace unclip::testing_program
