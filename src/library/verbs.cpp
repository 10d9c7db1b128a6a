// The entry of libunclip_verbs.so.
#include "verbs/verbs.h"

namespace unclip {

extern "C" const Verbs* unclip_verbs() {
  static constexpr Verbs verbs{open_engine, make_embedding, embed, similar, eval, bench, inspect, train};
  return &verbs;
}

}  // namespace unclip
