// Prompt files through the real program: one load, shared batches, resume after kill -9, shards under each
// scheduler's environment, races for one name, full disks, and every image whole.
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

#include <map>
#include <random>

#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

class BatchRun : public PromptFileRun {
 protected:
  static Arguments draw(const fs::path& file, const fs::path& folder, Arguments more = {}) {
    more.insert(more.begin(), {"--seed", "7"});
    return PromptFileRun::draw(file, folder, more);
  }

  static std::vector<json> manifest(const fs::path& file) {
    std::vector<json> lines;
    for (const std::string& line : lines_of(read_file(file))) lines.push_back(json::parse(line));
    return lines;
  }
};

Prepare environment(const std::map<std::string, std::string>& variables) {
  return [variables] {
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  };
}

size_t count(const std::string& text, const std::string& words) {
  size_t found = 0;
  for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++found;
  return found;
}

TEST_F(BatchRun, AnotherModelsImagesAreNotTakenForItsOwn) {
  const fs::path file = prompts(2), moved = temporary.path / "elsewhere" / "model";
  const fs::path other = temporary.path / "other" / model.filename();
  const auto with = [&](const fs::path& folder) {
    return run(quick({"-f", file, "-o", out.string() + "/", "--seed", "7"}, folder.string())).code;
  };
  fs::create_directories(moved.parent_path());
  fs::copy(model, moved, fs::copy_options::recursive);
  fs::create_directories(other.parent_path());
  fs::copy(model, other, fs::copy_options::recursive);
  Weights decoder(other / "decoder/diffusion_pytorch_model.safetensors");
  decoder.data[decoder.data.size() / 2] ^= 1;
  decoder.save(other / "decoder/diffusion_pytorch_model.safetensors");
  ASSERT_EQ(with(model), 0);
  EXPECT_EQ(with(moved), 0) << "the same weights in another folder: done";
  EXPECT_EQ(with(other), 5) << "another model of the same name: its images would take the places";
}

// 2,000 images: one load, one line each, and no memory that grows.
TEST_F(BatchRun, OpensTheModelOnceAndRecordsEveryImage) {
  Program program(draw(prompts(1000), out, {"-b", "50", "-n", "2", "-v"}));
  // Peaks: writing overlaps drawing in some stretches and not in others, by 4 % of the memory, so means tell
  // the share of such stretches rather than growth. Peaks differ by a hundredth from run to run.
  const auto peak_resident = [&program](size_t from, size_t to) {
    size_t kilobytes = 0;
    for (size_t printed = program.printed(); printed < to; printed = program.printed()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (printed >= from) kilobytes = std::max(kilobytes, static_cast<size_t>(program.resident_kilobytes()));
    }
    return static_cast<double>(kilobytes);
  };
  const double early = peak_resident(500, 1000), late = peak_resident(1400, 1900);
  const Result result = program.wait();
  RecordProperty("peak_kilobytes", std::to_string(early) + " " + std::to_string(late));
  EXPECT_LT(late, early * 1.02);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), 2000U);
  EXPECT_EQ(count(result.err, "debug: model "), 1U);
  EXPECT_EQ(count(result.err, "prior: "), 40U)
      << "guidance of its own does not part a picture from its batch";
  std::map<std::string, json> by_file;
  for (const json& line : manifest(out / "manifest.jsonl")) by_file[line["file"]] = line;
  EXPECT_EQ(by_file.size(), 2000U);
  const json& last = by_file[out / "prompt-999-1006.png"];
  EXPECT_EQ(last["index"], 999);
  EXPECT_EQ(last["seed"], 1006);
  EXPECT_EQ(last["status"], "done");
  EXPECT_EQ(last["sha256"].get<std::string>().size(), 64U);
  EXPECT_EQ(last["decoder_guidance"], 2);
  const auto again = std::chrono::steady_clock::now();
  EXPECT_EQ(run(draw(prompts(1000), out, {"-m", kTiny + "/no/such"})).code, 2) << "--model twice";
  EXPECT_EQ(run({"generate", "-f", prompts(1000), "-o", out.string() + "/", "-m", kTiny}).out, "");
  EXPECT_LT(std::chrono::steady_clock::now() - again, std::chrono::seconds(60));
}

TEST_F(BatchRun, BadLinesAreAllToldBeforeAnyModelIsOpened) {
  const fs::path file = temporary.path / "p.jsonl";
  std::ofstream(file)
      << "{\"prompt\": \"good\"}\n{\"prompt\": \"a\", \"seed\": -1}\nnot JSON\n{\"promt\": \"a\"}\n";
  const Result result = run({"generate", "-f", file, "-m", "/no/such", "-o", out.string() + "/"});
  expect_error(result, 2,
               {file.string() + ":2:25: seed: expected a whole number", file.string() + ":3:2: invalid JSON",
                file.string() + ":4:2: unknown key \"promt\"", "errors: "});
  std::ofstream(file) << "";
  expect_error(run({"generate", "-f", file, "-m", "/no/such"}), 2, {"expected a prompt, found none"});
  EXPECT_EQ(files_in(out), 0U);
}

// 20 kill -9 and 6 gentler ends at random points, and a last line that is torn: what is there is left alone,
// what is not is made.
TEST_F(BatchRun, ResumesAfterKillToTheBytesOfOneRun) {
  const fs::path file = prompts(100), whole = temporary.path / "whole";
  ASSERT_EQ(run(draw(file, whole, {"-b", "3"})).code, 0);
  std::mt19937 random(std::random_device{}());
  for (int kills = 0; kills < 26; ++kills) {
    const auto before = fs::exists(out / "manifest.jsonl") ? images(out).size() : 0;
    const int signal = kills % 4 != 3 || kills >= 24 ? SIGKILL : kills % 8 == 3 ? SIGINT : SIGTERM;
    Program program(draw(file, out, {"-b", "3"}));
    if (kills % 5 != 4) program.has_printed();  // else it may still be loading
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 80));
    program.kill(signal);
    const Result result = program.wait();
    EXPECT_LE(before + lines_of(result.out).size(), 100U) << "a picture was computed twice";
    if (signal != SIGKILL) {
      // The signal alone, where it came before main() did.
      EXPECT_TRUE(result.code == 0 || result.code == 128 + signal || result.signal == signal)
          << result.code << " signal " << result.signal << result.err;
    } else if (fs::exists(out / "manifest.jsonl")) {
      std::ofstream(out / "manifest.jsonl", std::ios::app) << "{\"index\": 3, \"n\"";
    }
  }
  const Result result = run(draw(file, out, {"-b", "3"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(images(out), images(whole));
  EXPECT_EQ(run(draw(file, out, {"-b", "3"})).out, "");
}

TEST_F(BatchRun, ShardsOfEverySchedulerMakeTheBytesOfOneRun) {
  const fs::path file = prompts(9), whole = temporary.path / "whole";
  ASSERT_EQ(run(draw(file, whole, {"-b", "2"})).code, 0);
  const auto one = images(whole);
  struct Scheduler {
    const char* name;
    std::function<std::map<std::string, std::string>(int)> variables;
    Arguments more;
  };
  const auto number = [](int i) { return std::to_string(i); };
  const std::vector<Scheduler> schedulers{
      {"by hand", [](int) { return std::map<std::string, std::string>(); }, {}},
      {"Slurm array",
       [&](int i) {
         return std::map<std::string, std::string>{{"SLURM_ARRAY_TASK_ID", number(5 + 2 * i)},
                                                   {"SLURM_ARRAY_TASK_MIN", "5"},
                                                   {"SLURM_ARRAY_TASK_MAX", "11"},
                                                   {"SLURM_ARRAY_TASK_STEP", "2"},
                                                   {"SLURM_ARRAY_TASK_COUNT", "4"}};
       },
       {}},
      {"srun in a Slurm array",
       [&](int i) {
         return std::map<std::string, std::string>{
             {"SLURM_ARRAY_TASK_ID", number(i / 2)}, {"SLURM_ARRAY_TASK_MIN", "0"},
             {"SLURM_ARRAY_TASK_MAX", "1"},          {"SLURM_ARRAY_TASK_COUNT", "2"},
             {"SLURM_STEP_NUM_TASKS", "2"},          {"SLURM_PROCID", number(i % 2)}};
       },
       {}},
      {"Kubernetes",
       [&](int i) {
         return std::map<std::string, std::string>{{"JOB_COMPLETION_INDEX", number(i)}};
       },
       {"--shard", "/4"}},
      {"GNU parallel",
       [&](int i) {
         return std::map<std::string, std::string>{{"PARALLEL_SEQ", number(i + 1)}};
       },
       {"--shard", "/4"}},
  };
  for (const Scheduler& scheduler : schedulers) {
    const fs::path folder = temporary.path / scheduler.name;
    for (int i = 0; i < 4; ++i) {
      Arguments more = scheduler.more;
      if (std::string(scheduler.name) == "by hand") more = {"--shard", number(i) + "/4"};
      more.insert(more.end(), {"-b", "2"});
      const Result result = run(draw(file, folder, more), environment(scheduler.variables(i)));
      EXPECT_EQ(result.code, 0) << scheduler.name << result.err;
      EXPECT_EQ(lines_of(result.out).size(), i == 0 ? 3U : 2U) << scheduler.name;
    }
    EXPECT_EQ(images(folder), one) << scheduler.name;
  }
  EXPECT_EQ(run(draw(file, temporary.path / "by hand", {"-b", "2"})).out, "") << "the shards' manifests tell";
}

TEST_F(BatchRun, ShardsNeedANumberAndASeed) {
  const fs::path file = prompts(2);
  const Arguments start{"generate", "-f", file, "-o", out.string() + "/", "-m", kTiny};
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), start.begin(), start.end());
    return more;
  };
  expect_error(run(with({"--shard", "0/2"})), 2, {"expected a seed", "--seed"});
  expect_error(run(with({"--shard", "2/2"})), 2, {"--shard", "from 0 to 1", "\"2\""});
  expect_error(run(with({"--shard", "2"})), 2, {"--shard", "expected i/N"});
  expect_error(run(with({"--shard", "/2"})), 2, {"--shard", "expected a scheduler task", "found none"});
  expect_error(run(start, environment({{"JOB_COMPLETION_INDEX", "1"}})), 2, {"Kubernetes", "--shard /N"});
  expect_error(run(start, environment({{"SLURM_ARRAY_TASK_ID", "3"},
                                       {"SLURM_ARRAY_TASK_MIN", "3"},
                                       {"SLURM_ARRAY_TASK_MAX", "7"},
                                       {"SLURM_ARRAY_TASK_COUNT", "2"}})),
               2, {"not evenly spaced", "--shard /N"});
  const std::map<std::string, std::string> array{{"SLURM_ARRAY_TASK_MIN", "0"},
                                                 {"SLURM_ARRAY_TASK_MAX", "3"},
                                                 {"SLURM_ARRAY_TASK_STEP", "1"},
                                                 {"SLURM_ARRAY_TASK_COUNT", "4"}};
  struct Wrong {
    std::map<std::string, std::string> variables;
    std::string name, value;
  };
  for (Wrong wrong :
       {Wrong{{{"SLURM_STEP_NUM_TASKS", "0"}}, "SLURM_STEP_NUM_TASKS", "0"},
        Wrong{{{"SLURM_STEP_NUM_TASKS", "2"}}, "SLURM_PROCID", "5"}, Wrong{array, "SLURM_ARRAY_TASK_ID", "5"},
        Wrong{{{"SLURM_ARRAY_TASK_ID", "1"}}, "SLURM_ARRAY_TASK_COUNT", "0"},
        Wrong{{{"SLURM_ARRAY_TASK_ID", "1"}}, "SLURM_ARRAY_TASK_STEP", "0"}}) {
    wrong.variables[wrong.name] = wrong.value;
    expect_error(run(start, environment(wrong.variables)), 2,
                 {wrong.name + ": expected", "found \"" + wrong.value + "\"", "--shard i/N"});
  }
  expect_error(run(with({"--shard", "/2"}), environment({{"PARALLEL_SEQ", "0"}})), 2,
               {"PARALLEL_SEQ: expected a whole number from 1", "found \"0\""});
  expect_error(run({"generate", "x", "--shard", "0/2"}), 2, {"--shard", "--prompt-file"});
}

TEST_F(BatchRun, OneOfEightWritersWinsAndTheOthersTellSo) {
  std::vector<Program> racers;
  const fs::path file = out / "x.png";
  for (int i = 0; i < 8; ++i) racers.emplace_back(quick({"x", "--seed", std::to_string(i), "-o", file}));
  int won = 0;
  for (Program& racer : racers) {
    const Result result = racer.wait();
    won += result.code == 0;
    if (result.code != 0) expect_error(result, 5, {file.string(), "already exists"});
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(files_in(out), 1U);
  EXPECT_EQ(run({"info", file}).code, 0);
}

TEST_F(BatchRun, TwoRunsDoNotShareAManifest) {
  const fs::path file = prompts(2);
  std::ofstream(out / "manifest.jsonl") << "";
  const int held = open((out / "manifest.jsonl").c_str(), O_RDWR | O_CLOEXEC);
  flock(held, LOCK_EX);
  expect_error(run(draw(file, out)), 5,
               {"manifest.jsonl", "another unclip process is writing here", "--shard"});
  close(held);
  std::ofstream(out / "manifest.jsonl") << "nonsense\n";
  expect_error(run(draw(file, out)), 5, {"manifest.jsonl:1:1: expected a line that describes an image"});
}

// The job fails and is left alone, until --retry-failed; the others go on.
TEST_F(BatchRun, FailedImagesAreRecordedAndRetried) {
  std::string words;
  for (int i = 0; i < 90; ++i) words += "word ";
  const fs::path file = temporary.path / "p.jsonl";
  std::ofstream(file) << json{{"prompt", words}, {"strict", true}} << "\n{\"prompt\": \"good\"}\n";
  const Result first = run(draw(file, out, {"--json"}));
  EXPECT_EQ(first.code, 1) << first.err;
  ASSERT_EQ(lines_of(first.out).size(), 2U);
  EXPECT_EQ(json::parse(lines_of(first.out)[0])["status"], "failed");
  EXPECT_EQ(json::parse(lines_of(first.out)[0])["code"], 2);
  EXPECT_NE(first.err.find("too long"), std::string::npos);
  const Result second = run(draw(file, out));
  EXPECT_EQ(second.code, 1);
  EXPECT_EQ(second.out, "");
  EXPECT_NE(second.err.find("--retry-failed"), std::string::npos) << second.err;
  const Result third = run(draw(file, out, {"--retry-failed"}));
  EXPECT_EQ(third.code, 2) << "nothing but the failure";
  EXPECT_EQ(manifest(out / "manifest.jsonl").size(), 3U);
  const fs::path other = temporary.path / "other";
  EXPECT_EQ(run(draw(file, other, {"--fail-fast"})).code, 2);
  EXPECT_EQ(images(other).size(), 0U);
}

TEST_F(BatchRun, SkipExistingLeavesWholeImagesAlone) {
  const Arguments arguments =
      quick({"x", "-n", "3", "--seed", "1", "--skip-existing", "-o", out.string() + "/"});
  ASSERT_EQ(run(arguments).code, 0);
  const std::string whole = read_file(out / "x-2.png");
  fs::resize_file(out / "x-2.png", 100);
  fs::remove(out / "x-3.png");
  const Result result = run(arguments);
  EXPECT_EQ(result.out, (out / "x-2.png").string() + '\n' + (out / "x-3.png").string() + '\n') << result.err;
  EXPECT_EQ(read_file(out / "x-2.png"), whole);
  EXPECT_EQ(run(arguments).out, "");
}

TEST_F(BatchRun, StandardInputIsAPromptFile) {
  const fs::path file = prompts(2);
  const Prepare piped = [&] {
    int ends[2];
    if (pipe(ends) != 0) _exit(126);
    const std::string text = read_file(file);
    if (write(ends[1], text.data(), text.size()) < 0) _exit(126);
    dup2(ends[0], STDIN_FILENO);
    close(ends[1]);
  };
  const Result result = run(draw("-", out), piped);
  EXPECT_EQ(lines_of(result.out).size(), 2U) << result.err;
}

TEST_F(BatchRun, StopsOnAFullDiskAndKeepsWhatIsWhole) {
  const fs::path file = prompts(40);
  const Prepare small = [&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", out.c_str(), "tmpfs", 0, "size=64k") != 0)
      _exit(99);
  };
  const Result full = run(draw(file, out), small);
  if (full.code == 99) GTEST_SKIP() << "no permission to mount";
  EXPECT_EQ(full.code, 5) << full.err;
  EXPECT_NE(full.err.find("free some space"), std::string::npos) << full.err;
  EXPECT_GT(lines_of(full.out).size(), 0U);
  EXPECT_LT(lines_of(full.out).size(), 40U);
  const Prepare limited = [] {
    const rlimit most{4000, 4000};  // an image fits, the manifest soon does not
    setrlimit(RLIMIT_FSIZE, &most);
  };
  const Result limit = run(draw(file, out), limited);
  EXPECT_EQ(limit.code, 5) << limit.err;
  Arguments whole{"info"};
  for (const auto& [name, bytes] : images(out)) whole.push_back(out / name);
  if (whole.size() > 1) {
    EXPECT_EQ(run(whole).code, 0);
  }
  EXPECT_EQ(run(draw(file, out)).code, 0);
  EXPECT_EQ(images(out).size(), 40U);
}

TEST_F(BatchRun, RefusesAReadOnlyFolder) {
  const fs::path file = prompts(3);
  const Prepare read_only = [&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", out.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0)
      _exit(99);
  };
  const Result result = run(draw(file, out), read_only);
  if (result.code == 99) GTEST_SKIP() << "no permission to mount";
  expect_error(result, 5, {out.string() + ": Read-only file system", "choose another place with -o"});
}

// The address space holds the batch of 32, and not that of 64.
TEST_F(BatchRun, HalvesTheBatchWhereMemoryEnds) {
  set("super_res_first", "sample_size", 256);
  set("super_res_last", "sample_size", 256);
  Arguments arguments{"-f", prompts(3), "--seed", "7", "-b", "64", "-o", out.string() + "/"};
  const Result result = run(quick(arguments, model), [] {
    const rlimit most{1'800'000'000, 1'800'000'000};
    setrlimit(RLIMIT_AS, &most);
  });
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("out of memory: continuing with batch size 32"), std::string::npos) << result.err;
  EXPECT_EQ(images(out).size(), 3U);
  arguments[5] = "auto";
  arguments[7] = (temporary.path / "auto").string() + "/";
  const Result measured = run(quick(arguments, model));
  EXPECT_EQ(measured.code, 0) << measured.err;
  EXPECT_NE(measured.err.find("automatic batch size: 4"), std::string::npos) << measured.err;
}

// A million lines are checked in the memory that a thousand take.
TEST_F(BatchRun, LongFilesTakeNoMoreMemory) {
  const auto peak = [&](int lines, const std::string& last) {
    const fs::path file = temporary.path / "long.txt";
    std::ofstream text(file);
    for (int i = 0; i < lines; ++i) text << "a prompt number " << i << '\n';
    text << last;
    text.close();
    Program program(
        {"generate", "-f", file, "--seed", "1", "-m", kTiny, "-o", (out / "{index}.png").string()});
    rusage use{};
    const Result result = program.wait(&use);
    EXPECT_EQ(result.code, 2) << result.err;
    return use.ru_maxrss;
  };
  const long few = peak(1000, "\xff\n"), many = peak(1'000'000, "\xff\n");
  RecordProperty("kilobytes", std::to_string(few) + " " + std::to_string(many));
  EXPECT_LT(many, few + few / 10) << "kilobytes";
}

TEST_F(BatchRun, GoesOnWithoutStandardError) {
  const Result result = run(draw(prompts(3), out), [] { close(STDERR_FILENO); });
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(lines_of(result.out).size(), 3U);
}

}  // namespace
}  // namespace unclip::testing_program
