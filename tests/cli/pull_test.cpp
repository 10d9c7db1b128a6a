// Models by name: the real program against a hub on this machine.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "cli/tiny_model.h"
#include "hub/hub_server.h"
#include "support/sha256.h"

namespace unclip::testing_program {
namespace {

class PullProgram : public testing::Test {
 protected:
  HubServer hub;
  TemporaryFolder folder;
  const fs::path cache = folder.path / "hub";
  const fs::path karlo = cache / "models--org--karlo";

  PullProgram() { add("org/karlo", kTiny); }

  void add(const std::string& repo, const fs::path& model) const {
    fs::create_directories((hub.root() / repo).parent_path());
    fs::copy(model, hub.root() / repo, fs::copy_options::recursive);
  }

  void start(const json& faults = json::array()) { hub.start({{"faults", faults}}); }

  Prepare environment(const std::string& model = "") const {
    return [=, this] {
      for (const char* name : {"HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "XDG_CACHE_HOME"}) unsetenv(name);
      setenv("HF_HUB_CACHE", cache.c_str(), 1);
      setenv("HOME", folder.path.c_str(), 1);
      setenv("HF_ENDPOINT", hub.endpoint().c_str(), 1);
      if (!model.empty()) setenv("UNCLIP_MODEL", model.c_str(), 1);
      fs::current_path(folder.path);
    };
  }

  Result go(const Arguments& arguments) const { return run(arguments, environment()); }

  Result draw(const std::string& model, const Arguments& more = {}) const {
    Arguments arguments{"a red circle", "--seed", "1", "-o", "out.png", "--overwrite"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return go(quick(arguments, model));
  }
};

TEST_F(PullProgram, PrintsTheFolderAndDrawsWithIt) {
  start();
  const Result pulled = go({"pull", "org/karlo"});
  ASSERT_EQ(pulled.code, 0) << pulled.err;
  const fs::path snapshot = lines_of(pulled.out).at(0);
  EXPECT_EQ(snapshot.parent_path(), karlo / "snapshots");
  const json told = json::parse(go({"pull", "org/karlo", "--json"}).out);
  EXPECT_EQ(told["folder"], snapshot.string());
  EXPECT_EQ(told["commit"], snapshot.filename().string());
  EXPECT_EQ(told["revision"], "main");
  EXPECT_EQ(told["fetched"], 0);
  EXPECT_EQ(told["files"], files_in(snapshot) - 10) << "10 components";
  const size_t asked = hub.requests().size();
  for (const std::string& model :
       {std::string("org/karlo"), snapshot.string(), "org/karlo@" + snapshot.filename().string()}) {
    const Result drawn = draw(model);
    EXPECT_EQ(drawn.code, 0) << drawn.err;
  }
  const Result by_variable = run({"tokenize", "a cat"}, [this] { environment("org/karlo")(); });
  EXPECT_EQ(by_variable.code, 0) << by_variable.err;
  const Result inspected = go({"inspect", "org/karlo"});
  EXPECT_EQ(inspected.code, 0) << inspected.err;
  EXPECT_EQ(hub.requests().size(), asked) << "nothing is asked where all is there";
}

TEST_F(PullProgram, FetchesNothingUnlessAsked) {
  start();
  expect_error(draw("org/karlo"), 3, {"org/karlo", "unclip pull org/karlo", "--download"});
  EXPECT_TRUE(hub.requests().empty());
  EXPECT_FALSE(fs::exists(cache));
  const Result drawn = draw("org/karlo", {"--download"});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  const size_t asked = hub.requests().size();
  EXPECT_EQ(draw("org/karlo", {"--download"}).code, 0);
  EXPECT_EQ(hub.requests().size(), asked);
  fs::create_directories(folder.path / "org");
  fs::copy(kTiny, folder.path / "org/local", fs::copy_options::recursive);
  EXPECT_EQ(draw("org/local").code, 0) << "a folder here comes first";
}

TEST_F(PullProgram, FindsTheKandinskyPrior) {
  const fs::path data = UNCLIP_TEST_DATA "/kandinsky";
  add("me/cats-decoder", data / "2.2");
  add("me/cats-prior", data / "2.2-prior");
  add("me/other", data / "2.2");
  start();
  const Result pulled = go({"pull", "me/cats-decoder", "--json"});
  ASSERT_EQ(pulled.code, 0) << pulled.err;
  EXPECT_EQ(json::parse(pulled.out)["prior"]["repo"], "me/cats-prior");
  const Arguments small{"--prior-steps", "2", "--decoder-steps", "2"};
  const auto drawn = [&](Arguments arguments) {
    arguments.insert(arguments.begin(),
                     {"generate", "a cat", "-o", "out.png", "--overwrite", "--dtype", "f32"});
    arguments.insert(arguments.end(), small.begin(), small.end());
    const Result result = go(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
  };
  drawn({"--model", "me/cats-decoder"});
  drawn({"--model", json::parse(pulled.out)["folder"]});
  const Result other = go({"pull", "me/other"});
  EXPECT_NE(other.err.find("--prior"), std::string::npos) << other.err;
  EXPECT_EQ(go({"pull", "me/other", "--prior", "me/cats-prior"}).code, 0);
  drawn({"--model", "me/other", "--prior", "me/cats-prior"});
  EXPECT_EQ(go({"pull", "org/karlo", "--prior", "me/cats-prior"}).code, 2);
  fs::remove_all(cache);
  drawn({"--model", "me/cats-decoder", "--download"});
  fs::remove_all(cache / "models--me--cats-prior");
  drawn({"--model", "me/cats-decoder", "--download"});
}

TEST_F(PullProgram, ListsAndRemovesModels) {
  hub.add("org/words", "model_index.json", R"({"prior": ["a", "B"]})");
  start();
  EXPECT_EQ(go({"models"}).out, "");
  ASSERT_EQ(go({"pull", "org/karlo"}).code, 0);
  fs::create_directories(cache / "models--org--words/snapshots" / std::string(40, 'a'));
  fs::create_directories(cache / "models--org--part/blobs");
  std::map<std::string, json> found;
  for (const std::string& line : lines_of(go({"models", "--json"}).out)) {
    const json model = json::parse(line);
    found[model["model"]] = model;
  }
  EXPECT_EQ(found.size(), 3U);
  EXPECT_EQ(found["org/karlo"]["family"], "Karlo (text to image)");
  EXPECT_EQ(found["org/karlo"]["snapshots"][0]["refs"][0], "main");
  EXPECT_EQ(found["org/words"]["family"], "unknown");
  EXPECT_EQ(found["org/part"]["family"], "incomplete");
  EXPECT_NE(go({"models"}).out.find("org/karlo  Karlo (text to image)"), std::string::npos);
  EXPECT_EQ(go({"models", "--remove", "org/karlo"}).code, 0);
  EXPECT_FALSE(fs::exists(karlo));
  expect_error(go({"models", "--remove", "org/karlo"}), 3, {"not in the cache"});
  expect_error(go({"models", "--remove", "../.."}), 3, {"not in the cache"});
  EXPECT_TRUE(fs::exists(cache / "models--org--words"));
}

TEST_F(PullProgram, ConvertsWeightsThatExistOnlyAsPickles) {
  const fs::path safe = hub.root() / "org/karlo/text_proj/diffusion_pytorch_model.safetensors";
  const std::string weights = read_file(safe);
  fs::remove(safe);
  fs::copy_file(UNCLIP_TEST_DATA "/convert/text_proj.bin",
                safe.parent_path() / "diffusion_pytorch_model.bin");
  start();
  const Result pulled = go({"pull", "org/karlo"});
  ASSERT_EQ(pulled.code, 0) << pulled.err;
  const fs::path component = fs::path(lines_of(pulled.out).at(0)) / "text_proj";
  EXPECT_EQ(files_in(component), 2U) << "config and weights";
  const fs::path blob = fs::canonical(component / "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(blob.filename(), sha256_hex(read_file(blob))) << "a blob like all others";
  for (const auto& entry : fs::directory_iterator(cache))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".convert")) << entry;
  for (const auto& entry : fs::directory_iterator(karlo / "blobs"))
    EXPECT_NE(read_file(entry).substr(0, 2), "PK") << "the checkpoint is gone";
  EXPECT_EQ(draw("org/karlo").code, 0);
  const std::string drawn = read_file(folder.path / "out.png");
  std::ofstream(safe) << weights;
  EXPECT_EQ(draw((hub.root() / "org/karlo").string(), {"--no-metadata"}).code, 0);
  const std::string bare = read_file(folder.path / "out.png");
  EXPECT_EQ(draw("org/karlo", {"--no-metadata"}).code, 0);
  EXPECT_EQ(read_file(folder.path / "out.png"), bare) << "the same weights";
  const size_t sent = hub.bytes_sent(".bin");
  EXPECT_GT(sent, 0U);
  EXPECT_EQ(json::parse(go({"pull", "org/karlo", "--json"}).out)["fetched"], 0);
  EXPECT_EQ(hub.bytes_sent(".bin"), sent) << "not fetched again";
}

TEST_F(PullProgram, EndsWithTheDocumentedCodes) {
  hub.add("org/old", "model_index.json",
          R"({"prior": ["d", "PriorTransformer"], "text_proj": ["d", "P"], "decoder": ["d", "U"]})");
  hub.add("org/old", "prior/diffusion_pytorch_model.bin", "a pickle");
  hub.add("org/sd", "model_index.json", R"({"unet": ["diffusers", "UNet2DConditionModel"]})");
  hub.add("org/sd", "unet/diffusion_pytorch_model.safetensors", std::string(100'000, 'x'));
  start();
  expect_error(go({"pull", "karlo"}), 2, {"expected ORG/NAME"});
  expect_error(go({"pull", "org/../x"}), 2, {"expected ORG/NAME"});
  expect_error(go({"pull", "org/nothing"}), 3, {"org/nothing"});
  expect_error(go({"pull", "org/karlo@v9"}), 3, {"no such revision"});
  expect_error(go({"pull", "org/old"}), 3,
               {"error: org/old: prior/diffusion_pytorch_model.bin: the stack is empty"});
  expect_error(go({"pull", "org/sd"}), 3, {"supported family"});
  EXPECT_EQ(hub.bytes_sent("unet"), 0U);
  std::ofstream(cache / "models--org--karlo") << "in the way";
  expect_error(go({"pull", "org/karlo"}), 5, {"models--org--karlo"});
}

TEST_F(PullProgram, IsInterruptedAndGoesOn) {
  hub.add("org/karlo", "prior/diffusion_pytorch_model.fp16.safetensors", test_bytes(2'000'000));
  for (const int signal : {SIGINT, SIGKILL}) {
    fs::remove_all(cache);
    start({{{"path", "signature"}, {"rate", 400'000}}});
    Program program({"pull", "org/karlo", "--dtype", "f16"}, environment());
    ASSERT_FALSE(partial_download(karlo / "blobs", 10'000).empty());  // one of the large files
    usleep(500'000);
    program.kill(signal);
    const Result stopped = program.wait();
    if (signal == SIGINT)
      expect_error(stopped, 130, {"what has arrived is kept"});
    else
      EXPECT_EQ(stopped.signal, SIGKILL);
    EXPECT_FALSE(fs::exists(karlo / "refs/main"));
    std::uintmax_t kept = 0;
    for (const auto& entry : fs::directory_iterator(karlo / "blobs"))
      if (entry.path().extension() == ".incomplete") kept += entry.file_size();
    EXPECT_GT(kept, 100'000U);
    start();
    const size_t before = hub.requests().size();
    const Result whole = go({"pull", "org/karlo", "--dtype", "f16", "--json"});
    ASSERT_EQ(whole.code, 0) << whole.err;
    const auto sent = [&] {
      std::uint64_t bytes = 0;
      const auto requests = hub.requests();
      for (size_t i = before; i < requests.size(); ++i)
        if (requests[i]["path"].get<std::string>().find("/api/") == std::string::npos)
          bytes += requests[i]["sent"].get<std::uint64_t>();
      return bytes;
    };
    const std::uint64_t fetched = json::parse(whole.out)["fetched"];
    for (int i = 0; i < 50 && sent() != fetched; ++i)
      continue;  // the server notes an answer after it is sent
    EXPECT_EQ(sent(), fetched) << "only what was missing";
  }
}

TEST_F(PullProgram, UsesTheCacheOfTheLibrary) {
  if (std::system("python3 -c 'import huggingface_hub' 2> /dev/null") != 0)
    GTEST_SKIP() << "python3 has no huggingface_hub";
  start();
  const std::string command =
      "HF_HUB_CACHE='" + cache.string() + "' HF_HOME='" + folder.path.string() +
      "' HF_ENDPOINT=" + hub.endpoint() +
      " python3 -c 'import huggingface_hub as hub; hub.snapshot_download(\"org/karlo\")' "
      "> /dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const size_t asked = hub.requests().size();
  const Result drawn = draw("org/karlo");
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  const Result listed = go({"models"});
  EXPECT_NE(listed.out.find("org/karlo  Karlo (text to image)"), std::string::npos)
      << listed.out << listed.err;
  EXPECT_EQ(hub.requests().size(), asked);
}

}  // namespace
}  // namespace unclip::testing_program
