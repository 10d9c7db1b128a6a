// The eval verb: prompts → pictures → judge → a table.
#include "cli/eval.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "batch/output_check.h"
#include "cli/generate.h"
#include "eval_embedding.h"
#include "image/png.h"
#include "pipeline/pipeline.h"
#include "support/atomic_file.h"
#include "support/error.h"
#include "support/interrupt.h"
#include "support/progress.h"
#include "support/text_file.h"
#include "support/utf8.h"

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
        target_(select_device(options.device, options.dtype)),
        folder_(ModelFolder::open(options.model.empty() ? default_model() : options.model)),
        pipeline_(Pipeline::open(folder_, target_)),
        embeddings_(options.embedding, folder_, target_) {
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
        const Detections detections = detect(pictures[i].pixels, pictures[i].width);
        score.right += judge(detections, group.prompts[i]).pass;
        score.floor += judge(detections, group.prompts[(i + 1) % prompts]).pass;
        const int size = pictures[i].width;
        score.ceiling +=
            judge(detect(drawn_for(group.prompts[i], static_cast<uint64_t>(seed), i, size).rgb(), size),
                  group.prompts[i])
                .pass;
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
      std::vector<ImageRequest> batch;
      for (size_t i = pictures.size(); i < prompts && batch.size() < static_cast<size_t>(options_.batch_size);
           ++i)
        batch.push_back({.prompt = group.prompts[i].text,
                         .seed = options_.seed + static_cast<uint64_t>(seed) * prompts + i,
                         .guidance = guidance_,
                         .embedding = embedding_for(group.prompts[i], seed, i)});
      const auto drawn = pipeline_->generate(batch, {steps_}, [&](auto stage, int64_t done, int64_t steps) {
        throw_if_interrupted();
        done == 0 ? progress.begin_stage(stage, static_cast<int>(steps)) : progress.step_done();
      });
      pictures.insert(pictures.end(), drawn.begin(), drawn.end());
      progress.pictures_done(static_cast<int>(drawn.size()));
    }
    return pictures;
  }

  // A picture as the prompt wants it.
  static Canvas drawn_for(const Prompt& prompt, uint64_t seed, uint64_t index, int size) {
    Rng rng = picture_rng(seed, index);
    const std::optional<Drawing> drawing = draw_stubbornly(rng, prompt.wanted);
    if (!drawing)
      throw Error(ExitCode::usage,
                  "\"" + excerpt(prompt.text) + "\": no picture of it can be drawn to judge by",
                  "leave the prompt out");
    Canvas canvas(size);
    drawing->paint(canvas);
    return canvas;
  }

  std::shared_ptr<const ImageEmbedding> embedding_for(const Prompt& prompt, int seed, size_t index) {
    const int size = embeddings_.picture_size();
    if (size == 0) return embeddings_.without_picture(steps_.prior);
    Canvas drawn = drawn_for(prompt, static_cast<uint64_t>(seed), index, size);
    return embeddings_.of(drawn.rgb(), steps_.prior);
  }

  const EvalOptions& options_;
  DeviceAndDtype target_;
  ModelFolder folder_;
  std::unique_ptr<Pipeline> pipeline_;
  EmbeddingSource embeddings_;
  Steps steps_;
  Guidance guidance_;
  std::vector<Image> sheet_;
};

// The 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22): fit for shares near 0 and 1, too.
std::pair<double, double> wilson(int passed, int of) {
  constexpr double z = 1.96;
  const double n = of, p = passed / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {middle - half, middle + half};
}

constexpr const char* kColumns = "{:<16}{:<10}{:>9}{:>8}{:>16}{:>9}{:>7}";

void print(const Group& group, const Score& score, bool as_json, std::ostream& out) {
  const auto share = [&](int passed) { return static_cast<double>(passed) / score.pictures; };
  const auto [low, high] = wilson(score.right, score.pictures);
  if (as_json) {
    out << nlohmann::ordered_json{{"row", name(group.row)},     {"held_out", group.held_out},
                                  {"pictures", score.pictures}, {"score", share(score.right)},
                                  {"interval", {low, high}},    {"ceiling", share(score.ceiling)},
                                  {"floor", share(score.floor)}}
               .dump();
  } else {
    const auto digits = [](double value) { return fmt::format("{:.3f}", value); };
    out << fmt::format(kColumns, name(group.row), group.held_out ? "held out" : "seen", score.pictures,
                       digits(share(score.right)), digits(low) + " to " + digits(high),
                       digits(share(score.ceiling)), digits(share(score.floor)));
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
    out << fmt::format(kColumns, "row", "pairs", "pictures", "score", "95 % interval", "ceiling", "floor")
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
