// Sheets and animations of a run, and which files they and its images may replace.
#include "batch/run_without_a_model.h"
#include "refusal.h"
#include "support/read_file.h"

namespace unclip::testing_run {
namespace {

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

}  // namespace
}  // namespace unclip::testing_run
