// The eval verb: prompts → images → judges → a table.
#include "verbs/eval.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "batch/output_check.h"
#include "engine/engine.h"
#include "image/png.h"
#include "image/tile.h"
#include "pipeline/pipeline.h"
#include "support/atomic_file.h"
#include "support/progress.h"
#include "unclip/error.h"
#include "verbs/eval_embedding.h"
#include "verbs/eval_rows.h"
#include "verbs/frechet.h"

namespace unclip {
namespace {

constexpr size_t kSheetImages = 16;  // a row

struct Score {
  int images = 0, right = 0;   // of the model
  int ceiling = 0, floor = 0;  // of as many
};

struct Distance {
  int images = 0;  // of each set
  double distance = 0, floor = 0;
};

class Evaluation {
 public:
  Evaluation(const EvalOptions& options, uint64_t images, Progress& progress)
      : options_(options),
        progress_(progress),
        folder_(ModelFolder::open(options.model)),
        embeddings_(options.embedding, folder_, select_device(options.device, options.dtype)),
        image_(options.image),
        engine_(open_engine({folder_.path(), options.prior, options.device, options.dtype},
                            {.batch_size = static_cast<size_t>(options.batch_size),
                             .expected = images,
                             .observer = progress.observer()})) {
    if (!options.upsample) image_.steps.upsampler = 0;
  }

  Score score(const EvalRow& row) {
    Score score;
    for (int number = 0; number < options_.seeds; ++number) {
      const auto seed = static_cast<uint64_t>(number);
      const std::vector<Image> images = draw(row, seed);
      for (size_t i = 0; i < images.size(); ++i) {
        const auto shows = row.look_at(images[i]);
        score.right += shows(i);
        score.floor += shows((i + 1) % images.size());
        score.ceiling += row.look_at(row.drawn(i, seed, images[i].width))(i);
        ++score.images;
        if (seed == 0 && i < kSheetImages) sheet_.push_back(images[i]);
      }
    }
    return score;
  }

  Distance distance(SceneJudge& judge) {
    const auto features = [&](const PromptList& scenes, int side) {
      std::vector<Image> images;
      for (size_t i = 0; i < scenes.size(); ++i) images.push_back(scenes.drawn(i, 0, side));
      return features_of(judge, images);
    };
    const auto count = static_cast<uint64_t>(options_.frechet);
    const auto scenes = captioned_scenes(options_.seed, 0, options_.frechet);
    const auto others = captioned_scenes(options_.seed, count, options_.frechet);
    const std::vector<Image> images = draw(*scenes, 0);
    // Other scenes than those of the prompts: what a caption shares with its own would bring the sets
    // together.
    const torch::Tensor real = features(*others, images[0].width);
    return {options_.frechet, frechet_distance(features_of(judge, images), real),
            frechet_distance(features(*scenes, images[0].width), real)};
  }

  std::vector<std::byte> sheet() const { return encode_png(tile(sheet_, kSheetImages)); }

 private:
  static torch::Tensor features_of(SceneJudge& judge, std::span<const Image> images) {
    constexpr size_t kAtATime = 64;
    std::vector<torch::Tensor> features;
    for (size_t i = 0; i < images.size(); i += kAtATime)
      features.push_back(judge.features(stacked(images.subspan(i, std::min(kAtATime, images.size() - i)))));
    return at::cat(features);
  }

  std::vector<Image> draw(const PromptList& prompts, uint64_t seed) {
    std::vector<Image> images(prompts.size());
    std::vector<ImageTask> tasks;  // all before the first is given away: a prompt may be refused
    for (size_t i = 0; i < images.size(); ++i) {
      ImageTask task{.options = image_,
                     .seed = options_.seed + seed * images.size() + i,
                     .embedding = embedding_for(prompts, seed, i),
                     .done = [this, &image = images[i]](ImageResult result) {
                       if (result.error) throw *result.error;
                       image = std::move(result.image);
                       progress_.images_done(1);
                     }};
      task.options.prompt = prompts.text(i);
      tasks.push_back(std::move(task));
    }
    for (ImageTask& task : tasks) engine_->submit(std::move(task));
    engine_->finish();
    return images;
  }

  std::shared_ptr<const ImageEmbedding> embedding_for(const PromptList& prompts, uint64_t seed,
                                                      size_t prompt) {
    const int size = embeddings_.image_size();
    const int64_t steps = image_.steps.prior.value_or(
        PipelineDefaults::from(folder_, {}).steps.prior);  // whose noise is skipped
    if (size == 0) return embeddings_.without_image(steps);
    return embeddings_.of(prompts.drawn(prompt, seed, size).pixels, steps);
  }

  const EvalOptions& options_;
  Progress& progress_;
  ModelFolder folder_;
  EmbeddingSource embeddings_;
  ImageOptions image_;
  std::unique_ptr<Engine> engine_;
  std::vector<Image> sheet_;
};

// The 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22): fit for shares near 0 and 1, too.
std::pair<double, double> wilson(int passed, int of) {
  constexpr double z = 1.96;
  const double n = of, p = passed / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(middle - half, 0.0), std::min(middle + half, 1.0)};  // rounding may lead out of 0 … 1
}

constexpr const char* kColumns = "{:<16}{:<10}{:>9}{:>8}{:>16}{:>9}{:>7}";

std::string digits(double value) { return fmt::format("{:.3f}", value); }

void print(const EvalRow& row, const Score& score, bool as_json, std::ostream& out) {
  const auto share = [&](int passed) { return static_cast<double>(passed) / score.images; };
  const auto [low, high] = wilson(score.right, score.images);
  if (as_json) {
    nlohmann::ordered_json line{{"row", name(row.row())}};
    if (row.held_out()) line["held_out"] = *row.held_out();
    line.update({{"images", score.images},
                 {"score", share(score.right)},
                 {"interval", {low, high}},
                 {"ceiling", share(score.ceiling)},
                 {"floor", share(score.floor)}});
    out << line.dump();
  } else {
    const char* pairs = !row.held_out() ? "all" : *row.held_out() ? "held out" : "seen";
    out << fmt::format(kColumns, name(row.row()), pairs, score.images, digits(share(score.right)),
                       digits(low) + " to " + digits(high), digits(share(score.ceiling)),
                       digits(share(score.floor)));
  }
  out << std::endl;
}

void print(const Distance& distance, bool as_json, std::ostream& out) {
  if (as_json)
    out << nlohmann::ordered_json{{"frechet_distance", distance.distance},
                                  {"floor", distance.floor},
                                  {"images", distance.images}}
               .dump();
  else
    out << fmt::format("Fréchet distance to drawn scenes, {} images each: {}; between two sets of these: {}",
                       distance.images, digits(distance.distance), digits(distance.floor));
  out << std::endl;
}

// What would be passed over in silence.
void check_options(const EvalOptions& options) {
  const auto scenes =
      std::ranges::find_if(options.rows, [](Row row) { return static_cast<int>(row) >= row_count; });
  if (options.prompts && scenes != options.rows.end())
    throw Error(
        ExitCode::usage,
        "rows: expected rows of shapes, as prompts from a file are, found " + std::string(name(*scenes)),
        "leave it out, or --prompts", {.field = "rows"});
  if (options.embedding == EvalEmbedding::prior) return;
  for (const auto& [given, option] :
       {std::pair{options.image.guidance.prior.has_value(), "prior_guidance"},
        {options.image.prior_candidates.has_value(), "prior_candidates"},
        {!options.image.negative_prior_prompt.empty(), "negative_prior_prompt"}})
    if (given)
      throw Error(ExitCode::usage,
                  std::string(option) + ": expected together with --embedding prior, found another embedding",
                  "leave it out: no prior runs", {.field = option});
}

void check_sheet(const std::filesystem::path& file, bool overwrite) {
  try {
    check_new_file(file, true);
  } catch (const Error& fault) {
    throw Error(fault.code, fault.what(), {}, {.field = "sheet"});
  }
  if (!overwrite && is_taken(file))
    throw Error(ExitCode::io, file.string() + ": already exists", "pass --overwrite", {.field = "sheet"});
}

// Begins the file before `draw` takes its time: some folders (/proc) tell only then that they take none.
void write_sheet(const std::filesystem::path& file, bool overwrite,
                 const std::function<std::vector<std::byte>()>& draw) {
  try {
    write_file_atomically(
        file, [&](const TakePiece& take) { take(draw()); }, overwrite ? Overwrite::yes : Overwrite::no);
  } catch (const Error& fault) {
    if (fault.cause.field != "output" && fault.cause.field != "overwrite") throw;  // what draws it
    throw Error(fault.code, fault.what(), fault.hint, {.field = "sheet"});
  }
}

}  // namespace

int eval(const EvalOptions& options, std::ostream& out) {
  check_options(options);
  const std::shared_ptr<SceneJudge> judge = open_judge(options);
  const std::vector<std::unique_ptr<EvalRow>> rows = make_rows(options, judge);
  size_t images = static_cast<size_t>(options.frechet);
  for (const auto& row : rows) images += row->size() * static_cast<size_t>(options.seeds);
  if (options.sheet) check_sheet(*options.sheet, options.overwrite);
  Progress progress(static_cast<int>(images), {.quiet = options.verbosity == Verbosity::quiet});
  Evaluation evaluation(options, images, progress);
  const auto evaluate = [&] {
    if (!options.json)
      out << fmt::format(kColumns, "row", "pairs", "images", "score", "95 % interval", "ceiling", "floor")
          << std::endl;
    for (const auto& row : rows) {
      const Score score = evaluation.score(*row);
      progress.clear();
      print(*row, score, options.json, out);
    }
    if (options.frechet == 0) return;
    const Distance distance = evaluation.distance(*judge);
    progress.clear();
    print(distance, options.json, out);
  };
  if (options.sheet)
    write_sheet(*options.sheet, options.overwrite, [&] {
      evaluate();
      return evaluation.sheet();
    });
  else
    evaluate();
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
