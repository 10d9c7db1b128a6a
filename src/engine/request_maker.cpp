// Tasks → requests (see the header).
#include "engine/request_maker.h"

#include <spdlog/fmt/fmt.h>

#include "image/difference.h"
#include "image/image_file.h"
#include "image/resize.h"
#include "options/model_use.h"
#include "pipeline/embedding_file.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// Of a file as it is now.
std::string file_key(const std::string& file) {
  std::error_code missing;
  const auto time = fs::last_write_time(file, missing).time_since_epoch().count();
  return fmt::format("{}\n{}\n{}", file, time, fs::file_size(file, missing));
}

// Of what decides an embedding or a start besides the images themselves.
std::string settings_key(const DrawSettings& settings, const Guidance& guidance) {
  return fmt::format("{} {} {} {} {}x{} {}", settings.steps.prior, settings.steps.decoder, guidance.prior,
                     guidance.decoder, settings.width, settings.height, settings.prior_candidates);
}

}  // namespace

bool inverts(const ImageOptions& options) {
  return options.task == Task::textdiff || options.task == Task::reconstruct || options.eta.has_value() ||
         options.interpolate_noise;
}

RequestMaker::RequestMaker(Pipeline& pipeline, fs::path model)
    : pipeline_(pipeline), model_(std::move(model)) {}

ImageRequest RequestMaker::make(const ImageTask& task, const Guidance& guidance, const DrawSettings& settings,
                                const Observer& observer) {
  const ImageOptions& options = task.options;
  ImageRequest request{.prompt = options.prompt,
                       .seed = task.seed,
                       .guidance = guidance,
                       .negative_prompt = options.negative_prompt,
                       .negative_prior_prompt = options.negative_prior_prompt,
                       .init_image = image(options.init_image),
                       .hint = image(options.hint),
                       .embedding = task.embedding,
                       .noise_level = options.noise_level.value_or(0)};
  if (!options.embedding.empty())
    request.embedding =
        embeddings_.get(file_key(options.embedding), [&] { return load_embedding(options.embedding); });
  switch (options.task) {
    case Task::generate:
      request.mask = image(options.mask);
      break;
    case Task::edit:
      add_edit(request, options, settings);
      break;
    case Task::interpolate:
      add_interpolation(request, task, settings, observer);
      break;
    case Task::variations:
    case Task::textdiff:
    case Task::reconstruct: {
      request.embedding = embed_image(options.image);
      if (inverts(options)) request.start = invert(options.image, request, settings, observer);
      auto changed = std::make_shared<ImageEmbedding>(*request.embedding);
      if (options.task == Task::textdiff)
        changed->image = turn_along(changed->image, *embed_text(options.from_text),
                                    *embed_text(options.to_text), options.theta.value_or(kUsualTheta));
      if (options.components) {
        if (!components_) components_ = Components::load(model_);
        changed->image = components_->project(changed->image, *options.components);
      }
      request.embedding = changed;
    }
  }
  return request;
}

void RequestMaker::add_edit(ImageRequest& request, const ImageOptions& options,
                            const DrawSettings& settings) {
  const auto [canvas, window] = *edit(options, settings);
  const ImageSize size = pipeline_.image_size(settings);
  EditCanvas part = cut_out(canvas, window, size.width, size.height);
  request.init_image = std::make_shared<Image>(std::move(part.image));
  request.mask = std::make_shared<Image>(std::move(part.mask));
}

std::shared_ptr<const RequestMaker::Edit> RequestMaker::edit(const ImageOptions& options,
                                                             const DrawSettings& settings) {
  const ImageSize size = pipeline_.image_size(settings);
  const Margins margins = options.outpaint.value_or(Margins{});
  const std::string key =
      fmt::format("{}\n{}\n{},{},{},{} {}x{}", file_key(options.image), file_key(options.mask), margins.left,
                  margins.top, margins.right, margins.bottom, size.width, size.height);
  return edits_.get(key, [&] {
    const auto source = image(options.image), mask = image(options.mask);
    const std::optional<Image> alpha = alpha_plane(*source);
    Edit made{edit_canvas(*source, alpha ? &*alpha : nullptr, mask.get(), margins), {}};
    made.window = edit_window(made.canvas, size.width, size.height);
    return made;
  });
}

Image RequestMaker::finish(const ImageTask& task, const DrawSettings& settings, Image drawn) {
  if (task.options.task != Task::edit) return drawn;
  const auto [canvas, window] = *edit(task.options, settings);
  return put_back(canvas, window, drawn, task.options.feather.value_or(0));
}

double RequestMaker::psnr(const ImageTask& task, const Image& drawn) {
  const Image original = resize(to_rgb(*image(task.options.image)), drawn.width, drawn.height,
                                ResizeFilter::bicubic, /*reduce_first=*/true);
  return unclip::psnr(original, drawn);
}

// The decoder reads the text of each end that is a text, and none for an image.
void RequestMaker::add_interpolation(ImageRequest& request, const ImageTask& task,
                                     const DrawSettings& settings, const Observer& observer) {
  const ImageOptions& options = task.options;
  const double position = options.position.value_or(kUsualPosition);
  const ImageEmbedding from = embedding_of_end(options.source, request, settings, observer),
                       to = embedding_of_end(options.target, request, settings, observer);
  request.embedding = std::make_shared<ImageEmbedding>(ImageEmbedding{
      slerp(from.image, to.image, position), from.negative, from.noise.empty() ? to.noise : from.noise});
  request.prompt = text_of_end(options.source);
  request.other_prompt = text_of_end(options.target);
  request.position = position;
  if (!options.interpolate_noise) return;
  ImageRequest end = request;
  end.prompt = end.other_prompt = "";
  end.position = 0;
  const auto start_of = [&](const std::string& name) {
    const std::string file = image_of_end(name);
    end.embedding = embed_image(file);
    return invert(file, end, settings, observer);
  };
  request.start =
      std::make_shared<StartNoise>(slerp(*start_of(options.source), *start_of(options.target), position));
}

ImageEmbedding RequestMaker::embedding_of_end(const std::string& end, const ImageRequest& request,
                                              const DrawSettings& settings, const Observer& observer) {
  if (const std::string file = image_of_end(end); !file.empty()) return *embed_image(file);
  const std::string key =
      fmt::format("{}\n{}\n{}", end, request.seed, settings_key(settings, request.guidance));
  return *embeddings_.get(key, [&] {
    ImageRequest text = request;
    text.prompt = text_of_end(end);
    return pipeline_.embed({text}, settings, observer).front();
  });
}

std::shared_ptr<const StartNoise> RequestMaker::invert(const std::string& file, const ImageRequest& request,
                                                       const DrawSettings& settings,
                                                       const Observer& observer) {
  const std::string key = file_key(file) + '\n' + settings_key(settings, request.guidance);
  return starts_.get(key, [&] {
    ImageRequest original = request;
    original.init_image = image(file);
    return pipeline_.invert({original}, settings, observer).front();
  });
}

std::shared_ptr<const Image> RequestMaker::image(const std::string& file) {
  if (file.empty()) return nullptr;
  return images_.get(file_key(file), [&] { return read_image(file); });
}

std::shared_ptr<const ImageEmbedding> RequestMaker::embed_image(const std::string& file) {
  return embeddings_.get("image\n" + file_key(file),
                         [&] { return pipeline_.embed_images({*image(file)}).front(); });
}

std::shared_ptr<const Vector> RequestMaker::embed_text(const std::string& text) {
  return texts_.get(text, [&] { return pipeline_.embed_texts({text}).front(); });
}

}  // namespace unclip
