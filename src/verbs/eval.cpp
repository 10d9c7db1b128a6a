// The eval verb: prompts → images → judge → a table.
#include "verbs/eval.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "batch/output_check.h"
#include "engine/engine.h"
#include "image/png.h"
#include "image/tile.h"
#include "pipeline/pipeline.h"
#include "support/atomic_file.h"
#include "support/progress.h"
#include "support/text_file.h"
#include "support/utf8.h"
#include "unclip/error.h"
#include "verbs/eval_embedding.h"

namespace unclip {
namespace {

constexpr size_t kSheetImages = 16;  // a row

// The prompts of one line of the table.
struct Group {
  Row row;
  bool held_out;
  std::vector<Prompt> prompts;
};

struct Score {
  int images = 0, right = 0;   // of the model
  int ceiling = 0, floor = 0;  // of as many
};

std::vector<Prompt> prompts_from(const std::filesystem::path& file) {
  std::ifstream lines = open_text_file(file, ExitCode::io, "check the path given to --prompts");
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
  Judge(const EvalOptions& options, uint64_t images, Progress& progress)
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

  Score score(const Group& group) {
    Score score;
    const size_t prompts = group.prompts.size();
    for (int seed = 0; seed < options_.seeds; ++seed) {
      const std::vector<Image> images = draw(group, seed);
      for (size_t i = 0; i < prompts; ++i) {
        const Detections detections = detect(images[i].pixels, images[i].width);
        score.right += judge(detections, group.prompts[i]).pass;
        score.floor += judge(detections, group.prompts[(i + 1) % prompts]).pass;
        const int size = images[i].width;
        score.ceiling +=
            judge(detect(drawn_for(group.prompts[i], static_cast<uint64_t>(seed), i, size).rgb(), size),
                  group.prompts[i])
                .pass;
        ++score.images;
        if (seed == 0 && i < kSheetImages) sheet_.push_back(images[i]);
      }
    }
    return score;
  }

  void write_sheet(const std::filesystem::path& file) const {
    if (!sheet_.empty()) write_file_atomically(file, encode_png(tile(sheet_, kSheetImages)), Overwrite::yes);
  }

 private:
  std::vector<Image> draw(const Group& group, int seed) {
    const size_t prompts = group.prompts.size();
    std::vector<Image> images(prompts);
    std::vector<ImageTask> tasks;  // all before the first is given away: a prompt may be refused
    for (size_t i = 0; i < prompts; ++i) {
      ImageTask task{.options = image_,
                     .seed = options_.seed + static_cast<uint64_t>(seed) * prompts + i,
                     .embedding = embedding_for(group.prompts[i], seed, i),
                     .done = [this, &image = images[i]](ImageResult result) {
                       if (result.error) throw *result.error;
                       image = std::move(result.image);
                       progress_.images_done(1);
                     }};
      task.options.prompt = group.prompts[i].text;
      tasks.push_back(std::move(task));
    }
    for (ImageTask& task : tasks) engine_->submit(std::move(task));
    engine_->finish();
    return images;
  }

  // An image as the prompt wants it.
  static Canvas drawn_for(const Prompt& prompt, uint64_t seed, uint64_t index, int size) {
    Rng rng = image_rng(seed, index);
    const std::optional<Drawing> drawing = draw_stubbornly(rng, prompt.wanted);
    if (!drawing)
      throw Error(ExitCode::usage,
                  "\"" + excerpt(prompt.text) + "\": cannot draw an image of it to compare with",
                  "remove the prompt");
    Canvas canvas(size);
    drawing->paint(canvas);
    return canvas;
  }

  std::shared_ptr<const ImageEmbedding> embedding_for(const Prompt& prompt, int seed, size_t index) {
    const int size = embeddings_.image_size();
    const int64_t steps = image_.steps.prior.value_or(
        PipelineDefaults::from(folder_, {}).steps.prior);  // whose noise is skipped
    if (size == 0) return embeddings_.without_image(steps);
    Canvas drawn = drawn_for(prompt, static_cast<uint64_t>(seed), index, size);
    return embeddings_.of(drawn.rgb(), steps);
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
  return {middle - half, middle + half};
}

constexpr const char* kColumns = "{:<16}{:<10}{:>9}{:>8}{:>16}{:>9}{:>7}";

void print(const Group& group, const Score& score, bool as_json, std::ostream& out) {
  const auto share = [&](int passed) { return static_cast<double>(passed) / score.images; };
  const auto [low, high] = wilson(score.right, score.images);
  if (as_json) {
    out << nlohmann::ordered_json{{"row", name(group.row)},     {"held_out", group.held_out},
                                  {"pictures", score.images},   {"score", share(score.right)},
                                  {"interval", {low, high}},    {"ceiling", share(score.ceiling)},
                                  {"floor", share(score.floor)}}
               .dump();
  } else {
    const auto digits = [](double value) { return fmt::format("{:.3f}", value); };
    out << fmt::format(kColumns, name(group.row), group.held_out ? "held out" : "seen", score.images,
                       digits(share(score.right)), digits(low) + " to " + digits(high),
                       digits(share(score.ceiling)), digits(share(score.floor)));
  }
  out << std::endl;
}

}  // namespace

int eval(const EvalOptions& options, std::ostream& out) {
  const std::vector<Group> groups = make_groups(options);
  size_t images = 0;
  for (const Group& group : groups) images += group.prompts.size() * static_cast<size_t>(options.seeds);
  if (images == 0) throw Error(ExitCode::usage, "no prompt belongs to the chosen rows");
  if (options.sheet) OutputCheck().check(*options.sheet);
  Progress progress(static_cast<int>(images), {.quiet = options.verbosity == Verbosity::quiet});
  Judge judge(options, images, progress);
  if (!options.json)
    out << fmt::format(kColumns, "row", "pairs", "pictures", "score", "95 % interval", "ceiling", "floor")
        << std::endl;
  for (const Group& group : groups) {
    const Score score = judge.score(group);
    progress.clear();
    print(group, score, options.json, out);
  }
  if (options.sheet) judge.write_sheet(*options.sheet);
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
