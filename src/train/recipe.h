// The one file that says how a model is made: its nets (in the layout of the reference's config.json, so that
// export is a copy), its images, and how each stage is trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenes/scene.h"

namespace unclip {

// What noise a stage learns most from.
struct Emphasis {
  double snr_weight_min = 1;  // of the x0 loss: the signal-to-noise ratio, clamped to these
  double snr_weight_max = 1;  // (arXiv 2303.09556; 2202.00512, section 4)
  double timestep_shift = 1;  // above 1, more of the noisy timesteps are drawn (arXiv:2403.03206, eq. 23)
};

// A stretch of a stage with settings of its own: low resolution or layout first, captions or edges later.
struct Phase {
  int64_t steps = 0;               // optimizer steps
  int64_t batch = 0;               // images a step
  int64_t size = 0;                // pixels a side that the net is trained at; 0: the stage's own
  double learning_rate = 0;        // at the end of the warm-up
  double final_learning_rate = 0;  // at the end of the cosine
  int64_t warmup = 0;              // steps
  bool captions = true;            // false: unsupervised, from image embeddings alone
  SceneOptions scenes = {};        // "data" of the phase, else of the recipe
  // What a phase does not name of these is as the stage says:
  Emphasis emphasis = {};
  bool muon = false;               // in place of AdamW for the hidden layers' matrices (train/muon.h)
  bool train_towers = false;       // decoder: trains text and vision tower along
  double embedding_dropout = 0.1;  // decoder

  int64_t size_or(int64_t of_stage) const { return size ? size : of_stage; }  // pixels a side
};

// How one stage is trained.
struct StageRecipe {
  std::vector<Phase> phases;
  int64_t micro_batches = 1;  // parts that a batch is computed in, as many at a time as there are threads
  double weight_decay = 0.01, beta1 = 0.9, beta2 = 0.99;
  double clip_norm = 1;          // of the gradient
  double ema = 0.999;            // decay a step
  double vlb_weight = 0;         // λ of the hybrid loss; 0: the variance is fixed
  double caption_dropout = 0.5;  // prior 0.1
  double embedding_noise = 0;    // clip, decoder: σ in deviations of the embedding
  int64_t stored_examples = 0;   // prior: so many are drawn and encoded once, and used again; 0: always new
  int64_t noise_draws = 1;       // prior: draws of noise and timestep an example
  bool train_image_encoder = true;       // with train_towers; false: the text tower learns its space
  double contrastive_weight = 0.05;      // of their contrastive loss
  double reconstruction_weight = 0;      // clip: of the error of the image drawn from its embedding
  bool train_through_embedding = false;  // decoder: its own loss trains the image encoder too
  double blur = 0.6;                     // upsampler: largest σ in pixels
  double noise = 0.05;                   // upsampler, judge: largest σ in units of −1 … 1
  int64_t crops = 1;                     // upsampler: crops an image

  int64_t steps() const;                             // of all phases
  bool any(bool Phase::*setting) const;              // whether a phase has it
  int64_t images_of_part(const Phase& phase) const;  // that a micro-batch is made of
  // The phase of a step, and how many steps of it were taken before.
  struct At {
    size_t phase;
    int64_t step;
  };
  At at(int64_t step) const;
  double learning_rate(int64_t step) const;  // warm-up, then half a cosine, in each phase anew
};

struct TokenizerRecipe {
  int vocab_size = 1900;          // pieces at most; T5's class adds 100 more ids
  int64_t model_max_length = 32;  // tokens, the end token included
  int64_t captions = 100'000;     // to learn from
};

struct Recipe {
  uint64_t seed = 0;
  SceneOptions scenes;
  TokenizerRecipe tokenizer;
  std::map<std::string, nlohmann::json> components;  // folder name → its config.json or scheduler_config.json
  std::map<std::string, StageRecipe> stages;         // clip, prior, decoder, upsampler, judge
  nlohmann::json generation =
      nlohmann::json::object();  // what the model will recommend (pipeline/pipeline.h)
  nlohmann::json values;         // as written
  std::string data_digest = {};  // of the list of the user's images; empty: the scenes

  // Throws Error(usage) naming the file and the key that is missing, unknown or unfit.
  static Recipe read(const std::filesystem::path& file);
  static Recipe from(const nlohmann::json& values, const std::string& origin);

  const StageRecipe& stage(const std::string& name) const;         // throws Error(usage)
  const nlohmann::json& component(const std::string& name) const;  // throws Error(usage)
};

}  // namespace unclip
