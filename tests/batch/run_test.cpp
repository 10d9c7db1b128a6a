// What a run draws, names, records and does again.
#include <unistd.h>

#include "batch/run_without_a_model.h"
#include "image/png.h"
#include "refusal.h"
#include "support/json_text.h"
#include "support/read_file.h"

namespace unclip::testing_run {
namespace {

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
}  // namespace unclip::testing_run
