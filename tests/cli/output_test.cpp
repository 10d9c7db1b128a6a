// Where images go: nothing of others is harmed, nothing of ours is lost, and what can be known before the
// first stage is known before it.
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/tiny_model.h"
#include "refused_calls.h"

namespace unclip::testing_program {
namespace {

class Output : public PromptFileRun {
 protected:
  // No model is there: what is refused is refused before it would be opened.
  Result early(Arguments arguments) const {
    arguments.insert(arguments.begin(), {"generate", "-m", "/no/such"});
    return run(arguments);
  }
  const std::string folder = out.string() + "/";
};

TEST_F(Output, ForeignManifestsStayAsTheyAre) {
  const fs::path file = prompts(2), bad = temporary.path / "bad.txt", manifest = out / "manifest.jsonl";
  std::ofstream(bad) << "\xff\n";
  for (const std::string text :
       {"my notes", "my notes\nwithout an end", "{\"a\": 1}\n", "{\"a\": 1}\n{\"b\"", "[1]\n", "\n", "7",
        "{\"index\": 1, \"status\": \"done\", \"id\": 3, \"run_seed\": 1}\n",
        "{\"index\":0,\"status\":\"done\",\"id\":\"a\",\"run_seed\":-1}\n"}) {
    std::ofstream(manifest) << text;
    expect_error(early({"-f", file, "-o", folder}), 5,
                 {manifest.string() + ":", "expected a line that describes an image"});
    EXPECT_EQ(early({"-f", bad, "-o", folder}).code, 5);
    EXPECT_EQ(read_file(manifest), text);
  }
  // One of ours that a kill cut short is not changed either before all is checked.
  fs::remove(manifest);
  ASSERT_EQ(run(draw(file, out, {"--seed", "1"})).code, 0);
  const std::string torn = read_file(manifest) + "{\"index\":7,\"n";
  std::ofstream(manifest) << torn;
  EXPECT_EQ(early({"-f", bad, "-o", folder}).code, 2);
  EXPECT_EQ(read_file(manifest), torn);
  EXPECT_EQ(run(draw(prompts(3), out, {"--seed", "1"})).code, 0);
  for (const std::string& line : lines_of(read_file(manifest))) EXPECT_TRUE(json::accept(line)) << line;
  // An editor took the last line's end away.
  const std::string whole = read_file(manifest);
  std::ofstream(manifest) << whole.substr(0, whole.size() - 1);
  EXPECT_EQ(run(draw(prompts(4), out, {"--seed", "1"})).code, 0);
  EXPECT_EQ(read_file(manifest).substr(0, whole.size()), whole);
}

TEST_F(Output, ManifestsThatAreNoFilesAreRefused) {
  const fs::path file = prompts(2), notes = temporary.path / "notes";
  std::ofstream(notes) << "my notes";
  for (const char* name : {"manifest.jsonl", "manifest-3-of-8.jsonl"}) {
    const fs::path place = out / name;
    const std::vector<std::function<void()>> kinds{
        [&] { fs::create_symlink(notes, place); }, [&] { fs::create_symlink("nowhere", place); },
        [&] { fs::create_symlink("/dev/zero", place); }, [&] { mkfifo(place.c_str(), 0600); },
        [&] { fs::create_directory(place); }};
    for (const auto& make : kinds) {
      make();
      expect_error(early({"-f", file, "-o", folder}), 5, {place.string(), "not a regular file", "-o"});
      fs::remove(place);
    }
  }
  EXPECT_EQ(read_file(notes), "my notes");
  std::ofstream(out / "manifest-of-mine.jsonl") << "my notes";
  EXPECT_EQ(run(draw(file, out, {})).code, 0) << "no name of ours";
}

TEST_F(Output, WhatIsNoFileIsKnownBeforeTheModel) {
  const std::string place = out / "x.png", named = out / "{slug}.png";
  const std::vector<std::function<void()>> kinds{
      [&] { fs::create_symlink("nowhere", place); }, [&] { fs::create_symlink("/dev/zero", place); },
      [&] { fs::create_symlink(place, place); }, [&] { mkfifo(place.c_str(), 0600); },
      [&] { fs::create_directory(place); }};
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    kinds[kind]();
    expect_error(early({"x", "-o", named}), 5, {place});
    expect_error(early({"x", "--save-embedding", place}), 5, {place});
    if (kind > 0) {  // a link that leads nowhere may be replaced
      expect_error(early({"x", "-o", named, "--overwrite"}), 5, {place});
      expect_error(early({"x", "-o", named, "--skip-existing"}), 5, {place});
      expect_error(run({"eval", "-m", "/no/such", "--sheet", place}), 5, {place});
    }
    fs::remove(place);
  }
  fs::create_symlink("nowhere", place);
  EXPECT_EQ(run(quick({"x", "-o", place, "--overwrite"})).code, 0);
  EXPECT_FALSE(fs::is_symlink(place));
  EXPECT_FALSE(fs::exists(out / "nowhere"));
  expect_error(run({"eval", "-m", "/no/such", "--sheet", place}), 5,
               {place, "already exists", "--overwrite"});
  expect_error(run({"eval", "-m", "/no/such", "--sheet", place, "--overwrite"}), 3, {"/no/such"});
  expect_error(run({"eval", "-m", kTiny, "--rows", "count", "--sheet", "/proc/nope/x.png"}), 5,
               {"/proc/nope/x.png", "choose another file with --sheet"});
  std::ofstream(out / "y-1-grid.png") << "mine";
  expect_error(early({"y", "--seed", "1", "--grid", "2x2", "-o", folder}), 5,
               {"y-1-grid.png: already exists"});
  expect_error(early({"x", "-o", out / "new" / (std::string(300, 'a') + ".png")}), 5, {"File name too long"});
}

TEST_F(Output, FileSystemsWithoutLinksTakeImages) {
  const auto limited = [] {
    if (!refuse_calls({{SYS_renameat2, EINVAL}, {SYS_link, EPERM}, {SYS_linkat, EPERM}})) _exit(99);
  };
  const Result result = run(draw(prompts(3), out, {"--seed", "1"}), limited);
  if (result.code == 99) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(images(out).size(), 3U);
  // A kill between making and replacing leaves an empty file.
  std::ofstream(out / "prompt-1-2.png").flush();
  EXPECT_EQ(lines_of(run(draw(prompts(3), out, {"--seed", "1"}), limited).out).size(), 1U);
  EXPECT_GT(fs::file_size(out / "prompt-1-2.png"), 0U);
}

TEST_F(Output, OverwriteKeepsTheMode) {
  const fs::path file = out / "x.png";
  ASSERT_EQ(run(quick({"x", "-o", file})).code, 0);
  fs::permissions(file, fs::perms(0640));
  ASSERT_EQ(run(quick({"y", "-o", file, "--overwrite"})).code, 0);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0640));
}

TEST_F(Output, LeftoversOfDeadProcessesGo) {
  const fs::path left = out / ".00112233aabbccdd.unclip-tmp";
  std::ofstream(left) << "half a picture";
  ASSERT_EQ(run(quick({"x", "-o", folder})).code, 0);
  EXPECT_FALSE(fs::exists(left));
  ASSERT_EQ(run(draw(prompts(1), out, {"--seed", "1"})).code, 0);
  std::ofstream(left) << "half a picture";
  ASSERT_EQ(run(draw(prompts(1), out, {"--seed", "1"})).out, "") << "nothing is left to do";
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(Output, AFolderThatGoesAwayIsAnError) {
  for (const bool again : {false, true})
    for (const Arguments& jobs : {draw(prompts(2000), out, {"--seed", "1"}),
                                  quick({"x", "-n", "2000", "--seed", "1", "-o", folder})}) {
      fs::create_directories(out);
      Program program(jobs);
      ASSERT_TRUE(program.has_printed());
      const fs::path aside = temporary.path / "aside";
      fs::rename(out, aside);  // as remove_all(), in one step
      if (again) fs::create_directory(out);
      const Result result = program.wait();
      EXPECT_EQ(result.code, 5) << result.err;
      EXPECT_NE(result.err.find("was removed during the run"), std::string::npos) << result.err;
      fs::remove_all(aside);
      fs::remove_all(out);
    }
}

TEST_F(Output, AJobsErrorNamesLineImageAndInput) {
  const fs::path file = temporary.path / "p.jsonl", cat = temporary.path / "cat.png";
  std::ofstream(cat) << "no picture";
  std::ofstream(file) << "{\"prompt\": \"good\", \"seed\": 1}\n\n"
                      << json{{"prompt", "bad"}, {"seed", 2}, {"init_image", cat.string()}} << '\n';
  const std::string words =
      "error: " + file.string() + ":3: " + (out / "bad-2.png").string() + ": " + cat.string();
  const Result result = run(draw(file, out, {}));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  const fs::path other = temporary.path / "other";
  const Result first = run(draw(file, other, {"--fail-fast"}));
  EXPECT_NE(first.err.find(file.string() + ":3: "), std::string::npos) << first.err;
}

TEST_F(Output, RetryFailedRepairsTheManifest) {
  const fs::path manifest = out / "manifest.jsonl";
  ASSERT_EQ(run(draw(prompts(2), out, {"--seed", "1"})).code, 0);
  const auto all = images(out);
  const std::string good = read_file(manifest);
  std::string bad = good;
  bad.replace(bad.find("\"done\""), 6, "\"failed\"");
  std::ofstream(manifest) << bad;
  EXPECT_EQ(run(draw(prompts(2), out, {"--seed", "1"})).code, 1);
  EXPECT_EQ(run(draw(prompts(2), out, {"--seed", "1", "--retry-failed"})).code, 0);
  EXPECT_EQ(images(out), all);
  EXPECT_EQ(run(draw(prompts(2), out, {"--seed", "1"})).code, 0);
  // Half an image is made again; somebody else's whole one stays.
  std::ofstream(manifest) << bad;
  fs::resize_file(out / "prompt-0-1.png", 100);
  EXPECT_EQ(run(draw(prompts(2), out, {"--seed", "1", "--retry-failed"})).code, 0);
  EXPECT_EQ(images(out), all);
  std::ofstream(manifest) << bad;
  fs::copy_file(out / "prompt-1-2.png", out / "prompt-0-1.png", fs::copy_options::overwrite_existing);
  EXPECT_EQ(run(draw(prompts(2), out, {"--seed", "1", "--retry-failed"})).code, 5);
  EXPECT_EQ(read_file(out / "prompt-0-1.png"), all.at("prompt-1-2.png"));
}

TEST_F(Output, AutoMeasuresByTheImageThatIsDrawn) {
  const fs::path file = temporary.path / "p.jsonl", embedding = temporary.path / "none.safetensors";
  std::ofstream(embedding) << "nothing";
  std::ofstream(file) << json{{"prompt", "a"}, {"embedding", embedding.string()}}
                      << "\n{\"prompt\": \"b\"}\n";
  const Result result = run(draw(file, out, {"--seed", "1", "--shard", "1/2", "-b", "auto"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(images(out).size(), 1U);
}

}  // namespace
}  // namespace unclip::testing_program
