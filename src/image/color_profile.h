// ICC profiles (ISO 15076) → sRGB by Little CMS: perceptual intent, as Pillow's ImageCms.profileToProfile.
#pragma once

#include <lcms2.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "unclip/image.h"

namespace unclip {

// From the colors of a profile to sRGB. False where the profile cannot be used: absent, damaged, larger than
// 4 MiB, or made for other colors than `from` holds.
class ToSrgb {
 public:
  // `from`, `to`: pixel layouts as Little CMS names them, e.g. TYPE_RGB_8.
  ToSrgb(std::string_view profile, cmsUInt32Number from, cmsUInt32Number to);

  explicit operator bool() const { return transform_ != nullptr; }

  // In place, too, where pixels of both layouts have the same size. What is no color, e.g. alpha, is not
  // written.
  void convert(const std::uint8_t* from, std::uint8_t* to, std::size_t pixels) const;

 private:
  template <auto destroy>
  struct Destroy {
    template <typename Handle>
    void operator()(Handle* handle) const {
      destroy(handle);
    }
  };

  std::unique_ptr<std::remove_pointer_t<cmsContext>, Destroy<cmsDeleteContext>> context_;
  std::unique_ptr<void, Destroy<cmsDeleteTransform>> transform_;
};

// RGB or RGBA in place; `is_gray`: the file held gray, and so must the profile. A profile that cannot be used
// changes nothing, as in browsers.
void convert_to_srgb(Image& image, std::string_view profile, bool is_gray);

}  // namespace unclip
