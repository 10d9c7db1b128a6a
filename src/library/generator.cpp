// The public face of the engine.
#include "unclip/generator.h"

#include <random>
#include <utility>

#include "engine/engine.h"
#include "image/metadata.h"
#include "image/png.h"
#include "options/check_options.h"
#include "options/option_table.h"
#include "support/atomic_file.h"

namespace unclip {

struct Generator::Impl {
  ModelChoice model;
  EngineOptions options;
  std::unique_ptr<Engine> engine = open_engine(model, options);

  // Opened anew where a task needs more of the model than those before it.
  Engine& engine_for(const ModelUse& use) {
    ModelUse all = options.use;
    if ((all |= use) == options.use) return *engine;
    engine.reset();  // first, so that the weights do not stand in memory twice
    options.use = all;
    engine = open_engine(model, options);
    return *engine;
  }
};

Generator::Generator(const ModelChoice& model, std::size_t batch_size, Observer observer)
    : impl_(new Impl{model, {.batch_size = batch_size, .observer = std::move(observer)}}) {}

Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;

std::vector<Image> Generator::generate(const ImageOptions& options) {
  try {
    check_together(options);
  } catch (const std::invalid_argument& fault) {
    throw Error(ExitCode::usage, fault.what());
  }
  const std::uint64_t first = options.seed.value_or(std::random_device{}());
  std::vector<ImageResult> results(static_cast<std::size_t>(options.count));
  Engine& engine = impl_->engine_for(use_of(options));
  for (std::size_t i = 0; i < results.size(); ++i)
    engine.submit({.options = options, .seed = first + i, .done = [&result = results[i]](ImageResult done) {
                     result = std::move(done);
                   }});
  engine.finish();
  std::vector<Image> images;
  for (ImageResult& result : results) {
    if (result.error) throw *result.error;
    images.push_back(std::move(result.image));
  }
  return images;
}

void save_png(const Image& image, const std::filesystem::path& file) {
  write_file_atomically(file, encode_png(image, source_type_text()), Overwrite::yes);
}

}  // namespace unclip
