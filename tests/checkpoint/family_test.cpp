// Families from components: the goldens' folders under any name, whatever class their index claims.
#include "checkpoint/family.h"

#include <gtest/gtest.h>

namespace unclip {
namespace {

TEST(Family, IsToldByTheComponents) {
  const std::filesystem::path data = UNCLIP_TEST_DATA;
  for (const auto& [folder, expected] :
       {std::pair{"karlo-tiny", "Karlo (text to image)"},
        {"kandinsky/2.1-prior", "Kandinsky 2 prior"},
        {"kandinsky/2.2-prior", "Kandinsky 2 prior"},
        {"kandinsky/2.1", "Kandinsky 2.1 decoder (text to image, image to image)"},
        {"kandinsky/2.1-inpaint", "Kandinsky 2.1 decoder (inpainting)"},
        {"kandinsky/2.2", "Kandinsky 2.2 decoder (text to image, image to image)"},
        {"kandinsky/2.2-inpaint", "Kandinsky 2.2 decoder (inpainting)"},
        {"kandinsky/2.2-controlnet", "Kandinsky 2.2 decoder (depth map to image)"},
        {"stable-diffusion/1", "Stable Diffusion 1 (text to image, image to image)"},
        {"stable-diffusion/1-inpaint", "Stable Diffusion 1 (inpainting)"},
        {"stable-diffusion/2", "Stable Diffusion 2 (text to image, image to image)"},
        {"stable-unclip/text", "Stable Diffusion unCLIP (text to image)"},
        {"stable-unclip/image", "Stable Diffusion unCLIP (image variations)"}})
    EXPECT_EQ(describe_family(ModelFolder::open(data / folder)), expected) << folder;
  const ModelFolder pair =
      ModelFolder::open(data / "kandinsky/2.2").with_prior(ModelFolder::open(data / "kandinsky/2.2-prior"));
  EXPECT_EQ(describe_family(pair), "Kandinsky 2.2 (text to image, image to image)");
}

}  // namespace
}  // namespace unclip
