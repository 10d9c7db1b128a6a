// Kandinsky's prior.
//
// Symbols: B images, K embeddings an image, L text tokens, D embedding width.
#include "kandinsky_prior.h"

#include "finite.h"
#include "kandinsky_fit.h"
#include "sample_prior.h"
#include "text_rows.h"

namespace unclip {
namespace {

// The first part that is opened; the others are checked with it, before gigabytes are read.
std::unique_ptr<Tokenizer> open_prior_tokenizer(const ModelFolder& folder, const std::string& prefix) {
  auto tokenizer = Tokenizer::open(folder.require(prefix + "tokenizer").folder);
  check_kandinsky_prior(folder, prefix, *tokenizer);
  return tokenizer;
}

}  // namespace

KandinskyPrior::KandinskyPrior(const ModelFolder& folder, const std::string& prefix,
                               const DeviceAndDtype& target, bool embeds_texts)
    : target_(target),
      tokenizer_(open_prior_tokenizer(folder, prefix)),
      image_encoder_(load_net<CLIPVisionModelWithProjection, CLIPVisionConfig>(
          folder, prefix + "image_encoder", target)) {
  if (folder.has(prefix + "image_processor"))
    image_processor_ = ClipImageProcessorConfig::from(
        folder.require(prefix + "image_processor").config("preprocessor_config.json"));
  if (!embeds_texts) return;
  text_encoder_ =
      load_net<CLIPTextModelWithProjection, CLIPTextConfig>(folder, prefix + "text_encoder", target);
  prior_ = load_net<PriorTransformer, PriorTransformerConfig>(folder, prefix + "prior", target);
  scheduler_ = unclip_scheduler(folder, prefix + "scheduler");
}

KandinskyEmbeddings KandinskyPrior::encode(const std::vector<Image>& images) {
  const torch::Tensor image = encode_images(*image_encoder_, image_processor_, images, target_);  // [B,D]
  return {image, encoding_of_black().expand_as(image)};
}

TextRows KandinskyPrior::encode_texts(const std::vector<std::string>& texts) {
  return encode_padded_rows(*tokenizer_, texts, prior_.config().num_embeddings, target_.device,
                            text_encoder_);
}

KandinskyEmbeddings KandinskyPrior::sample(const std::vector<ImageRequest>& batch,
                                           const DrawSettings& settings, const NoiseSource& noise,
                                           const Observer& observer) {
  const auto count = static_cast<int64_t>(batch.size());
  std::vector<torch::Tensor> image(batch.size()), negative(batch.size());
  for (const int64_t rows : {1, 2}) {  // an image's draws must not hang on whether its neighbors are negated
    std::vector<ImageRequest> group;
    std::vector<int64_t> places;
    for (int64_t i = 0; i < count; ++i) {
      const ImageRequest& request = batch[static_cast<size_t>(i)];
      if (request.negative_prompt.empty() != (rows == 1)) continue;
      group.push_back(request);
      places.push_back(i);
    }
    if (group.empty()) continue;
    const torch::Tensor embeddings =
        sample_rows(group, rows, settings, noise.subset(places), observer);  // [·,K,D]
    for (size_t i = 0; i < places.size(); ++i) {
      const torch::Tensor own = embeddings[static_cast<int64_t>(i)];
      image[static_cast<size_t>(places[i])] = own[0];
      negative[static_cast<size_t>(places[i])] = rows == 2 ? own[1] : encoding_of_black();
    }
  }
  return {at::stack(image), at::stack(negative)};
}

// unCLIP section 2.2. Guidance doubles the rows: away from one text for all of an image's embeddings.
torch::Tensor KandinskyPrior::sample_rows(const std::vector<ImageRequest>& batch, int64_t rows,
                                          const DrawSettings& settings, const NoiseSource& noise,
                                          const Observer& observer) {
  const auto sampler = make_sampler(SamplerKind::unclip, scheduler_, settings.steps.prior);
  const bool is_on = is_guided(batch, &Guidance::prior);
  std::vector<std::string> away, texts;
  for (const ImageRequest& request : batch) {
    texts.push_back(request.prompt);
    if (rows == 2) texts.push_back(request.negative_prompt);
    away.insert(
        away.end(), static_cast<size_t>(rows),
        request.negative_prior_prompt.empty() ? request.negative_prompt : request.negative_prior_prompt);
  }
  if (is_on) texts.insert(texts.begin(), away.begin(), away.end());
  observer("text", 0, 1);
  const TextRows text = encode_texts(texts);
  finite(text.pooled, "text", target_);
  finite(text.sequence, "text", target_);
  observer("text", 1, 1);

  return sample_prior({prior_, *sampler, text, rows, settings.prior_candidates}, batch, noise, target_,
                      observer);
}

// Without a negative prompt the decoder is led away from what the vision tower sees in an image of zeros.
torch::Tensor KandinskyPrior::encoding_of_black() {
  return black_.get([&] {
    const int64_t side = image_encoder_.config().image_size;
    const torch::Tensor black = torch::zeros({1, 3, side, side}, target_.device);
    return finite(image_encoder_->forward(black)[0].to(torch::kFloat32), "image encoder", target_);
  });
}

}  // namespace unclip
