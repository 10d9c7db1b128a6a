// Arithmetic on CLIP image embeddings (unCLIP section 3): where images are manipulated.
#pragma once

#include <filesystem>
#include <vector>

namespace unclip {

using Vector = std::vector<float>;  // an embedding [D]

// Spherical interpolation from a (0) to b (1); of nearly parallel vectors linear.
Vector slerp(const Vector& a, const Vector& b, double position);

// z turned by `theta` (0…1 of the way) towards the direction in which the texts differ (section 3.3, "text
// diffs").
Vector turn_along(const Vector& z, const Vector& from_text, const Vector& to_text, double theta);

double cosine(const Vector& a, const Vector& b);

// A model's principal components of image embeddings: a safetensors file with `mean` [D] and `components`
// [K,D], rows of length one, the strongest first.
class Components {
 public:
  // Where a model has them, if it ships any.
  static std::filesystem::path file_of(const std::filesystem::path& model);

  // Throws Error(usage) where the model ships none, Error(model) for a damaged file.
  static Components load(const std::filesystem::path& model);

  // z from its `count` strongest components alone (figure 7). Throws Error(usage) for more than there are.
  Vector project(const Vector& z, int count) const;

 private:
  Vector mean_;
  std::vector<Vector> rows_;
};

}  // namespace unclip
