// The verbs that start from images, with all that generate has: seeds, names, prompt files, batches, shards,
// resuming, JSON, metadata, --from, verify and the prompt policy.
#include <map>

#include "cli/task_run.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

struct TaskCase {
  std::string verb;
  Arguments inputs;
  std::string named;  // what its first image is called
  json recorded;      // some of what info tells, besides the task
};

void PrintTo(const TaskCase& task, std::ostream* out) { *out << task.verb; }

class EveryTask : public TaskRun, public testing::WithParamInterface<TaskCase> {
 protected:
  Arguments command(const Arguments& more, bool other_family = false) const {
    const TaskCase& task = GetParam();
    Arguments all = task.inputs;
    if (task.verb == "interpolate" || task.verb == "textdiff") add(all, {"--frames", "1"});
    add(all, more);
    return other_family ? kandinsky(task.verb, all) : karlo(task.verb, all);
  }
};

TEST_P(EveryTask, TheSeedDecides) {
  const auto files = draw(command({"--seed", "7", "-n", "2", "-o", in_out("a/")}));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0], in_out("a/" + GetParam().named + "-7.png"));
  EXPECT_EQ(files[1], in_out("a/" + GetParam().named + "-8.png"));
  EXPECT_NE(read_file(files[0]), read_file(files[1]));
  const auto again = draw(command({"--seed", "8", "-o", in_out("b/")}));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(read_file(again[0]), read_file(files[1]));
  expect_error(run(command({"--seed", "8", "-o", in_out("b/")})), 5, {again[0], "already exists"});
  EXPECT_EQ(draw(command({"--seed", "8", "-o", in_out("b/"), "--skip-existing"})).size(), 0U);
}

// By metadata: from any family, and only with the files that the user allows.
TEST_P(EveryTask, IsDrawnAgainFromItsImage) {
  for (const bool other : {false, true}) {
    SCOPED_TRACE(other ? "Kandinsky" : "Karlo");
    const std::string file = in_out(other ? "k.png" : "m.png"), again = in_out(other ? "k2.png" : "m2.png");
    const Result result = run(command({"--seed", "7", "--json", "-o", file}, other));
    ASSERT_EQ(result.code, 0) << result.err;
    const json line = json::parse(result.out);
    EXPECT_EQ(line["status"], "done");
    EXPECT_EQ(line.contains("psnr"), GetParam().verb == "reconstruct") << result.out;

    const json told = json::parse(run({"info", file, "--json"}).out)["metadata"];
    EXPECT_EQ(told["options"]["task"], GetParam().verb);
    EXPECT_EQ(told["seed"], 7);
    for (const auto& [key, value] : GetParam().recorded.items())
      EXPECT_EQ(told.contains(key) ? told[key] : told["options"][key], value) << key;

    Arguments place{"--model", other ? kKandinsky + "2.2" : model.string()};
    if (other) add(place, {"--prior", kKandinsky + "2.2-prior"});
    Arguments from{"generate", "--from", file, "-o", again}, verify{"verify", file};
    add(from, place), add(verify, place);
    expect_error(run(from), 2, {file, "--from-files"});
    const Result withheld = run(verify);
    EXPECT_EQ(withheld.code, 1) << withheld.err;
    EXPECT_NE(withheld.err.find("--from-files"), std::string::npos) << withheld.err;
    from.push_back("--from-files"), verify.push_back("--from-files");
    const Result drawn = run(from), verified = run(verify);
    EXPECT_EQ(drawn.code, 0) << drawn.err;
    EXPECT_TRUE(read_file(again) == read_file(file)) << "the bytes differ";
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
    EXPECT_NE(verified.out.find("same, largest difference 0"), std::string::npos) << verified.out;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Verbs, EveryTask,
    testing::Values(TaskCase{"variations", {kCat}, "init", {{"image", kCat}, {"prior_steps", 0}}},
                    TaskCase{"edit",
                             {kCat, "a red hat", "--mask", kHole, "--feather", "2"},
                             "a-red-hat",
                             {{"image", kCat}, {"mask", kHole}, {"prompt", "a red hat"}, {"feather", 2}}},
                    TaskCase{"interpolate",
                             {kCat, "a dog"},
                             "init-to-a-dog",
                             {{"source", "image:" + kCat}, {"target", "text:a dog"}, {"position", 0}}},
                    TaskCase{
                        "textdiff",
                        {kCat, "a cat", "a dog", "--theta", "0.2"},
                        "init-a-dog",
                        {{"from-text", "a cat"}, {"to-text", "a dog"}, {"theta", 0.2}, {"sampler", "ddim"}}},
                    TaskCase{"reconstruct", {kCat}, "init", {{"image", kCat}, {"sampler", "ddim"}}}),
    [](const auto& task) { return task.param.verb; });

// ---- Prompt files

class TaskFiles : public TaskRun {
 protected:
  // Twelve variations: two images, with seeds of their own and without.
  std::string dozen() const {
    std::string lines;
    for (int i = 0; i < 12; ++i) {
      json line{{"image", i % 2 == 0 ? kCat : kDog}};
      if (i % 3 == 0) line["seed"] = 100 + i;
      if (i % 4 == 0) line["eta"] = 0.5;
      lines += line.dump() + "\n";
    }
    return text_file("dozen.jsonl", lines);
  }
  Arguments draw_dozen(const std::string& folder, const Arguments& more = {}) const {
    Arguments all{"-f", dozen(), "--seed", "7", "-o", in_out(folder + "/{index:02}-{slug}-{seed}.png")};
    add(all, more);
    return karlo("variations", all);
  }
  std::map<std::string, std::string> images(const std::string& folder) const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(out / folder))
      if (entry.path().extension() == ".png") found[entry.path().filename()] = read_file(entry.path());
    return found;
  }
};

TEST_F(TaskFiles, EveryFormatSaysTheSame) {
  const std::string cat = fs::path(kCat).filename(), dog = fs::path(kDog).filename();
  const auto files = [&](const std::string& file, const std::string& folder) {
    const Result result = run(
        karlo("variations", {"-f", file, "--seed", "7", "-o", in_out(folder + "/{index}-{slug}-{seed}.png")}),
        in_folder(kKandinsky));
    EXPECT_EQ(result.code, 0) << result.err;
    return images(folder);
  };
  const auto text = files(text_file("a.txt", "# images\n\n" + cat + "\n" + dog + "\n"), "text");
  EXPECT_TRUE(text.contains("0-init-7.png") && text.contains("1-init-8.png"));
  EXPECT_EQ(files(text_file("a.csv", "image,seed\n" + cat + ",\n" + dog + ",8\n"), "csv"), text);
  EXPECT_EQ(
      files(text_file("a.jsonl", json{{"image", cat}}.dump() + "\n" + json{{"image", dog}}.dump() + "\n"),
            "j"),
      text);
  const auto named = draw(karlo("variations", {kCat, kDog, "--seed", "7", "-o", in_out("args/")}));
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(read_png(named[0]).pixels, read_png(out / "text/0-init-7.png").pixels);
  EXPECT_EQ(read_png(named[1]).pixels, read_png(out / "text/1-init-8.png").pixels);
}

TEST_F(TaskFiles, LinesAreTheFramesOfTheCommandLine) {
  const json end{{"source", kCat}, {"target", "text:a dog"}, {"seed", 7}};
  std::string lines;
  for (const double position : {0.0, 0.5, 1.0}) {
    json line = end;
    line["position"] = position;
    lines += line.dump() + "\n";
  }
  const auto drawn = draw(karlo("interpolate", {"-f", text_file("i.jsonl", lines), "-o", in_out("f/")}));
  const auto frames =
      draw(karlo("interpolate", {kCat, "text:a dog", "--frames", "3", "--seed", "7", "-o", in_out("a/")}));
  ASSERT_EQ(drawn.size(), 3U);
  ASSERT_EQ(frames.size(), 3U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(read_png(drawn[i]).pixels, read_png(frames[i]).pixels) << i;

  const std::string csv =
      "image,from_text,to_text,theta,seed\n" + kCat + ",a cat,a dog,0.1,7\n" + kCat + ",a cat,a dog,0.5,7\n";
  const auto turned = draw(karlo("textdiff", {"-f", text_file("t.csv", csv), "-o", in_out("t/")}));
  const auto both = draw(karlo("textdiff", {kCat, "a cat", "a dog", "--theta", "0.1..0.5", "--frames", "2",
                                            "--seed", "7", "-o", in_out("b/")}));
  ASSERT_EQ(turned.size(), 2U);
  ASSERT_EQ(both.size(), 2U);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(read_png(turned[i]).pixels, read_png(both[i]).pixels) << i;
  EXPECT_NE(read_png(turned[0]).pixels, read_png(turned[1]).pixels);
}

TEST_F(TaskFiles, FaultsAreToldWithTheirPlace) {
  const auto refuse = [&](const std::string& verb, const std::string& name, const std::string& text,
                          const std::vector<std::string>& words) {
    SCOPED_TRACE(verb + " " + text);
    expect_error(run({verb, "-f", text_file(name, text), "-m", "/no/such"}), 2, words);
  };
  refuse("variations", "a.jsonl", R"({"image": "none.png"})", {"a.jsonl:1:1: none.png: missing"});
  refuse("variations", "a.jsonl", "{\"image\": \"" + kCat + "\", \"theta\": 0.5}",
         {"a.jsonl:1:" + std::to_string(kCat.size() + 15) + ": unknown key \"theta\"", "image", "eta"});
  refuse("variations", "a.jsonl", "{\"eta\": 0.5}", {"a.jsonl:1:1: image: expected a file, found none"});
  refuse("variations", "a.jsonl", "{\"image\": 3}", {"a.jsonl:1:11: image: expected a string, found 3"});
  refuse("variations", "a.txt", kCat + "\nnone.png\n", {"a.txt:2:1: none.png: missing"});
  refuse("variations", "a.csv", "prompt\nx\n", {"a.csv:1:1: unknown key \"prompt\""});
  refuse("variations", "a.csv", "seed\n1\n", {"a.csv:1:1", "the column \"image\""});
  refuse("variations", "a.txt", "# none\n", {"a.txt: expected an image, found none"});
  refuse("edit", "e.txt", "a hat\n", {"e.txt:1:1: image: expected a file, found none"});
  refuse("edit", "e.jsonl", R"({"image": "none.png", "prompt": ""})",
         {"e.jsonl:1:33: prompt: expected a text"});
  refuse("edit", "e.csv", "image,prompt,outpaint\n" + kCat + ",x,\"1,2,3\"\n",
         {"e.csv:2:" + std::to_string(kCat.size() + 4) + ": outpaint: expected left,top,right,bottom"});
  refuse("interpolate", "i.txt", kCat + "\n", {"i.txt:1:1", ".jsonl or .csv"});
  refuse("interpolate", "i.jsonl", R"({"source": "a cat"})",
         {"i.jsonl:1:1: target: expected an image or a text, found none"});
  refuse("interpolate", "i.jsonl", R"({"source": "a", "target": "b", "position": 1.5})",
         {"i.jsonl:1:44: position: expected a number from 0 to 1"});
  refuse("interpolate", "i.jsonl", R"({"source": "a", "target": "image:none.png"})", {"none.png: missing"});
  refuse("interpolate", "i.jsonl", R"({"source": "a", "target": "b", "interpolate_noise": true})",
         {"interpolate_noise: expected two images, found a text"});
  refuse("textdiff", "t.jsonl", "{\"image\": \"" + kCat + "\", \"from_text\": \"a\"}",
         {"t.jsonl:1:1: to_text: expected a text"});
  refuse("textdiff", "t.txt", kCat + "\n", {"t.txt:1:1", ".jsonl or .csv"});
  refuse("reconstruct", "r.jsonl", "{\"image\": \"" + kCat + "\", \"components\": 0}",
         {"components: expected", "\"0\""});
}

TEST_F(TaskFiles, BatchesAndShardsMakeTheSameImages) {
  ASSERT_EQ(draw(draw_dozen("one")).size(), 12U);
  ASSERT_EQ(draw(draw_dozen("two", {"-b", "2"})).size(), 12U);
  // Some processors' kernels round by how many images there are, and two steps of a net with random weights
  // may make of that another value.
  size_t values = 0, others = 0;
  for (const auto& [name, bytes] : images("one")) {
    const Image one = read_png(out / "one" / name), two = read_png(out / "two" / name);
    ASSERT_EQ(one.pixels.size(), two.pixels.size());
    for (size_t i = 0; i < one.pixels.size(); ++i) others += std::abs(one.pixels[i] - two.pixels[i]) > 1;
    values += one.pixels.size();
  }
  std::cout << "a batch of 2: " << others << " other values of " << values << "\n";
  EXPECT_LE(others * 1000, values);
  EXPECT_EQ(draw(draw_dozen("shards", {"--shard", "0/2"})).size(), 6U);
  EXPECT_EQ(draw(draw_dozen("shards", {"--shard", "1/2"})).size(), 6U);
  EXPECT_EQ(images("shards"), images("one"));
}

TEST_F(TaskFiles, ARunThatWasKilledGoesOn) {
  draw(draw_dozen("whole"));
  Program program(draw_dozen("killed"));
  while (program.printed() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  program.kill(SIGKILL);
  const Result killed = program.wait();
  EXPECT_EQ(killed.signal, SIGKILL) << "it was faster";
  const auto rest = draw(draw_dozen("killed"));
  EXPECT_LE(lines_of(killed.out).size() + rest.size(), 12U) << "an image was drawn twice";
  EXPECT_EQ(images("killed"), images("whole"));
  EXPECT_EQ(draw(draw_dozen("killed")).size(), 0U);
}

TEST_F(TaskFiles, ThePolicyReadsEveryText) {
  const std::string deny = text_file("deny.txt", "gun\ntext\ninit\n");
  for (const Arguments& denied : {Arguments{"edit", kCat, "a gun", "--mask", kHole},
                                  {"interpolate", "a gun", kCat},
                                  {"interpolate", kCat, "text:a gun"},
                                  {"textdiff", kCat, "a gun", "a dog"},
                                  {"textdiff", kCat, "a dog", "a gun"}}) {
    Arguments all = denied;
    add(all, {"--deny-file", deny, "-m", "/no/such"});
    const Result result = run(all);
    EXPECT_EQ(result.code, 6) << denied[0] << result.err;
    EXPECT_NE(result.err.find("deny.txt:1"), std::string::npos) << result.err;
  }
  // Neither the prefix nor a file's name is a prompt.
  draw(karlo("interpolate", {"text:a cat", kCat, "--frames", "1", "--deny-file", deny, "-o", in_out("a/")}));
  const auto both =
      draw(karlo("textdiff", {kCat, "a cat", "a gun", "--frames", "2", "--deny-file", deny, "--deny-action",
                              "skip", "--gif", in_out("none.gif"), "-o", in_out("b/")}));
  EXPECT_EQ(both.size(), 0U);
  EXPECT_FALSE(fs::exists(out / "none.gif"));
}

// What a file says of an end never opens a file that happens to have its name.
TEST_F(TaskFiles, AnEndWithoutAPrefixInMetadataIsAText) {
  const std::string file = in_out("i.png"), claimed = in_out("claimed.png");
  draw(karlo("interpolate", {"a cat", "a dog", "--frames", "1", "--seed", "7", "-o", file}));
  json block = to_json(*from_png(file));
  block["options"]["source"] = kCat;
  save_png(claimed, read_png(file), {{"unclip", block.dump()}});
  const Result result = run({"generate", "--from", claimed, "-m", model, "-o", in_out("again.png")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(from_png(out / "again.png")->options["source"], "text:" + kCat);
  block["options"]["source"] = "image:" + kCat;
  save_png(claimed, read_png(file), {{"unclip", block.dump()}});
  expect_error(run({"generate", "--from", claimed, "-m", model, "-o", in_out("more.png")}), 2,
               {claimed, "source", "--from-files"});
}

}  // namespace
}  // namespace unclip::testing_program
