// Embeddings between requests and tensors.
#include "stage_run.h"

#include <optional>

#include "device/hand_over.h"
#include "finite.h"
#include "pipeline/embedding_file.h"
#include "to_images.h"
#include "unclip/error.h"

namespace unclip {

StepDone watch_decoder(const Sampler& sampler, const Previews& previews, const Observer& observer,
                       std::function<torch::Tensor(const torch::Tensor& x0)> decode) {
  const auto steps = static_cast<int64_t>(sampler.timesteps().size());
  // The last step gives the image itself.
  return [=, &previews, step_done = watch("decoder", sampler, observer), decode = std::move(decode),
          done = int64_t{0}, coming = std::optional<Homeward>()](const Estimate& x0) mutable {
    step_done(x0);
    const auto show = [&] {
      previews.show(images_of(coming->wait()));
      coming.reset();
    };
    if (coming) show();
    const auto due = [&](int64_t after) { return after * (previews.count + 1) / steps; };
    if (++done == steps || due(done) == due(done - 1)) return;
    coming.emplace(to_bytes(decode(x0())));
    if (coming->is_home()) show();
  };
}

torch::Tensor stack_embeddings(const std::vector<ImageRequest>& batch, int64_t width,
                               std::vector<float> ImageEmbedding::*part, torch::Device device) {
  std::vector<float> values;
  for (const ImageRequest& request : batch) {
    if (!request.embedding)
      throw Error(ExitCode::usage, Cause{.field = "embedding",
                                         .expected = "one for each image of the batch, or none",
                                         .found = "one for some of them"});
    const std::vector<float>& one = *request.embedding.*part;
    if (static_cast<int64_t>(one.size()) != width)
      throw Error(
          ExitCode::usage,
          Cause{.field = "embedding",
                .expected = std::to_string(width) + " values in " +
                            (part == &ImageEmbedding::image ? "image_embeds" : "negative_image_embeds") +
                            " for this decoder",
                .found = std::to_string(one.size())});
    values.insert(values.end(), one.begin(), one.end());
  }
  return torch::tensor(values).view({-1, width}).to(device);  // [B,D]
}

torch::Tensor start_noise(const std::vector<ImageRequest>& batch, NoiseSource& noise, at::IntArrayRef shape,
                          torch::Device device) {
  const torch::Tensor drawn = noise.normal(shape);  // [B,shape...]
  std::vector<torch::Tensor> rows;
  for (size_t i = 0; i < batch.size(); ++i) {
    const torch::Tensor own = drawn[static_cast<int64_t>(i)];
    const StartNoise* given = batch[i].start.get();
    if (given != nullptr && static_cast<int64_t>(given->size()) != own.numel())
      throw Error(ExitCode::usage, "expected start noise of " + std::to_string(own.numel()) +
                                       " numbers, found " + std::to_string(given->size()));
    rows.push_back(given != nullptr ? torch::tensor(*given).view(own.sizes()).to(device) : own);
  }
  return at::stack(rows);
}

torch::Tensor clip_batch(const ClipImageProcessorConfig& processor, const std::vector<Image>& images,
                         const DeviceAndDtype& target) {
  std::vector<torch::Tensor> pixels;
  for (const Image& image : images) pixels.push_back(clip_pixels(image, processor));
  return at::cat(pixels).to(target.device, target.dtype);
}

torch::Tensor encode_images(CLIPVisionModelWithProjection& tower, const ClipImageProcessorConfig& processor,
                            const std::vector<Image>& images, const DeviceAndDtype& target) {
  const torch::Tensor made = tower->forward(clip_batch(processor, images, target));
  return finite(made.to(torch::kFloat32), "image encoder", target);
}

std::vector<std::vector<float>> to_vectors(const torch::Tensor& rows) {
  std::vector<std::vector<float>> all;
  for (int64_t i = 0; i < rows.size(0); ++i) all.push_back(row_of(rows.flatten(1), i));
  return all;
}

void skip_noise(const std::vector<ImageRequest>& batch, const NoiseSource& noise) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::vector<int64_t>& drawn = batch[i].embedding->noise;
    if (drawn.empty()) continue;
    NoiseSource own = noise.subset({static_cast<int64_t>(i)});
    for (int64_t n = 0; n < drawn[0]; ++n) own.normal(at::IntArrayRef(drawn).slice(1));
  }
}

}  // namespace unclip
