// Prompt → prior → file (see the header).
#include "verbs/make_embedding.h"

#include <spdlog/spdlog.h>

#include "engine/model.h"
#include "engine/prompt_length.h"
#include "pipeline/embedding_file.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/progress.h"

namespace unclip {

int make_embedding(const MakeEmbeddingOptions& options, std::ostream& out) {
  Model model(options.model, {.prior = true}, /*draws=*/false);
  if (const auto truncated = model.truncated_text(options.image)) {
    const Error fault = prompt_too_long(*truncated);
    if (options.image.strict) throw fault;
    spdlog::warn(fault.what());
  }
  StageClock clock;
  Progress progress(1, {.quiet = options.quiet});
  const ImageTask task{.options = options.image, .seed = options.seed, .done = {}};
  const ImageEmbedding embedding =
      model.embed(task, [&](std::string_view stage, int64_t done, int64_t steps) {
        throw_if_interrupted();
        clock.tick(stage, done);
        progress.observe(stage, done, steps);
      });
  expect_unchanged_files();
  save_embedding(options.file, embedding);
  progress.clear();
  const nlohmann::ordered_json line{{"file", path_json(options.file)},
                                    {"prompt", options.image.prompt},
                                    {"seed", options.seed},
                                    {"stages", to_json(clock.stages())}};
  out << (options.json ? json_line(line) : result_path(options.file)) << std::endl;
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
