// The eval verb: prompts → pictures → judge → a table.
#include "unclip/cli/eval.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "unclip/batch/output_check.h"
#include "unclip/cli/generate.h"
#include "unclip/image/png.h"
#include "unclip/pipeline/pipeline.h"
#include "unclip/support/atomic_file.h"
#include "unclip/support/error.h"
#include "unclip/support/interrupt.h"
#include "unclip/support/progress.h"
#include "unclip/support/text_file.h"
#include "unclip/support/utf8.h"

namespace unclip {
namespace {

constexpr size_t kSheetPictures = 16;  // a row

// The prompts of one line of the table.
struct Group {
  Row row;
  bool held_out;
  std::vector<Prompt> prompts;
};

struct Score {
  int pictures = 0, right = 0;  // of the model
  int ceiling = 0, floor = 0;   // of as many
};

std::vector<Prompt> prompts_from(const std::filesystem::path& file) {
  std::ifstream lines = open_text_file(file, ExitCode::io, "check the path of --prompts");
  return read_prompts(lines, file.string());
}

std::vector<Group> make_groups(const EvalOptions& options) {
  const std::vector<Prompt> listed = options.prompts ? prompts_from(*options.prompts) : std::vector<Prompt>();
  std::vector<Group> groups;
  for (int i = 0; i < row_count; ++i) {
    const auto row = static_cast<Row>(i);
    if (!options.rows.empty() && std::ranges::find(options.rows, row) == options.rows.end()) continue;
    for (const bool held_out : {false, true}) {
      Group group{row, held_out, {}};
      if (!options.prompts) group.prompts = eval_prompts(row, options.count, options.seed, held_out);
      std::ranges::copy_if(listed, std::back_inserter(group.prompts),
                           [&](const Prompt& p) { return p.row == row && p.held_out == held_out; });
      if (!group.prompts.empty()) groups.push_back(std::move(group));
    }
  }
  return groups;
}

class Judge {
 public:
  explicit Judge(const EvalOptions& options)
      : options_(options),
        pipeline_(Pipeline::open(ModelFolder::open(options.model.empty() ? default_model() : options.model),
                                 place(options.device, options.dtype))) {
    const PipelineDefaults defaults = pipeline_->defaults();
    steps_ = {options.prior_steps.value_or(defaults.steps.prior),
              options.decoder_steps.value_or(defaults.steps.decoder),
              options.upsample ? options.upsampler_steps.value_or(defaults.steps.upsampler) : 0};
    guidance_ = {options.prior_guidance.value_or(defaults.guidance.prior),
                 options.decoder_guidance.value_or(defaults.guidance.decoder)};
  }

  Score score(const Group& group, Progress& progress) {
    Score score;
    const size_t prompts = group.prompts.size();
    for (int seed = 0; seed < options_.seeds; ++seed) {
      const std::vector<Image> pictures = draw(group, seed, progress);
      for (size_t i = 0; i < prompts; ++i) {
        const Sight sight = look_at(pictures[i].pixels, pictures[i].width);
        score.right += judge(sight, group.prompts[i]).pass;
        score.floor += judge(sight, group.prompts[(i + 1) % prompts]).pass;
        score.ceiling += ideal(group.prompts[i], static_cast<uint64_t>(seed), i, pictures[i].width);
        ++score.pictures;
        if (seed == 0 && i < kSheetPictures) sheet_.push_back(pictures[i]);
      }
    }
    return score;
  }

  void write_sheet(const std::filesystem::path& file) const {
    if (sheet_.empty()) return;
    const auto side = static_cast<size_t>(sheet_[0].width);
    const size_t rows = (sheet_.size() + kSheetPictures - 1) / kSheetPictures,
                 width = side * kSheetPictures * 3;
    Image all{static_cast<int>(side * kSheetPictures), static_cast<int>(side * rows), 3, {}};
    all.pixels.assign(width * side * rows, 255);
    for (size_t i = 0; i < sheet_.size(); ++i)
      for (size_t y = 0; y < side; ++y)
        std::copy_n(sheet_[i].pixels.begin() + static_cast<ptrdiff_t>(y * side * 3), side * 3,
                    all.pixels.begin() + static_cast<ptrdiff_t>((i / kSheetPictures * side + y) * width +
                                                                i % kSheetPictures * side * 3));
    write_file_atomically(file, encode_png(all), Overwrite::yes);
  }

 private:
  std::vector<Image> draw(const Group& group, int seed, Progress& progress) {
    const size_t prompts = group.prompts.size();
    std::vector<Image> pictures;
    while (pictures.size() < prompts) {
      std::vector<PictureRequest> batch;
      for (size_t i = pictures.size(); i < prompts && batch.size() < static_cast<size_t>(options_.batch_size);
           ++i)
        batch.push_back(
            {group.prompts[i].text, options_.seed + static_cast<uint64_t>(seed) * prompts + i, guidance_});
      const auto drawn = pipeline_->generate(batch, {steps_}, [&](auto stage, int64_t done, int64_t steps) {
        throw_if_interrupted();
        done == 0 ? progress.begin_stage(stage, static_cast<int>(steps)) : progress.step_done();
      });
      pictures.insert(pictures.end(), drawn.begin(), drawn.end());
      progress.pictures_done(static_cast<int>(drawn.size()));
    }
    return pictures;
  }

  // Does the judge pass a picture drawn for the prompt?
  static bool ideal(const Prompt& prompt, uint64_t seed, uint64_t index, int size) {
    Rng rng = picture_rng(seed, index);
    const std::optional<Drawing> drawing = draw_stubbornly(rng, prompt.wanted);
    if (!drawing)
      throw Error(ExitCode::usage,
                  "\"" + excerpt(prompt.text) + "\": no picture of it can be drawn to judge by",
                  "leave the prompt out");
    Canvas canvas(size);
    drawing->paint(canvas);
    return judge(look_at(canvas.rgb(), size), prompt).pass;
  }

  const EvalOptions& options_;
  std::unique_ptr<Pipeline> pipeline_;
  Steps steps_;
  Guidance guidance_;
  std::vector<Image> sheet_;
};

void print(const Group& group, const Score& score, bool json, std::ostream& out) {
  const auto share = [&](int passed) { return static_cast<double>(passed) / score.pictures; };
  if (json) {
    out << nlohmann::ordered_json{{"row", name(group.row)},          {"held_out", group.held_out},
                                  {"pictures", score.pictures},      {"score", share(score.right)},
                                  {"ceiling", share(score.ceiling)}, {"floor", share(score.floor)}}
               .dump();
  } else {
    out << fmt::format("{:<16}{:<10}{:>9}{:>8.3f}{:>9.3f}{:>7.3f}", name(group.row),
                       group.held_out ? "held out" : "seen", score.pictures, share(score.right),
                       share(score.ceiling), share(score.floor));
  }
  out << std::endl;
}

}  // namespace

int eval(const EvalOptions& options, std::ostream& out) {
  const std::vector<Group> groups = make_groups(options);
  size_t pictures = 0;
  for (const Group& group : groups) pictures += group.prompts.size() * static_cast<size_t>(options.seeds);
  if (pictures == 0) throw Error(ExitCode::usage, "no prompt fits the rows asked for");
  if (options.sheet) OutputCheck().check(*options.sheet);
  Judge judge(options);
  Progress progress(static_cast<int>(pictures), {.quiet = options.verbosity == Verbosity::quiet});
  if (!options.json)
    out << fmt::format("{:<16}{:<10}{:>9}{:>8}{:>9}{:>7}", "row", "pairs", "pictures", "score", "ceiling",
                       "floor")
        << std::endl;
  for (const Group& group : groups) {
    const Score score = judge.score(group, progress);
    progress.clear();
    print(group, score, options.json, out);
  }
  if (options.sheet) judge.write_sheet(*options.sheet);
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
