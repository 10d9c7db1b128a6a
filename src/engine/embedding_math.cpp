// Vectors of CLIP's space (see the header).
#include "engine/embedding_math.h"

#include <torch/types.h>

#include <cmath>
#include <numeric>

#include "unclip/error.h"
#include "weights/load.h"

namespace unclip {
namespace {

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

Vector combine(double weight_a, const Vector& a, double weight_b, const Vector& b) {
  Vector sum(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    sum[i] = static_cast<float>(weight_a * a[i] + weight_b * b.at(i));
  return sum;
}

}  // namespace

double cosine(const Vector& a, const Vector& b) {
  const double length = std::sqrt(dot(a, a) * dot(b, b));
  return length > 0 ? dot(a, b) / length : 0;
}

Vector slerp(const Vector& a, const Vector& b, double position) {
  if (position <= 0) return a;
  if (position >= 1) return b;
  constexpr double kParallel = 0.9995;  // beyond it sin θ is too small to divide by
  const double cos_theta = cosine(a, b);
  if (std::abs(cos_theta) > kParallel) return combine(1 - position, a, position, b);
  const double theta = std::acos(cos_theta);
  return combine(std::sin((1 - position) * theta) / std::sin(theta), a,
                 std::sin(position * theta) / std::sin(theta), b);
}

Vector turn_along(const Vector& z, const Vector& from_text, const Vector& to_text, double theta) {
  const Vector difference = combine(1, to_text, -1, from_text);
  const double length = std::sqrt(dot(difference, difference));
  if (length == 0) return z;
  return slerp(z, combine(std::sqrt(dot(z, z)) / length, difference, 0, difference), theta);
}

std::filesystem::path Components::file_of(const std::filesystem::path& model) {
  return model / "image_encoder" / "components.safetensors";
}

Components Components::load(const std::filesystem::path& model) {
  const std::filesystem::path file = file_of(model);
  if (!std::filesystem::exists(file))
    throw Error(ExitCode::usage, "components: this model has no " + file.filename().string(),
                "leave them out, or use the shipped model", {.field = "components"});
  const auto tensors = read_tensors(file);
  const auto find = [&](const char* name, int64_t dimensions) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dim() != dimensions)
      throw Error(ExitCode::model,
                  file.string() + ": expected \"mean\" [D] and \"components\" [K,D], found no such " + name);
    return found->second.to(torch::kFloat32).contiguous();
  };
  const torch::Tensor mean = find("mean", 1), rows = find("components", 2);
  if (rows.size(1) != mean.size(0))
    throw Error(ExitCode::model, file.string() + ": expected components as wide as the mean");
  Components components;
  const auto* values = mean.data_ptr<float>();
  components.mean_.assign(values, values + mean.numel());
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const auto* row = rows.data_ptr<float>() + i * rows.size(1);
    components.rows_.emplace_back(row, row + rows.size(1));
  }
  return components;
}

Vector Components::project(const Vector& z, int count) const {
  if (static_cast<std::size_t>(count) > rows_.size() || z.size() != mean_.size())
    throw Error(ExitCode::usage,
                Cause{.field = "components",
                      .expected = "at most " + std::to_string(rows_.size()),
                      .found = std::to_string(count)},
                "choose fewer");
  const Vector centered = combine(1, z, -1, mean_);
  Vector sum = mean_;
  for (int i = 0; i < count; ++i) {
    const Vector& row = rows_[static_cast<std::size_t>(i)];
    sum = combine(1, sum, dot(centered, row), row);
  }
  return sum;
}

}  // namespace unclip
