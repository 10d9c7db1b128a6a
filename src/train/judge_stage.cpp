// Stage judge: learns which facts show in a scene, each a yes or no of its own, and in the end looks at
// scenes that it never saw.
#include <spdlog/spdlog.h>

#include "scenes/facts.h"
#include "train/clip_towers.h"
#include "train/scene_judge.h"

namespace unclip {
namespace {

constexpr int kHeldOutScenes = 1000;  // a family
constexpr double kReliable = 0.98;    // share of its scenes in which a fact should be seen

// How often a fact was asked for, and how often seen then.
struct Recall {
  int asked = 0, seen = 0;
  double share() const { return static_cast<double>(seen) / asked; }
};

class JudgeStage final : public Stage {
 public:
  explicit JudgeStage(const TrainContext& context)
      : JudgeStage(context, Config(context.recipe.component("judge"), "components.judge")) {}

  std::string name() const override { return "judge"; }
  std::vector<TrainedNet> nets() const override { return {{{"judge"}, net_.ptr()}}; }
  int image_size(const Phase&) const override { return static_cast<int>(net_->config.image_size); }
  bool wants_text() const override { return false; }

  torch::Tensor loss(const Batch& batch, const Phase&, const at::Generator& chance) override {
    const torch::Tensor images = to_unit_range(batch.images, target_);
    // Drawn images are cleaner than those of any model.
    const auto draw = torch::dtype(torch::kFloat32).device(images.device());
    const torch::Tensor strength = at::rand({images.size(0), 1, 1, 1}, chance, draw) * recipe_.noise;
    const torch::Tensor noisy = images + strength * at::randn(images.sizes(), chance, draw);
    const torch::Tensor log_odds = net_(normalize_for_clip(noisy)).to(torch::kFloat32);  // [B,F]
    return at::binary_cross_entropy_with_logits(log_odds, hand_over(truth(batch), target_.device));
  }

  void finish(std::map<std::string, torch::Tensor>&) override {
    SceneJudge judge(net_, facts_);
    for (const Family family : {Family::landscapes, Family::items, Family::characters})
      if (recipe_.phases.back().scenes.families[static_cast<size_t>(family)] > 0) report(judge, family);
  }

 private:
  JudgeStage(const TrainContext& context, const Config& config)
      : recipe_(context.recipe.stage("judge")),
        target_(context.target),
        seed_(context.recipe.seed),
        facts_(judged_facts(config)),
        net_(CLIPVisionConfig::from(config)) {
    initialize(*net_);
  }

  // 1 where the fact shows in the image, float32 [B,F].
  torch::Tensor truth(const Batch& batch) const {
    torch::Tensor truth = torch::zeros({batch.images.size(0), static_cast<int64_t>(facts_.size())});
    for (size_t image = 0; image < batch.facts.size(); ++image)
      for (const std::string& fact : batch.facts[image])
        if (const auto it = std::ranges::find(facts_, fact); it != facts_.end())
          truth[static_cast<int64_t>(image)][it - facts_.begin()] = 1;
    return truth;
  }

  // Scenes that no training reaches: of how many are all facts seen that the caption names?
  void report(SceneJudge& judge, Family family) const {
    const std::vector<ScenePrompt> prompts = scene_prompts(family, kHeldOutScenes, seed_);
    const std::vector<std::set<std::string>> seen = judge.seen(drawn(prompts));
    int right = 0;
    std::map<std::string, Recall> recalls;
    for (size_t i = 0; i < prompts.size(); ++i) {
      right += judge.holds(seen[i], prompts[i].wanted);
      for (const std::string& fact : prompts[i].wanted) {
        if (std::ranges::find(facts_, fact) == facts_.end()) continue;
        ++recalls[fact].asked;
        recalls[fact].seen += seen[i].contains(fact);
      }
    }
    spdlog::info("judge: {}: all named facts seen in {:.3f} of {} scenes that are held out",
                 unclip::name(family), right / static_cast<double>(kHeldOutScenes), kHeldOutScenes);
    for (const auto& [fact, recall] : recalls)
      if (recall.share() < kReliable)
        spdlog::info("judge: {}: {} seen in {:.3f} of {}", unclip::name(family), fact, recall.share(),
                     recall.asked);
  }

  torch::Tensor drawn(const std::vector<ScenePrompt>& prompts) const {
    const auto side = static_cast<int>(net_->config.image_size);
    std::vector<Image> images;
    for (const ScenePrompt& prompt : prompts) images.push_back(draw_image(prompt.source, prompt.index, side));
    return stacked(images);
  }

  const StageRecipe& recipe_;
  DeviceAndDtype target_;
  uint64_t seed_;
  std::vector<std::string> facts_;
  CLIPVisionModelWithProjection net_;
};

}  // namespace

std::unique_ptr<Stage> make_judge_stage(const TrainContext& context) {
  return std::make_unique<JudgeStage>(context);
}

}  // namespace unclip
