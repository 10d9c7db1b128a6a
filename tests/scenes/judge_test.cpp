// The judge's ceiling (drawn images pass) and floor (images of other prompts do not), for every row.
#include "scenes/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "refusal.h"
#include "scenes/prompts.h"

namespace unclip {
namespace {

constexpr int per_list = 1000;  // a row has two lists: seen and held-out pairs

std::vector<uint8_t> draw(Rng& rng, const Requirement& wanted, int size) {
  std::optional<Drawing> drawing;
  while (!drawing) drawing = draw_required(rng, wanted);
  Canvas canvas(size);
  drawing->paint(canvas);
  return canvas.rgb();
}

// As a generative model leaves it: slightly blurred (1 4 1 by 1 4 1), noise of deviation 6.
std::vector<uint8_t> wear(Rng& rng, const std::vector<uint8_t>& sharp, int size) {
  std::vector<uint8_t> worn(sharp.size());
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      for (int c = 0; c < 3; ++c) {
        double value = 0;
        for (int v = -1; v <= 1; ++v) {
          for (int u = -1; u <= 1; ++u) {
            const int row = std::clamp(y + v, 0, size - 1), column = std::clamp(x + u, 0, size - 1);
            value +=
                (u ? 1 : 4) * (v ? 1 : 4) / 36.0 * sharp[static_cast<size_t>((row * size + column) * 3 + c)];
          }
        }
        for (int i = 0; i < 12; ++i) value += 6 * (uniform(rng, 0, 1) - 0.5);
        worn[static_cast<size_t>((y * size + x) * 3 + c)] =
            static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return worn;
}

class JudgeRow : public testing::TestWithParam<Row> {
 protected:
  template <class Image>
  static double passed(bool held_out, int n, Image image, int size = 64) {
    Rng rng(3);
    int passes = 0;
    for (const Prompt& prompt : eval_prompts(GetParam(), n, 7, held_out)) {
      passes += judge(detect(image(rng, prompt.wanted), size), prompt).pass;
    }
    return static_cast<double>(passes) / n;
  }
};

TEST_P(JudgeRow, CeilingOfDrawnImages) {
  for (const bool held_out : {false, true}) {
    const double clean =
        passed(held_out, per_list, [](Rng& rng, const Requirement& wanted) { return draw(rng, wanted, 64); });
    std::printf("%s, %s pairs: %.4f\n", name(GetParam()).data(), held_out ? "held-out" : "seen", clean);
    EXPECT_GE(clean, 0.99);
  }
}

TEST_P(JudgeRow, CeilingOfWornImages) {
  for (const bool held_out : {false, true}) {
    const double worn = passed(held_out, per_list, [](Rng& rng, const Requirement& wanted) {
      return wear(rng, draw(rng, wanted, 64), 64);
    });
    std::printf("%s, %s pairs, worn: %.4f\n", name(GetParam()).data(), held_out ? "held-out" : "seen", worn);
    EXPECT_GE(worn, 0.97);
  }
}

TEST_P(JudgeRow, CeilingAt256) {
  const double large = passed(
      true, 200, [](Rng& rng, const Requirement& wanted) { return draw(rng, wanted, 256); }, 256);
  std::printf("%s at 256 px: %.4f\n", name(GetParam()).data(), large);
  EXPECT_GE(large, 0.99);
}

// Each image is judged by the next prompt. By chance one of eight shapes is right.
TEST_P(JudgeRow, FloorOfShuffledCaptions) {
  const std::vector<Prompt> prompts = eval_prompts(GetParam(), per_list, 7, false);
  Rng rng(3);
  int passes = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    passes += judge(detect(draw(rng, prompts[i].wanted, 64), 64), prompts[(i + 1) % prompts.size()]).pass;
  }
  const double floor = static_cast<double>(passes) / per_list;
  std::printf("%s, shuffled: %.4f\n", name(GetParam()).data(), floor);
  EXPECT_LT(floor, GetParam() == Row::single_object ? 0.16 : GetParam() == Row::two_objects ? 0.06 : 0.025);
}

INSTANTIATE_TEST_SUITE_P(All, JudgeRow,
                         testing::Values(Row::single_object, Row::color, Row::two_objects, Row::color_binding,
                                         Row::count, Row::position),
                         [](const auto& row_of) {
                           std::string row(name(row_of.param));
                           std::ranges::replace(row, ' ', '_');
                           return row;
                         });

TEST(Judge, SizesAndBackgroundsToo) {
  Rng rng(5);
  int passes = 0, images = 0;
  while (images < 2000) {
    const Requirement wanted = random_requirement(rng);
    if (!draw_required(rng, wanted)) continue;
    ++images;
    passes += judge(detect(draw(rng, wanted, 64), 64), wanted).pass;
  }
  std::printf("any requirement: %.4f\n", passes / 2000.0);
  EXPECT_GE(passes, 1980);
}

// A hard_negative caption is one that the image does not fulfil, for whatever was changed.
TEST(Judge, RivalsAreFalseOfTheImage) {
  Rng rng(6);
  int passes = 0, images = 0;
  while (images < 2000) {
    const Requirement wanted = random_requirement(rng);
    if (holds_held_out(wanted) || !draw_required(rng, wanted)) continue;
    ++images;
    const Detections detections = detect(draw(rng, wanted, 64), 64);
    const Requirement hard_negative = falsified(rng, wanted);
    EXPECT_NE(describe(hard_negative), describe(wanted));
    EXPECT_FALSE(holds_held_out(hard_negative));
    passes += judge(detections, hard_negative).pass;
  }
  std::printf("pictures of something else that pass: %d of 2000\n", passes);
  EXPECT_LE(passes, 10);
}

TEST(Judge, SaysWhyNot) {
  const Detections detections{Color::white,
                              {{Color::red, Shape::circle, 0.9, 0.05, {{0.7, 0.5}, 0.25, 0.25}},
                               {Color::blue, Shape::star, 0.9, 0.05, {{0.3, 0.5}, 0.3, 0.3}}}};
  const Requirement wanted{
      {{Color::red, Shape::circle}, {Color::blue, Shape::star, Size::large}}, Relation::left_of, Color::pink};
  const Verdict verdict = judge(detections, wanted);
  const std::vector<std::string> reasons{"a blue star is not large",
                                         "the red circle is not left of the blue star",
                                         "the background is white, not pink"};
  EXPECT_FALSE(verdict.pass);
  EXPECT_EQ(verdict.reasons, reasons);
  const Requirement three{{{Color::red, Shape::circle, Size::any, 3}}, {}, {}};
  EXPECT_EQ(judge(detections, three).reasons,
            (std::vector<std::string>{"wanted 3 red circle, found 1", "wanted 3 objects, found 2"}));
}

// What a broken model draws must neither crash nor pass.
TEST(Judge, NoiseAndEmptyImagesHoldNothing) {
  Rng rng(9);
  std::vector<uint8_t> noise(64 * 64 * 3);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(rng());
  const Prompt prompt{"a red circle", Row::single_object, false, {{{Color::red, Shape::circle}}, {}, {}}};
  EXPECT_FALSE(judge(detect(noise, 64), prompt).pass);
  EXPECT_TRUE(detect(std::vector<uint8_t>(64 * 64 * 3, 200), 64).objects.empty());
  EXPECT_TRUE(detect(std::vector<uint8_t>(16 * 16 * 3, 9), 16).objects.empty());
}

TEST(Prompts, AreKeptAsJsonLines) {
  std::stringstream file;
  std::vector<Prompt> written;
  for (int row = 0; row < row_count; ++row) {
    for (const Prompt& prompt : eval_prompts(static_cast<Row>(row), 20, 1, true)) {
      EXPECT_TRUE(prompt.held_out);
      written.push_back(prompt);
      file << to_json(prompt) << "\n\n";
    }
  }
  const std::vector<Prompt> read = read_prompts(file, "prompts.jsonl");
  ASSERT_EQ(read.size(), written.size());
  for (size_t i = 0; i < read.size(); ++i) EXPECT_EQ(to_json(read[i]), to_json(written[i]));
  std::istringstream hyphens(
      R"({"prompt": "a star", "row": "single-object", "objects": [{"color": "red", "shape": "star"}]})");
  EXPECT_EQ(read_prompts(hyphens, "p.jsonl").at(0).row, Row::single_object);
}

TEST(Prompts, FaultsAreNamedByLine) {
  const auto reading = [](const std::string& text) {
    return [text] {
      std::istringstream lines(text);
      read_prompts(lines, "p.jsonl");
    };
  };
  const std::string start = R"({"prompt": "x", "row": "color", "objects": [)",
                    star = R"({"color": "red", "shape": "star")";
  for (const auto& [line, fault] : std::vector<std::pair<std::string, std::string>>{
           {"\n{", "p.jsonl:2: not a prompt"},
           {"\n5", "p.jsonl:2: not a prompt to judge: expected an object, found 5"},
           {"\n \n", "p.jsonl: expected a prompt on each line, found none | expected a line such as {"},
           {R"({"prompt": "x"})", "\"row\": expected single object, color, two objects,"},
           {R"({"prompt": "x"})", "or position, found none"},
           {R"({"prompt": 5})", "\"prompt\": expected a text, found 5"},
           {R"({"prompt": "x", "row": 5})", "or position, found 5"},
           {R"({"prompt": "x", "row": "landscapes"})", "found \"landscapes\""},
           {R"({"prompt": "x", "row": "count"})", "\"objects\": expected a list of one or two, found none"},
           {start + "]}", "\"objects\": expected a list of one or two, found []"},
           {start + "5]}", "\"objects\": expected an object for each thing to draw, found 5"},
           {start + R"({"color": "mauve", "shape": "star"}]})", "white or gray, found \"mauve\""},
           {start + R"({"color": "red"}]})", "\"shape\": expected circle, square,"},
           {start + star + R"(, "size": 3}]})", "\"size\": expected any, small or large, found 3"},
           {start + star + R"(, "count": 5}]})", "\"count\": expected 1 to 4, found 5"},
           {start + star + R"(, "count": 1.5}]})", "\"count\": expected 1 to 4, found 1.5"},
           {start + star + R"(}], "relation": "near"})", "above, below or inside, found \"near\""},
           {start + star + R"(}], "relation": "above"})", "\"objects\": expected two"}})
    expect_refusal(ExitCode::usage, fault, reading(line));
}

}  // namespace
}  // namespace unclip
