// Images against those of the reference's pipelines.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <iostream>

#include "unclip/image.h"
#include "weights/load.h"

namespace unclip {

inline torch::Tensor pixels(const Image& image) {
  return torch::tensor(image.pixels).view({image.height, image.width, image.channels}).to(torch::kFloat64);
}

// Peak signal-to-noise ratio of 8-bit images, in dB.
inline double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const double mse = (a - b).square().mean().item<double>();
  return 20 * std::log10(255.0) - 10 * std::log10(std::max(mse, 1e-12));
}

// `expected` [1,H,W,3], uint8: at least 50 dB, and 99.9 % of all samples within 1/255.
inline void expect_image(const Image& image, const torch::Tensor& expected, const std::string& title) {
  const torch::Tensor wanted = expected[0].to(torch::kFloat64), found = pixels(image);
  ASSERT_EQ(found.sizes(), wanted.sizes()) << title;
  const torch::Tensor difference = (found - wanted).abs();
  const double close = (difference <= 1).to(torch::kFloat64).mean().item<double>();
  std::cout << title << ": " << psnr(found, wanted) << " dB, largest difference "
            << difference.max().item<double>() << "/255, within 1/255: " << 100 * close << " %\n";
  EXPECT_GE(psnr(found, wanted), 50) << title;
  EXPECT_GE(close, 0.999) << title;
}

}  // namespace unclip
