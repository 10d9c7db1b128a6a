// Color conversion (see the header). Profiles come from strangers: their memory is limited.
#include "image/color_profile.h"

#include <lcms2_plugin.h>

#include <cstdlib>

namespace unclip {
namespace {

constexpr std::size_t kMostProfileBytes = 4U << 20;
constexpr cmsUInt32Number kMostMemory = 64U
                                        << 20;  // of one block; tables of real profiles have 14 MB at most

void* allocate(cmsContext, cmsUInt32Number size) { return size > kMostMemory ? nullptr : std::malloc(size); }

void* reallocate(cmsContext, void* block, cmsUInt32Number size) {
  return size > kMostMemory ? nullptr : std::realloc(block, size);
}

void release(cmsContext, void* block) { std::free(block); }

cmsContext create_context() {
  cmsPluginMemHandler memory{};
  memory.base.Magic = cmsPluginMagicNumber;
  memory.base.ExpectedVersion = 2000;
  memory.base.Type = cmsPluginMemHandlerSig;
  memory.MallocPtr = allocate;
  memory.ReallocPtr = reallocate;
  memory.FreePtr = release;
  return cmsCreateContext(&memory, nullptr);
}

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

}  // namespace

ToSrgb::ToSrgb(std::string_view profile, cmsUInt32Number from, cmsUInt32Number to) {
  if (profile.empty() || profile.size() > kMostProfileBytes) return;
  context_.reset(create_context());
  const Profile source(
      cmsOpenProfileFromMemTHR(context_.get(), profile.data(), static_cast<cmsUInt32Number>(profile.size())));
  const Profile srgb(cmsCreate_sRGBProfileTHR(context_.get()));
  if (source && srgb)
    transform_.reset(
        cmsCreateTransformTHR(context_.get(), source.get(), from, srgb.get(), to, INTENT_PERCEPTUAL, 0));
}

void ToSrgb::convert(const std::uint8_t* from, std::uint8_t* to, std::size_t pixels) const {
  cmsDoTransform(transform_.get(), from, to, static_cast<cmsUInt32Number>(pixels));
}

void convert_to_srgb(Image& image, std::string_view profile, bool is_gray) {
  const auto channels = static_cast<cmsUInt32Number>(image.channels);
  const cmsUInt32Number rgb = COLORSPACE_SH(PT_RGB) | CHANNELS_SH(3) | EXTRA_SH(channels - 3) | BYTES_SH(1);
  const cmsUInt32Number gray = COLORSPACE_SH(PT_GRAY) | CHANNELS_SH(1) | EXTRA_SH(channels - 1) | BYTES_SH(1);
  const ToSrgb to_srgb(profile, is_gray ? gray : rgb, rgb);
  if (!to_srgb) return;
  to_srgb.convert(image.pixels.data(), image.pixels.data(), image.pixels.size() / channels);
}

}  // namespace unclip
