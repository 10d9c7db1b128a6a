// Entries of the option table (see the header).
#include "options/manipulation_options.h"

#include "options/option_kind.h"

namespace unclip {

using Scope = Option::Scope;
using namespace option_kind;

std::vector<Option> manipulation_options() {
  const auto text_of = [](std::string names, std::string help) {
    return Option{{.names = std::move(names), .help = std::move(help)}, Scope::image, kRecorded};
  };
  return {
      of({Task::variations, Task::edit, Task::textdiff, Task::reconstruct},
         file(text_of("image", "Image to start from: PNG, JPEG or WebP"), &ImageOptions::image)),
      of({Task::interpolate}, end(text_of("source", "Where to start"), &ImageOptions::source)),
      of({Task::interpolate}, end(text_of("target", "Where to go"), &ImageOptions::target)),
      of({Task::interpolate}, without_flag(number<double>(
                                  text_of("position", "Place between source (0) and target (1)"),
                                  [](auto& o) -> auto& { return o.position; }, 0, 1))),
      of({Task::textdiff}, text(text_of("from-text", "What the image shows"), &ImageOptions::from_text)),
      of({Task::textdiff}, text(text_of("to-text", "What it should show"), &ImageOptions::to_text)),
      of({Task::textdiff},
         without_flag(number<double>(
             text_of("theta", "How far to turn towards the difference of the texts, from 0 to 1"),
             [](auto& o) -> auto& { return o.theta; }, 0, 1))),
      of({Task::variations},
         number<double>(
             {{.names = "--eta",
               .value_name = "SHARE",
               .help = "Start from the image's own noise and add this much, from 0 (rebuild the image) "
                       "to 1 (far from it)",
               .example = "--eta 0.5",
               .fallback = "new noise",
               .group = group::sampling},
              Scope::batch,
              kRecorded},
             [](auto& o) -> auto& { return o.eta; }, 0, 1)),
      of({Task::interpolate}, flag({{.names = "--interpolate-noise",
                                     .help = "Interpolate between the noise of two images, too, so that the "
                                             "first and the last frame are the images themselves",
                                     .example = "--interpolate-noise",
                                     .fallback = "noise of the seed for all frames",
                                     .group = group::sampling},
                                    Scope::batch,
                                    kRecorded},
                                   &ImageOptions::interpolate_noise)),
      of({Task::reconstruct},
         number<int>(
             {{.names = "--components",
               .value_name = "N",
               .help = "Rebuild the image from this many principal components of its embedding",
               .example = "--components 20",
               .fallback = "the whole embedding",
               .group = group::sampling},
              Scope::image,
              kRecorded},
             [](auto& o) -> auto& { return o.components; }, 1, 65536)),
      of({Task::edit}, margins({{.names = "--outpaint",
                                 .value_name = "L,T,R,B",
                                 .help = "Pixels to add to the left, top, right and bottom of the image",
                                 .example = "--outpaint 64,0,64,0",
                                 .fallback = "none",
                                 .group = group::input},
                                Scope::image,
                                kRecorded})),
      of({Task::edit}, number<int>(
                           {{.names = "--feather",
                             .value_name = "PIXELS",
                             .help = "Fade the repainted part in over this distance within the mask",
                             .example = "--feather 8",
                             .fallback = "0",
                             .group = group::input},
                            Scope::image,
                            kRecorded},
                           [](auto& o) -> auto& { return o.feather; }, 0, 1024)),
  };
}

}  // namespace unclip
