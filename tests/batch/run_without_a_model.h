// Runs without a model: the real plan, writer and manifest around an engine that paints each image in one
// color, which its seed tells.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "batch/run.h"
#include "temporary_folder.h"

namespace unclip::testing_run {

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

}  // namespace unclip::testing_run
