// Whether the components of a folder belong together.
#include "pipeline/check_parts.h"

#include "checkpoint/family.h"
#include "kandinsky_fit.h"
#include "stable_diffusion_fit.h"
#include "stable_unclip_fit.h"

namespace unclip {

void check_parts(const ModelFolder& folder) {
  switch (family_of(folder)) {
    case ModelFamily::kandinsky:
      return check_kandinsky_pair(folder, "prior_");
    case ModelFamily::stable_diffusion:
      return check_stable_diffusion_decoder(folder);
    case ModelFamily::stable_unclip:
      check_stable_diffusion_decoder(folder);
      return check_stable_unclip(folder);
    default:
      return;
  }
}

}  // namespace unclip
