#include "verbs/eval.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "image/png.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "train/tiny_judge.h"

namespace unclip {
namespace {

// The tiny model has no idea; what is tested is the way from prompts to the table.
EvalOptions tiny_options() {
  EvalOptions options;
  options.model = std::string(UNCLIP_TEST_DATA) + "/karlo-tiny";
  options.rows = {Row::color, Row::count};
  options.count = 2;
  options.seeds = 2;
  options.image.steps = {2, 2, 2};
  options.device.kind = DeviceChoice::Kind::cpu;
  options.dtype = DtypeChoice::f32;
  options.json = true;
  return options;
}

TEST(Eval, JudgesEachRowForSeenAndHeldOutPairs) {
  TemporaryFolder folder;
  EvalOptions options = tiny_options();
  options.sheet = folder.path / "sheet.png";
  std::ostringstream out;
  EXPECT_EQ(eval(options, out), 0);
  std::istringstream lines(out.str());
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    found.push_back(row.at("row").get<std::string>() +
                    (row.at("held_out").get<bool>() ? " held out" : " seen"));
    EXPECT_EQ(row.at("images"), 4);
    for (const char* key : {"score", "ceiling", "floor"}) {
      EXPECT_GE(row.at(key), 0);
      EXPECT_LE(row.at(key), 1);
    }
  }
  EXPECT_EQ(found,
            (std::vector<std::string>{"color seen", "color held out", "count seen", "count held out"}));
  EXPECT_EQ(read_png(folder.path / "sheet.png").width, 16 * 16);  // the decoder's size
}

TEST(Eval, DrawsFromWhicheverEmbeddingIsAskedFor) {
  TemporaryFolder folder;
  EvalOptions options = tiny_options();
  options.rows = {Row::color};
  options.sheet = folder.path / "sheet.png";
  options.overwrite = true;
  std::set<std::vector<uint8_t>> sheets;
  for (const EvalEmbedding choice : {EvalEmbedding::prior, EvalEmbedding::none}) {
    options.embedding = choice;
    std::ostringstream out;
    EXPECT_EQ(eval(options, out), 0);
    sheets.insert(read_png(*options.sheet).pixels);
    const auto row = nlohmann::json::parse(out.str().substr(0, out.str().find('\n')));
    EXPECT_GE(row.at("interval").at(0), 0);
    EXPECT_LE(row.at("interval").at(0), row.at("score"));
    EXPECT_GE(row.at("interval").at(1), row.at("score"));
    EXPECT_LE(row.at("interval").at(1), 1);
  }
  EXPECT_EQ(sheets.size(), 2U);
  options.embedding = EvalEmbedding::true_image;
  std::ostringstream out;
  expect_refusal(ExitCode::model, "image_encoder", [&] { eval(options, out); });
}

TEST(Eval, TakesPromptsFromAFile) {
  TemporaryFolder folder;
  EvalOptions options = tiny_options();
  options.prompts = folder.path / "prompts.jsonl";
  std::ofstream(*options.prompts) << to_json(eval_prompts(Row::count, 1, 0, false)[0]) << '\n';
  options.upsample = true;
  std::ostringstream out;
  EXPECT_EQ(eval(options, out), 0);
  EXPECT_EQ(nlohmann::json::parse(out.str()).at("images"), 2);
  const auto refuses = [&](const std::string& part) {
    expect_refusal(ExitCode::usage, part, [&] { eval(options, out); });
  };
  options.rows = {Row::color};
  refuses("prompts.jsonl: expected a prompt of the chosen rows, found none | choose other rows with --rows");
  options.rows = {Row::count, Row::landscapes};
  refuses("rows: expected rows of shapes, as prompts from a file are, found landscapes");
  options.rows = {};
  std::ofstream(*options.prompts) << "nonsense\n";
  refuses("prompts.jsonl:1");
  std::ofstream(*options.prompts) << "\n";
  refuses("prompts.jsonl: expected a prompt on each line, found none");
}

// A judge that learnt for a moment: what is tested is the way from captions to the table.
TEST(Eval, JudgesScenesAndTheirDistance) {
  TemporaryFolder folder;
  train_judge(folder.path, tiny_judge_recipe(60));
  EvalOptions options = tiny_options();
  options.rows = {Row::landscapes, Row::characters};
  options.judge = folder.path / "model" / "judge";
  options.frechet = 20;
  std::vector<std::string> found;
  for (const EvalEmbedding choice : {EvalEmbedding::prior, EvalEmbedding::none}) {
    options.embedding = choice;
    std::ostringstream out;
    EXPECT_EQ(eval(options, out), 0);
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) {
      const auto row = nlohmann::json::parse(line);
      if (!row.contains("row")) {
        EXPECT_EQ(row.at("images"), 20);
        EXPECT_GT(row.at("frechet_distance"), row.at("floor"));  // noise is no scene
        found.push_back("distance");
        continue;
      }
      found.push_back(row.at("row"));
      EXPECT_FALSE(row.contains("held_out"));
      EXPECT_EQ(row.at("images"), 4);
      EXPECT_LE(row.at("interval").at(0), row.at("score"));
      // This judge tells none of the facts of characters.
      EXPECT_TRUE(row.at("row") != "characters" || row.at("score") == 1);
    }
  }
  EXPECT_EQ(found, (std::vector<std::string>{"landscapes", "characters", "distance", "landscapes",
                                             "characters", "distance"}));
  options.json = false;
  std::ostringstream table;
  eval(options, table);
  for (const char* part : {"landscapes      all", "Fréchet distance to drawn scenes, 20 images each: "})
    EXPECT_NE(table.str().find(part), std::string::npos) << table.str();
}

TEST(Eval, RefusesWhatIsNoJudge) {
  EvalOptions options = tiny_options();
  std::ostringstream out;
  const auto refuses = [&](const std::string& part) {
    expect_refusal(ExitCode::model, part, [&] { eval(options, out); });
  };
  options.rows = {Row::items};
  refuses("no judge of scenes given");
  options.judge = "no-such-folder";
  refuses("no-such-folder");
  options.judge = options.model / "text_encoder";
  refuses("id2label");
  options.rows = {Row::count};
  options.frechet = 2;
  refuses("id2label");
}

TEST(Eval, RefusesWhatItWouldPassOver) {
  const auto refuses = [](const std::string& part, const std::function<void(EvalOptions&)>& set) {
    EvalOptions options = tiny_options();
    set(options);
    std::ostringstream out;
    expect_refusal(ExitCode::usage, part, [&] { eval(options, out); });
    EXPECT_EQ(out.str(), "");
  };
  refuses("judge: expected rows of scenes", [](EvalOptions& o) { o.judge = "no-such-folder"; });
  for (const EvalEmbedding other : {EvalEmbedding::true_image, EvalEmbedding::none}) {
    refuses("prior_guidance: expected together with", [&](EvalOptions& o) {
      o.embedding = other;
      o.image.guidance.prior = 5;
    });
    refuses("prior_candidates: expected together with", [&](EvalOptions& o) {
      o.embedding = other;
      o.image.prior_candidates = 3;
    });
  }
}

}  // namespace
}  // namespace unclip
