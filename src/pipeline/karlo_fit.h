// Whether the parts of a Karlo model fit each other, told from their configs before any weight is read or
// trained.
#pragma once

#include <functional>

#include "checkpoint/model_folder.h"
#include "tokenizer/tokenizer.h"

namespace unclip {

// Throws Error(model), naming both files, for a component of another class, widths that differ between a
// component and the next one, and image sizes that the UNets cannot halve often enough.
void check_karlo(const ModelFolder& folder, const Tokenizer& tokenizer);

// The same of the sizes alone: `config` gives a component's config by name, `tokens` is what errors call the
// tokenizer.
void check_karlo_sizes(const std::function<Config(const std::string&)>& config, const Tokenizer& tokenizer,
                       const std::string& tokens, bool has_prior = true);

}  // namespace unclip
