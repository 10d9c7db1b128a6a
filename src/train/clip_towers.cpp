// Frozen towers (see the header).
#include "train/clip_towers.h"

#include <torch/utils.h>

#include "checkpoint/model_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

// OpenAI's, which every CLIP checkpoint and its preprocessor use.
constexpr double kMean[] = {0.48145466, 0.4578275, 0.40821073};
constexpr double kDeviation[] = {0.26862954, 0.26130258, 0.27577711};

constexpr int64_t kSampleImages = 4096, kSampleBatch = 256;
constexpr double kLeastDeviation = 0.05;  // of the largest one

template <class Net, class NetConfig>
Net tower(const TrainContext& context, const std::string& name, bool trained) {
  const Component component{name, "transformers", "", context.model / name};
  const bool there = std::filesystem::exists(component.folder / "config.json");
  if (!there && trained) {
    Net net(NetConfig::from(Config(context.recipe.component(name), name)));
    initialize(*net);
    return net;
  }
  if (!there)
    throw Error(ExitCode::model, component.folder.string() + ": no trained " + name + " here",
                "run `unclip train clip` first, or pass a model with --from FOLDER");
  Net net(NetConfig::from(component.config()));
  load_weights(*net, weight_files(component),
               {.dtype = trained ? torch::kFloat32 : context.target.dtype,
                .device = context.target.device,
                .writable = true});
  return net;
}

}  // namespace

ClipTowers::ClipTowers(const TrainContext& context, Trained trained)
    : target_(context.target),
      trained_(trained),
      text_(tower<CLIPTextModelWithProjection, CLIPTextConfig>(context, "text_encoder", trained.text)),
      vision_(
          tower<CLIPVisionModelWithProjection, CLIPVisionConfig>(context, "image_encoder", trained.vision)) {
  const Encoding nothing = context.tokenizer->encode("");
  empty_ids = torch::tensor(nothing.ids).unsqueeze(0).to(target_.device);
  empty_mask = (torch::tensor(nothing.mask).unsqueeze(0) != 0).to(target_.device);
}

std::vector<TrainedNet> ClipTowers::nets() const {
  std::vector<TrainedNet> nets;
  if (trained_.text) nets.push_back({{"text_encoder"}, text_.ptr()});
  if (trained_.vision) nets.push_back({{"image_encoder"}, vision_.ptr()});
  return nets;
}

torch::Tensor ClipTowers::embed_images(const torch::Tensor& images) {
  const at::AutoGradMode gradients(trained_.vision && !frozen_ && at::GradMode::is_enabled());
  return vision_(normalize_for_clip(images));
}

TextFeatures ClipTowers::embed_text(const torch::Tensor& ids) {
  const at::AutoGradMode gradients(trained_.text && !frozen_ && at::GradMode::is_enabled());
  return text_(ids);
}

ClipTowers::Statistics ClipTowers::statistics(const ImageSource& source) {
  const torch::Tensor sample = embed_sample(vision_, source, target_);
  const torch::Tensor deviation = sample.std(0, true, true);
  const torch::Tensor covariance = at::cov(sample.t().to(torch::kFloat64));  // [P,P]
  const auto [strength, columns] = at::linalg_eigh(covariance);              // the weakest first
  return {sample.mean(0, true), at::maximum(deviation, kLeastDeviation * deviation.max()).clamp_min(1e-4),
          columns.t().flip(0).to(torch::kFloat32).contiguous()};
}

torch::Tensor embed_sample(CLIPVisionModelWithProjection& vision, const ImageSource& source,
                           const DeviceAndDtype& target) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> embeddings;
  const auto size = static_cast<int>(vision->config.image_size);
  for (int64_t done = 0; done < kSampleImages; done += kSampleBatch) {
    const Batch batch = draw_batch(nullptr, {&source, static_cast<uint64_t>(done), kSampleBatch, size});
    const torch::Tensor images = to_unit_range(batch.images, target);
    embeddings.push_back(vision(normalize_for_clip(images)).to(torch::kFloat32));
  }
  return at::cat(embeddings);
}

int64_t longest_text(const torch::Tensor& mask) { return mask.sum(1).max().item<int64_t>(); }

torch::Tensor disturb(const torch::Tensor& embedding, double largest, const at::Generator& chance) {
  if (largest == 0 || embedding.size(0) < 2) return embedding;
  const auto draw = torch::dtype(torch::kFloat32).device(embedding.device());
  const torch::Tensor strength = at::rand({embedding.size(0), 1}, chance, draw) * largest;
  const torch::Tensor noise = at::randn(embedding.sizes(), chance, draw);
  const torch::Tensor wide = embedding.to(torch::kFloat32);
  return (wide + strength * wide.std(0, true, true) * noise).to(embedding.scalar_type());
}

torch::Tensor normalize_for_clip(const torch::Tensor& images) {
  const auto channels = [&](const double(&values)[3]) {
    const auto one = [&](double value) { return torch::full({1, 1, 1, 1}, value, images.options()); };
    return at::cat({one(values[0]), one(values[1]), one(values[2])}, 1);  // made where the images are
  };
  return ((images + 1) * 0.5 - channels(kMean)) / channels(kDeviation);
}

nlohmann::json clip_preprocessor_config(int64_t size) {
  return {{"image_processor_type", "CLIPImageProcessor"},
          {"do_resize", true},
          {"size", {{"shortest_edge", size}}},
          {"resample", 3},
          {"do_center_crop", true},
          {"crop_size", {{"height", size}, {"width", size}}},
          {"do_rescale", true},
          {"rescale_factor", 1.0 / 255},
          {"do_normalize", true},
          {"image_mean", kMean},
          {"image_std", kDeviation},
          {"do_convert_rgb", true}};
}

}  // namespace unclip
