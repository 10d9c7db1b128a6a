// Runs without a model: the real plan, writer and manifest around an engine that paints each image in one
// color, which its seed tells.
#include "batch/run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "image/png.h"
#include "refusal.h"
#include "support/json_text.h"
#include "support/read_file.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Seeds = std::vector<uint64_t>;
using Files = std::vector<std::string>;

// What the engine is to do, and what was asked of it.
struct Studio {
  std::map<std::string, ExitCode> failing{};  // prompt → why there is no image
  std::optional<size_t> interrupted_after{};  // tasks
  int opened = 0;
  bool finished = false;
  EngineOptions options{};
  std::vector<ImageTask> tasks{};

  Seeds seeds() const {
    Seeds all;
    for (const ImageTask& task : tasks) all.push_back(task.seed);
    return all;
  }
};

class SolidColorEngine : public Engine {
 public:
  explicit SolidColorEngine(Studio& studio) : studio_(studio) {}

  void submit(ImageTask task) override {
    if (studio_.interrupted_after && studio_.tasks.size() == *studio_.interrupted_after)
      throw Error(ExitCode::interrupted, "interrupted");
    studio_.tasks.push_back(task);
    ImageResult result;
    const auto failing = studio_.failing.find(task.options.prompt);
    if (failing != studio_.failing.end()) {
      result.error.emplace(failing->second, "no image of it", "draw something else");
    } else {
      result.image = {2, 2, 3, std::vector<uint8_t>(12, static_cast<uint8_t>(task.seed))};
      result.metadata.prompt = task.options.prompt;
      result.metadata.seed = task.seed;
    }
    task.done(std::move(result));
  }

  void finish() override { studio_.finished = true; }

 private:
  Studio& studio_;
};

class Run : public testing::Test {
 protected:
  Run() {
    defaults.output = folder.path / "out/";
    options.quiet = true;
    options.plan.seed = 10;
  }

  ExitCode run(Jobs jobs) {
    out.str("");
    return run_batch(
        options, std::move(jobs),
        [this](EngineOptions engine) {
          ++studio.opened;
          studio.options = std::move(engine);
          return std::make_unique<SolidColorEngine>(studio);
        },
        out);
  }
  ExitCode run(std::vector<std::string> prompts) { return run(Jobs(std::move(prompts), defaults)); }

  // With a manifest, as all runs of a prompt file.
  ExitCode run_file(const std::string& lines) {
    const fs::path file = folder.path / "prompts.txt";
    std::ofstream(file) << lines;
    options.plan.manifest = folder.path / "out";
    std::istringstream none;
    return run(Jobs(PromptFile(file, none), defaults));
  }

  void forget() { studio = Studio{}; }

  Files printed() const {
    Files names;
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) names.push_back(fs::path(line).filename());
    return names;
  }
  Files images() const {
    Files names;
    for (const auto& entry : fs::directory_iterator(folder.path / "out"))
      if (entry.path().extension() == ".png") names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  std::vector<json> manifest(const std::string& name = "manifest.jsonl") const {
    std::vector<json> lines;
    std::ifstream in(folder.path / "out" / name);
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }

  TemporaryFolder folder;
  ImageOptions defaults;
  BatchOptions options;
  Studio studio;
  std::ostringstream out;
};

TEST_F(Run, NamesSeedsAndPixelsAreThoseOfThePlan) {
  defaults.count = 2;
  options.batch_size = 3;
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), (Seeds{10, 11, 11, 12}));
  EXPECT_EQ(printed(), (Files{"a-cat-10.png", "a-cat-11.png", "a-dog-11.png", "a-dog-12.png"}));
  EXPECT_EQ(images(), printed());
  EXPECT_EQ(read_png(folder.path / "out/a-dog-12.png").pixels, std::vector<uint8_t>(12, 12));
  EXPECT_EQ(studio.opened, 1);
  EXPECT_EQ(studio.options.batch_size, 3U);
  EXPECT_EQ(studio.options.expected, 4U);
  EXPECT_TRUE(studio.options.use.prior);
  EXPECT_TRUE(studio.finished);
}

TEST_F(Run, EqualNamesAreCounted) {
  defaults.output = folder.path / "out/{slug}.png";
  EXPECT_EQ(run({"a cat", "A cat!", "a-cat"}), ExitCode::ok);
  EXPECT_EQ(printed(), (Files{"a-cat.png", "a-cat-1.png", "a-cat-2.png"}));
}

TEST_F(Run, ARandomSeedCountsUp) {
  options.plan.seed.reset();
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  ASSERT_EQ(studio.tasks.size(), 2U);
  EXPECT_EQ(studio.tasks[1].seed, studio.tasks[0].seed + 1);
}

TEST_F(Run, ShardsTogetherAreTheWholeRun) {
  const std::string five = "a cat\na cat\na dog\na cow\na hen\n";
  EXPECT_EQ(run_file(five), ExitCode::ok);
  const Files whole = images();
  const Seeds seeds = studio.seeds();
  EXPECT_EQ(seeds, (Seeds{10, 11, 12, 13, 14}));
  fs::remove_all(folder.path / "out");
  for (const uint64_t shard : {0U, 1U}) {
    forget();
    options.plan.shard = {shard, 2};
    EXPECT_EQ(run_file(five), ExitCode::ok);
    EXPECT_EQ(studio.seeds(), shard == 0 ? (Seeds{10, 12, 14}) : (Seeds{11, 13}));
    EXPECT_EQ(studio.options.expected, shard == 0 ? 3U : 2U);
    EXPECT_EQ(manifest("manifest-" + std::to_string(shard) + "-of-2.jsonl").size(), studio.tasks.size());
  }
  EXPECT_EQ(images(), whole);
}

TEST_F(Run, SkipExistingComputesNothing) {
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  forget();
  defaults.skip_existing = true;
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  EXPECT_EQ(studio.opened, 0) << "a model was opened to draw nothing";
  EXPECT_EQ(printed(), Files{});

  fs::remove(folder.path / "out/a-dog-11.png");
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), Seeds{11});
  EXPECT_EQ(studio.options.expected, 1U);

  forget();
  fs::resize_file(folder.path / "out/a-cat-10.png", 40);
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), Seeds{10}) << "half an image is none";
  EXPECT_EQ(read_png(folder.path / "out/a-cat-10.png").width, 2);
}

TEST_F(Run, WhatIsNoImageOfOursStays) {
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  const fs::path cat = folder.path / "out/a-cat-10.png";
  const auto refused = [&] {
    for (const std::string& notes : {std::string("my notes"), std::string("\xFF\xD8\xFF a photo")}) {
      std::ofstream(cat, std::ios::binary) << notes;
      expect_refusal(ExitCode::io, "a-cat-10.png: already exists", [&] { run({"a cat", "a dog"}); });
      EXPECT_EQ(studio.opened, 0);
      EXPECT_EQ(read_whole_file(cat, 1 << 20, ExitCode::io), notes);
    }
  };
  forget();
  defaults.skip_existing = true;
  refused();
  fs::remove(cat);
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
}

// The manifest alone is no proof.
TEST_F(Run, ADamagedImageIsDrawnAgain) {
  const auto again = [&] { return run_file("a cat\na dog\n"); };
  EXPECT_EQ(again(), ExitCode::ok);
  const fs::path cat = folder.path / "out/a-cat-10.png";
  const std::string whole = read_whole_file(cat, 1 << 20, ExitCode::io);
  for (const std::size_t length : {std::size_t{0}, std::size_t{4}, whole.size() - 1}) {
    forget();
    fs::resize_file(cat, length);
    EXPECT_EQ(again(), ExitCode::ok);
    EXPECT_EQ(studio.seeds(), Seeds{10});
    EXPECT_EQ(read_whole_file(cat, 1 << 20, ExitCode::io), whole);
  }
  std::ofstream(cat) << "my notes";
  expect_refusal(ExitCode::io, "a-cat-10.png: already exists", again);
  EXPECT_EQ(read_whole_file(cat, 1 << 20, ExitCode::io), "my notes");
}

TEST_F(Run, OneFileHasOneName) {
  std::vector<ImageOptions> jobs(2, defaults);
  jobs[0].prompt = "a";
  jobs[0].output = folder.path / "out/a.png";
  jobs[1].prompt = "b";
  jobs[1].output = folder.path / "out/../out/./a.png";
  EXPECT_EQ(run(Jobs(jobs)), ExitCode::ok);
  EXPECT_EQ(images(), (Files{"a-1.png", "a.png"}));
}

TEST_F(Run, AnIndexTakesNoNameThatALineAskedFor) {
  const fs::path file = folder.path / "prompts.jsonl";
  std::ofstream(file) << json{{"prompt", "a"}, {"output", folder.path / "out/1.png"}}.dump() << "\n"
                      << R"({"prompt": "b"})"
                      << "\n";
  defaults.output = folder.path / "out/{index}.png";
  std::istringstream none;
  EXPECT_EQ(run(Jobs(PromptFile(file, none), defaults)), ExitCode::ok);
  EXPECT_EQ(images(), (Files{"1-1.png", "1.png"}));
}

TEST_F(Run, SeedsDoNotWrap) {
  options.plan.seed = UINT64_MAX;
  expect_refusal(ExitCode::usage, "seed: expected at most", [&] { run({"a cat", "a dog"}); });
  EXPECT_EQ(run({"a cat"}), ExitCode::ok);
}

TEST_F(Run, ExistingImagesAreRefusedBeforeTheModelOpensUnlessOverwritten) {
  EXPECT_EQ(run({"a dog"}), ExitCode::ok);
  forget();
  options.plan.seed = 9;  // the second job's image has the name of the one that is there
  expect_refusal(ExitCode::io, "a-dog-10.png", [&] { run({"a cat", "a dog"}); });
  EXPECT_EQ(studio.opened, 0);
  defaults.overwrite = true;
  EXPECT_EQ(run({"a cat", "a dog"}), ExitCode::ok);
  EXPECT_EQ(images(), (Files{"a-cat-9.png", "a-dog-10.png"}));
}

TEST_F(Run, AFailingImageLeavesTheOthersAlone) {
  studio.failing = {{"a dog", ExitCode::out_of_memory}};
  options.json = true;
  EXPECT_EQ(run({"a cat", "a dog", "a hen"}), ExitCode::jobs_failed);
  EXPECT_EQ(images(), (Files{"a-cat-10.png", "a-hen-12.png"}));
  std::vector<std::string> status;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    const json told = json::parse(line);
    status.push_back(told.at("status"));
    if (told.at("status") != "failed") continue;
    EXPECT_EQ(told.at("code"), 4);
    EXPECT_EQ(told.at("error"), "no image of it");
    EXPECT_EQ(told.at("prompt"), "a dog");
    EXPECT_EQ(told.at("seed"), 11);
  }
  EXPECT_EQ(status, (std::vector<std::string>{"done", "failed", "done"}));
}

TEST_F(Run, WhereAllFailTheCodeIsTheirs) {
  studio.failing = {{"a dog", ExitCode::out_of_memory}, {"a cat", ExitCode::out_of_memory}};
  EXPECT_EQ(run({"a dog", "a cat"}), ExitCode::out_of_memory);
  studio.failing = {{"a dog", ExitCode::out_of_memory}, {"a cat", ExitCode::model}};
  EXPECT_EQ(run({"a dog", "a cat"}), ExitCode::jobs_failed);
}

TEST_F(Run, FailFastEndsWithTheFirstFailure) {
  studio.failing = {{"a dog", ExitCode::out_of_memory}};
  options.fail_fast = true;
  expect_refusal(ExitCode::out_of_memory, "no image of it", [&] { run_file("a cat\na dog\n"); });
  const std::vector<json> lines = manifest();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].at("status"), "done");
  EXPECT_EQ(lines[1].at("status"), "failed");
  EXPECT_EQ(images(), Files{"a-cat-10.png"});
}

TEST_F(Run, FailedImagesAreTriedAgainOnlyWhenAsked) {
  studio.failing = {{"a dog", ExitCode::out_of_memory}};
  EXPECT_EQ(run_file("a cat\na dog\n"), ExitCode::jobs_failed);
  forget();
  EXPECT_EQ(run_file("a cat\na dog\n"), ExitCode::jobs_failed);
  EXPECT_EQ(studio.opened, 0);
  options.plan.retry_failed = true;
  EXPECT_EQ(run_file("a cat\na dog\n"), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), Seeds{11});
  EXPECT_EQ(manifest().back().at("status"), "done");
}

TEST_F(Run, AnInterruptedRunGoesOnWhereItStopped) {
  const std::string four = "a cat\na dog\na cow\na hen\n";
  options.plan.seed.reset();
  studio.interrupted_after = 2;
  expect_refusal(ExitCode::interrupted, "interrupted", [&] { run_file(four); });
  EXPECT_FALSE(studio.finished);
  ASSERT_EQ(studio.tasks.size(), 2U);
  const uint64_t seed = studio.tasks[0].seed;
  const std::vector<json> lines = manifest();
  ASSERT_EQ(lines.size(), 2U) << "images that were finished have their lines";
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(lines[i].at("index"), i);
    EXPECT_EQ(lines[i].at("status"), "done");
    EXPECT_EQ(lines[i].at("run_seed"), seed);
    EXPECT_TRUE(fs::exists(path_of(lines[i].at("file"))));
  }

  forget();
  EXPECT_EQ(run_file(four), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), (Seeds{seed + 2, seed + 3})) << "the random seed of the first run holds";
  EXPECT_EQ(images().size(), 4U);
  EXPECT_EQ(manifest().size(), 4U);

  forget();
  EXPECT_EQ(run_file(four), ExitCode::ok);
  EXPECT_EQ(studio.opened, 0);
}

TEST_F(Run, DeniedPromptsNeverReachTheEngine) {
  options.plan.deny_file = folder.path / "deny.txt";
  std::ofstream(*options.plan.deny_file) << "dog\n";
  const std::string prompts = "a cat\na dog\na hen\n";
  expect_refusal(ExitCode::refused, "deny.txt", [&] { run_file(prompts); });
  EXPECT_EQ(studio.opened, 0);
  options.plan.skip_denied = true;
  EXPECT_EQ(run_file(prompts), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), (Seeds{10, 12})) << "others keep their seeds";
  std::vector<std::string> status;
  for (const json& line : manifest()) status.push_back(line.at("status"));
  std::ranges::sort(status);
  EXPECT_EQ(status, (std::vector<std::string>{"done", "done", "refused"}));
}

TEST_F(Run, BadLinesEndTheRunBeforeTheModelOpens) {
  const fs::path file = folder.path / "prompts.jsonl";
  std::ofstream(file) << "{\"prompt\": \"a cat\"}\n{\"prompt\": \"a dog\", \"seed\": -1}\n";
  std::istringstream none;
  expect_refusal(ExitCode::usage, "prompts.jsonl", [&] { run(Jobs(PromptFile(file, none), defaults)); });
  EXPECT_EQ(studio.opened, 0);
  EXPECT_FALSE(fs::exists(folder.path / "out"));
}

// In words of ours, whoever is kept out.
TEST_F(Run, AFolderThatCannotBeReadIsNamed) {
  const auto refused = [this](const fs::path& place, fs::perms rights) {
    fs::create_directories(place);
    fs::permissions(folder.path, fs::perms(0755));
    fs::permissions(place, rights);
    if (geteuid() == 0 && seteuid(65534) != 0) return std::string("(as root)");
    const std::string text = refusal(ExitCode::io, [&] { Manifest(place / "", {}); }) +
                             refusal(ExitCode::io, [&] { Manifest(place / "x/", {}); });
    if (getuid() == 0 && seteuid(0) != 0) std::abort();
    fs::permissions(place, fs::perms(0755));
    return text;
  };
  const std::string words = ": expected a folder whose manifests can be read: Permission denied | make the ";
  const fs::path write_only = folder.path / "nr", locked = folder.path / "locked";
  const std::string listing = refused(write_only, fs::perms(0333)), entering = refused(locked, fs::perms(0));
  if (listing == "(as root)") GTEST_SKIP() << "cannot drop privileges";
  EXPECT_NE(listing.find(write_only.string() + "/" + words), std::string::npos) << listing;
  EXPECT_NE(entering.find(locked.string() + words), std::string::npos) << entering;
  EXPECT_NE(entering.find(locked.string() + "/x/" + words), std::string::npos) << entering;
}

TEST_F(Run, ContactSheetsAreMadeOfTheWrittenFiles) {
  options.plan.grid = Grid{2, 1};
  EXPECT_EQ(run({"a cat", "a dog", "a hen"}), ExitCode::ok);
  EXPECT_EQ(images(), (Files{"a-cat-10-grid.png", "a-cat-10.png", "a-dog-11.png", "a-hen-12-grid.png",
                             "a-hen-12.png"}));
}

TEST_F(Run, NoImageTakesThePlaceOfWhatOthersAreMadeFrom) {
  const fs::path place = folder.path / "out", link = folder.path / "link";
  fs::create_directory(place), fs::create_directory_symlink(place, link);
  const auto job = [](const fs::path& from, const fs::path& to, int count = 1) {
    return ImageOptions{
        .task = Task::variations, .output = to, .count = count, .image = from, .overwrite = true};
  };
  for (const char* name : {"a.png", "b.png", "d.png"}) std::ofstream(place / name) << "an input";
  fs::create_symlink("b.png", place / "to-b.png");
  const fs::path a = place / "a.png", b = place / "b.png", c = place / "c.png";
  const std::vector<std::vector<ImageOptions>> refused{
      {job(a, a, 2)},         {job(a, link / "a.png", 2)}, {job(a, b), job(b, c)},
      {job(a, c), job(b, a)}, {job(a, a), job(a, c)},      {job(a, b), job(place / "to-b.png", c)}};
  for (const auto& jobs : refused)
    expect_refusal(ExitCode::usage, ".png: expected a name of its own, found that of a file that other",
                   [&] { run(Jobs(jobs)); });
  options.plan.shard = {0, 2};  // the second image is another process's
  expect_refusal(ExitCode::usage, "b.png: expected", [&] { run(Jobs(std::vector{job(a, b), job(b, c)})); });
  EXPECT_EQ(studio.opened, 0);
  options.plan.shard = {};
  EXPECT_EQ(run(Jobs(std::vector{job(a, a), job(b, b), job(place / "d.png", c)})), ExitCode::ok);
  EXPECT_EQ(printed(), (Files{"a.png", "b.png", "c.png"}));
}

TEST_F(Run, TheSameRunMakesItsSheetsAndAnimationsAnew) {
  options.plan.grid = Grid{2, 1};
  options.gif = folder.path / "out/a.gif";
  defaults.output = folder.path / "out/{slug}.png";
  const fs::path sheet = folder.path / "out/a-cat-grid.png", cat = folder.path / "out/a-cat.png";
  const auto again = [&] { return run_file("a cat\na dog\n"); };
  const auto bytes = [](const fs::path& file) { return read_whole_file(file, 1 << 20, ExitCode::io); };
  EXPECT_EQ(again(), ExitCode::ok);
  const std::string first_sheet = bytes(sheet), first_gif = bytes(options.gif);
  forget();
  EXPECT_EQ(again(), ExitCode::ok);
  EXPECT_EQ(studio.opened, 0);
  EXPECT_EQ(printed(), (Files{"a.gif", "a-cat-grid.png"}));
  fs::remove(cat);
  EXPECT_EQ(again(), ExitCode::ok);
  EXPECT_EQ(studio.seeds(), Seeds{10});
  EXPECT_EQ(bytes(sheet), first_sheet);
  EXPECT_EQ(bytes(options.gif), first_gif);
  EXPECT_EQ(manifest().size(), 5U) << "three images, a sheet and an animation";

  // What somebody else put there, and what another run made.
  for (const fs::path& file : {sheet, options.gif}) {
    const std::string ours = bytes(file);
    std::ofstream(file) << "mine";
    expect_refusal(ExitCode::io, file.string() + ": already exists", again);
    EXPECT_EQ(bytes(file), "mine");
    std::ofstream(file) << ours;
  }
  EXPECT_EQ(again(), ExitCode::ok);
  fs::remove(cat), fs::remove(folder.path / "out/a-dog.png");
  options.plan.seed = 20;
  expect_refusal(ExitCode::io, "a-cat-grid.png: already exists", again);
  options.plan.grid.reset();
  expect_refusal(ExitCode::io, "a.gif: already exists", again);
  EXPECT_EQ(bytes(sheet), first_sheet);
  EXPECT_EQ(bytes(options.gif), first_gif);
}

TEST_F(Run, AContactSheetTakesNoNameOfAnImage) {
  options.plan.grid = Grid{2, 1};
  defaults.output = folder.path / "out/{slug}.png";
  const std::vector<std::string> prompts{"x", "x grid"};
  const auto refused = [&](const std::string& words, Jobs jobs) {
    expect_refusal(ExitCode::usage, words, [&] { run(std::move(jobs)); });
    EXPECT_EQ(studio.opened, 0);
  };
  for (const bool overwrite : {false, true}) {
    defaults.overwrite = overwrite;
    refused("x-grid.png: expected a name of its own, found that of a contact sheet", Jobs(prompts, defaults));
  }
  options.plan.shard = {0, 2};  // the image is another shard's
  refused("x-grid.png: expected a name of its own", Jobs(prompts, defaults));
  options.plan.shard = {};
  options.plan.grid = Grid{1, 1};
  std::vector<ImageOptions> jobs(2, defaults);
  for (ImageOptions& job : jobs) job.prompt = "x";
  jobs[0].output = folder.path / "out/x.png", jobs[1].output = folder.path / "out/x.PNG";
  refused("found that of another contact sheet", Jobs(jobs));
  options.gif = folder.path / "out/x-grid.png";
  refused("found that of a contact sheet", Jobs({"x"}, defaults));
}

TEST_F(Run, FramesOfTwoSizesAreRefusedBeforeTheModelOpens) {
  options.gif = folder.path / "a.gif";
  std::vector<ImageOptions> jobs(3, defaults);
  for (ImageOptions& job : jobs) job.prompt = "a cat";
  jobs[0].size = ImageSize{64, 64};
  jobs[2].size = ImageSize{64, 32};
  expect_refusal(ExitCode::usage, "prompt 3: expected the size of the first frame", [&] { run(Jobs(jobs)); });
  EXPECT_EQ(studio.opened, 0);
  jobs[2].size = ImageSize{64, 64};
  EXPECT_EQ(run(Jobs(jobs)), ExitCode::ok);
  EXPECT_TRUE(fs::exists(options.gif));
}

TEST_F(Run, ThePriorStaysClosedOnlyWhereEveryImageBringsAnEmbedding) {
  defaults.embedding = folder.path / "cat.safetensors";
  std::ofstream(defaults.embedding) << "x";
  EXPECT_EQ(run({"a cat"}), ExitCode::ok);
  EXPECT_FALSE(studio.options.use.prior);
  const fs::path file = folder.path / "prompts.jsonl";
  std::ofstream(file) << json{{"prompt", "a dog"}, {"embedding", defaults.embedding}}.dump() << "\n"
                      << R"({"prompt": "a hen"})"
                      << "\n";
  defaults.embedding.clear();
  std::istringstream none;
  EXPECT_EQ(run(Jobs(PromptFile(file, none), defaults)), ExitCode::ok);
  EXPECT_TRUE(studio.options.use.prior);
}

}  // namespace
}  // namespace unclip
