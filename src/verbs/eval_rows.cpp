// Rows of shapes, judged by pixels, and of scenes, judged by a net (see the header).
#include "eval_rows.h"

#include <algorithm>

#include "scenes/facts.h"
#include "support/text_file.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr std::array kSceneRows{std::pair{Row::landscapes, Family::landscapes},
                                std::pair{Row::items, Family::items},
                                std::pair{Row::characters, Family::characters}};

class ShapesRow final : public EvalRow {
 public:
  ShapesRow(Row row, bool held_out, std::vector<Prompt> prompts)
      : row_(row), held_out_(held_out), prompts_(std::move(prompts)) {}

  Row row() const override { return row_; }
  std::optional<bool> held_out() const override { return held_out_; }
  size_t size() const override { return prompts_.size(); }
  std::string text(size_t prompt) const override { return prompts_[prompt].text; }

  Image drawn(size_t prompt, uint64_t seed, int side) const override {
    Rng rng = image_rng(seed, prompt);
    const std::optional<Drawing> drawing = draw_stubbornly(rng, prompts_[prompt].wanted);
    if (!drawing)
      throw Error(ExitCode::usage,
                  "\"" + excerpt(prompts_[prompt].text) + "\": cannot draw an image of it to compare with",
                  "remove the prompt");
    Canvas canvas(side);
    drawing->paint(canvas);
    return {side, side, 3, canvas.rgb()};
  }

  std::function<bool(size_t)> look_at(const Image& image) const override {
    return [this, detections = detect(image.pixels, image.width)](size_t prompt) {
      return judge(detections, prompts_[prompt]).pass;
    };
  }

 private:
  Row row_;
  bool held_out_;
  std::vector<Prompt> prompts_;
};

class ScenesRow final : public EvalRow {
 public:
  ScenesRow(Row row, std::vector<ScenePrompt> prompts, std::shared_ptr<SceneJudge> judge)
      : row_(row), prompts_(std::move(prompts)), judge_(std::move(judge)) {}

  Row row() const override { return row_; }
  size_t size() const override { return prompts_.size(); }
  std::string text(size_t prompt) const override { return prompts_[prompt].text; }
  Image drawn(size_t prompt, uint64_t, int side) const override {
    return draw_image(prompts_[prompt].source, prompts_[prompt].index, side);
  }
  std::function<bool(size_t)> look_at(const Image& image) const override {
    return [this, seen = judge_->seen(stacked({&image, 1})).front()](size_t prompt) {
      return judge_->holds(seen, prompts_[prompt].wanted);
    };
  }

 private:
  Row row_;
  std::vector<ScenePrompt> prompts_;
  std::shared_ptr<SceneJudge> judge_;
};

class CaptionedScenes final : public PromptList {
 public:
  CaptionedScenes(uint64_t seed, uint64_t first, int count)
      : source_{.seed = seed, .size = 1, .styles = only(Style::flat), .uncaptioned = 0},
        first_(beyond_training + first),
        count_(static_cast<size_t>(count)) {}

  size_t size() const override { return count_; }
  std::string text(size_t prompt) const override { return draw_scene(source_, first_ + prompt).caption; }
  Image drawn(size_t prompt, uint64_t, int side) const override {
    return draw_image(source_, first_ + prompt, side);
  }

 private:
  SceneOptions source_;
  uint64_t first_;
  size_t count_;
};

// Listed prompts are of shapes.
bool has_row(const EvalOptions& options, Row row) {
  if (options.prompts && static_cast<int>(row) >= row_count) return false;
  return options.rows.empty() || std::ranges::find(options.rows, row) != options.rows.end();
}

std::vector<Prompt> listed_prompts(const EvalOptions& options) {
  if (!options.prompts) return {};
  std::ifstream lines = open_text_file(*options.prompts, ExitCode::io, "check the path given to --prompts");
  return read_prompts(lines, options.prompts->string());
}

}  // namespace

std::shared_ptr<SceneJudge> open_judge(const EvalOptions& options) {
  const bool any_scenes =
      std::ranges::any_of(kSceneRows, [&](const auto& row) { return has_row(options, row.first); });
  if (options.frechet == 0 && !any_scenes) {
    if (options.judge.empty()) return nullptr;
    throw Error(ExitCode::usage,
                "judge: expected rows of scenes or --frechet beside it, found rows of shapes",
                "leave it out: shapes are judged by their pixels", {.field = "judge"});
  }
  const std::filesystem::path& folder = options.judge.empty() ? options.usual_judge : options.judge;
  if (folder.empty())
    throw Error(ExitCode::model, "no judge of scenes given, and this program has no bundled one",
                "pass --judge FOLDER, or choose rows of shapes with --rows");
  return std::make_shared<SceneJudge>(SceneJudge::open(folder));
}

std::vector<std::unique_ptr<EvalRow>> make_rows(const EvalOptions& options,
                                                const std::shared_ptr<SceneJudge>& judge) {
  const std::vector<Prompt> listed = listed_prompts(options);
  std::vector<std::unique_ptr<EvalRow>> rows;
  for (int i = 0; i < row_count; ++i) {
    const auto row = static_cast<Row>(i);
    for (const bool held_out : {false, true}) {
      if (!has_row(options, row)) continue;
      std::vector<Prompt> prompts;
      if (!options.prompts) prompts = eval_prompts(row, options.count, options.seed, held_out);
      std::ranges::copy_if(listed, std::back_inserter(prompts),
                           [&](const Prompt& p) { return p.row == row && p.held_out == held_out; });
      if (!prompts.empty()) rows.push_back(std::make_unique<ShapesRow>(row, held_out, std::move(prompts)));
    }
  }
  for (const auto& scenes : kSceneRows)
    if (has_row(options, scenes.first))
      rows.push_back(std::make_unique<ScenesRow>(
          scenes.first, scene_prompts(scenes.second, options.count, options.seed), judge));
  if (rows.empty())
    throw Error(ExitCode::usage,
                options.prompts->string() + ": expected a prompt of the chosen rows, found none",
                "choose other rows with --rows, or add prompts of these");
  return rows;
}

std::unique_ptr<PromptList> captioned_scenes(uint64_t seed, uint64_t first, int count) {
  return std::make_unique<CaptionedScenes>(seed, first, count);
}

}  // namespace unclip
