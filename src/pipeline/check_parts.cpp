// Whether the components of a folder belong together.
#include "pipeline/check_parts.h"

#include "checkpoint/family.h"
#include "kandinsky_fit.h"
#include "pipeline/karlo_fit.h"
#include "stable_diffusion_fit.h"
#include "stable_unclip_fit.h"

namespace unclip {
namespace {

std::unique_ptr<Tokenizer> tokenizer_in(const ModelFolder& folder, const std::string& name) {
  return Tokenizer::open(folder.require(name).folder);
}

void check_kandinsky_half(const ModelFolder& folder) {
  check_kandinsky_decoder(folder);
  if (folder.has("text_encoder")) check_kandinsky_text(folder, *tokenizer_in(folder, "tokenizer"));
}

void check_stable_diffusion(const ModelFolder& folder) {
  check_stable_diffusion_decoder(folder);
  check_stable_diffusion_text(folder, *tokenizer_in(folder, "tokenizer"));
}

}  // namespace

void check_parts(const ModelFolder& folder) {
  switch (family_of(folder)) {
    case ModelFamily::karlo:
      return check_karlo(folder, *tokenizer_in(folder, "tokenizer"));
    case ModelFamily::kandinsky:
      check_kandinsky_half(folder);
      check_kandinsky_prior(folder, "prior_", *tokenizer_in(folder, "prior_tokenizer"));
      return check_kandinsky_pair(folder, "prior_");
    case ModelFamily::kandinsky_decoder:
      return check_kandinsky_half(folder);
    case ModelFamily::kandinsky_prior:
      return check_kandinsky_prior(folder, "", *tokenizer_in(folder, "tokenizer"));
    case ModelFamily::stable_diffusion:
      return check_stable_diffusion(folder);
    case ModelFamily::stable_unclip:
      check_stable_diffusion(folder);
      check_stable_unclip(folder);
      if (folder.has("prior") || folder.has("prior_prior")) {
        const auto names = StableUnclipPriorNames::in(folder);
        check_stable_unclip_prior(folder, names, *tokenizer_in(folder, names.tokenizer));
      }
      return;
    case ModelFamily::unknown:
      return;
  }
}

}  // namespace unclip
