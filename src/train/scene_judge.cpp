// Asking the judge (see the header).
#include "train/scene_judge.h"

#include <torch/utils.h>

#include <algorithm>

#include "checkpoint/model_folder.h"
#include "scenes/facts.h"
#include "support/utf8.h"
#include "train/clip_towers.h"
#include "weights/load.h"

namespace unclip {
namespace {

bool is_fact(const std::string& label) {
  for (int family = 0; family < family_count; ++family)
    for (const NamedFact& known : facts_of(static_cast<Family>(family)))
      if (known.fact == label) return true;
  return false;
}

}  // namespace

std::vector<std::string> judged_facts(const Config& config) {
  const auto count = static_cast<size_t>(CLIPVisionConfig::from(config).projection_dim);
  const nlohmann::json& labels = config.contains("id2label") ? config.values().at("id2label") : nullptr;
  if (!labels.is_object() || labels.size() != count)
    throw Error(ExitCode::model,
                config.origin() + ": key \"id2label\" must name a fact for each of the " +
                    std::to_string(count) + " numbers of \"projection_dim\"",
                "a judge is a folder that `unclip train judge` wrote");
  std::vector<std::string> facts;
  for (size_t i = 0; i < count; ++i) {
    const nlohmann::json& label = labels.value(std::to_string(i), nlohmann::json());
    if (!label.is_string() || !is_fact(label))
      throw Error(ExitCode::model, config.origin() + ": id2label." + std::to_string(i) +
                                       ": expected a fact of the scenes, found " + excerpt(label.dump()));
    if (std::ranges::find(facts, label.get<std::string>()) != facts.end())
      throw Error(ExitCode::model, config.origin() + ": id2label." + std::to_string(i) + ": \"" +
                                       label.get<std::string>() + "\" is there already");
    facts.push_back(label);
  }
  return facts;
}

SceneJudge SceneJudge::open(const std::filesystem::path& folder) {
  const Component component{"judge", "transformers", "", folder};
  const Config config = component.config();
  std::vector<std::string> facts = judged_facts(config);
  CLIPVisionModelWithProjection net(CLIPVisionConfig::from(config));
  load_weights(*net, weight_files(component), {.dtype = torch::kFloat32});
  return {std::move(net), std::move(facts)};
}

SceneJudge::SceneJudge(CLIPVisionModelWithProjection net, std::vector<std::string> facts)
    : net_(std::move(net)), facts_(std::move(facts)) {}

std::vector<std::set<std::string>> SceneJudge::seen(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor likely = (net_(prepared(images)) > 0).cpu();  // [B,F]
  std::vector<std::set<std::string>> seen(static_cast<size_t>(likely.size(0)));
  const auto table = likely.accessor<bool, 2>();
  for (size_t image = 0; image < seen.size(); ++image)
    for (size_t fact = 0; fact < facts_.size(); ++fact)
      if (table[static_cast<int64_t>(image)][static_cast<int64_t>(fact)]) seen[image].insert(facts_[fact]);
  return seen;
}

bool SceneJudge::holds(const std::set<std::string>& seen, const std::vector<std::string>& wanted) const {
  return std::ranges::all_of(wanted, [&](const std::string& fact) {
    return seen.contains(fact) || std::ranges::find(facts_, fact) == facts_.end();
  });
}

torch::Tensor SceneJudge::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  return net_->CLIPVisionModelImpl::forward(prepared(images)).to(torch::kCPU, torch::kFloat32);
}

torch::Tensor SceneJudge::prepared(const torch::Tensor& images) {
  const int64_t size = net_->config.image_size;
  torch::Tensor x = to_unit_range(images, {net_->parameters().front().device(), torch::kFloat32});
  if (x.size(3) != size) x = at::_upsample_bilinear2d_aa(x, {size, size}, /*align_corners=*/false);
  return normalize_for_clip(x);
}

Image draw_image(SceneOptions source, uint64_t index, int side) {
  source.size = side;
  return {side, side, 3, draw_scene(source, index).rgb};
}

torch::Tensor stacked(std::span<const Image> images) {
  std::vector<torch::Tensor> all;
  for (const Image& image : images)
    all.push_back(torch::tensor(at::ArrayRef(image.pixels)).view({image.height, image.width, 3}));
  return at::stack(all).permute({0, 3, 1, 2});
}

}  // namespace unclip
