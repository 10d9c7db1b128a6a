// The threads that compute beside the calling one (OpenMP's team).
#pragma once

namespace unclip {

// Ends them; the next operation begins new ones. For a thread that has prepared what another will compute
// with: while all teams together have more threads than the processor, libgomp's threads sleep as soon as
// they wait, and small operations spend more time on waking them than on numbers.
void dismiss_team();

}  // namespace unclip
