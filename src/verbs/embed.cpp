// Inputs → embeddings → a file, or cosines (see the header).
#include "verbs/embed.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "batch/output_check.h"
#include "engine/model.h"
#include "engine/prompt_length.h"
#include "options/model_use.h"
#include "options/option_table.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "weights/load.h"

namespace unclip {
namespace {

std::vector<std::string> with_prefixes(const std::vector<std::string>& inputs) {
  std::vector<std::string> ends;
  for (const std::string& input : inputs) {
    ImageOptions parsed;
    try {
      find_option("source")->parse(parsed, input);
    } catch (const std::invalid_argument& fault) {
      throw Error(ExitCode::usage, fmt::format("{}: {}", excerpt(input), fault.what()));
    }
    ends.push_back(parsed.source);
  }
  return ends;
}

// A text's has nothing but the embedding itself.
std::vector<ImageEmbedding> embed_all(const EmbedOptions& options, const std::vector<std::string>& ends) {
  ModelUse use;
  for (const std::string& end : ends) (image_of_end(end).empty() ? use.texts : use.images) = true;
  Model model({options.model, options.prior, options.device, options.dtype}, use, /*draws=*/false);
  std::vector<ImageEmbedding> rows;
  for (const std::string& end : ends) {
    throw_if_interrupted();
    const std::string file = image_of_end(end), text = text_of_end(end);
    if (const auto truncated = model.truncated_text({.prompt = text}))
      spdlog::warn(prompt_too_long(*truncated).what());
    rows.push_back(file.empty() ? ImageEmbedding{model.embed_text(text), {}, {}} : model.embed_image(file));
  }
  expect_unchanged_files();
  return rows;
}

}  // namespace

int embed(const EmbedOptions& options, std::ostream& out) {
  check_new_file(options.output, options.overwrite);
  const std::vector<std::string> ends = with_prefixes(options.inputs);
  const std::vector<ImageEmbedding> rows = embed_all(options, ends);
  nlohmann::json names = nlohmann::json::array();
  std::vector<torch::Tensor> stacked;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    names.push_back(path_json(ends[i]));
    stacked.push_back(torch::tensor(rows[i].image));
  }
  std::map<std::string, torch::Tensor> tensors{{"embeddings", at::stack(stacked)}};
  if (rows.size() == 1 && !image_of_end(ends[0]).empty()) {
    tensors = {{"image_embeds", tensors.at("embeddings")}};
    if (const Vector& negative = rows.front().negative; !negative.empty())
      tensors["negative_image_embeds"] = torch::tensor(negative).unsqueeze(0);
  }
  save_tensors(options.output, tensors, {{"inputs", names.dump()}});
  const nlohmann::ordered_json line{
      {"file", path_json(options.output)}, {"inputs", names}, {"width", rows.front().image.size()}};
  out << (options.json ? json_line(line) : result_path(options.output)) << std::endl;
  return static_cast<int>(ExitCode::ok);
}

int similar(const EmbedOptions& options, std::ostream& out) {
  if (options.inputs.size() < 2)
    throw Error(ExitCode::usage, "expected two inputs or more, found one",
                "for example: unclip similar cat.png \"a cat\"");
  const std::vector<std::string> ends = with_prefixes(options.inputs);
  const std::vector<ImageEmbedding> rows = embed_all(options, ends);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const double likeness = cosine(rows[0].image, rows[i].image);
    const nlohmann::ordered_json line{
        {"cosine", likeness}, {"first", path_json(ends[0])}, {"input", path_json(ends[i])}};
    out << (options.json ? json_line(line) : fmt::format("{:.4f}\t{}", likeness, visible(options.inputs[i])))
        << std::endl;
  }
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
