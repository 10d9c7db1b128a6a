// Runs several GETs at once, each with its redirects and repetitions.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "hub/http_get.h"

namespace unclip {

// At most `at_once` at the same time. `tick` is called at least ten times a second, also while all wait; what
// it throws ends the run, as does the first GET that cannot be done.
void run_all(const std::vector<std::unique_ptr<HttpGet>>& gets, std::size_t at_once,
             const std::function<void()>& tick);

}  // namespace unclip
