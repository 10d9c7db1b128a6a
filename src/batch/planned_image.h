// One image of a run, as planned before any is drawn.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "unclip/image_options.h"

namespace unclip {

struct PlannedImage {
  enum class Action {
    draw,
    skip,           // it is there
    refuse,         // the policy denies its prompt
    failed_before,  // and is not to be tried again
  };

  ImageOptions options;
  std::string where{};           // its prompt stands: "prompts.jsonl:12"
  uint64_t index = 0;            // of its job in the whole run
  uint64_t n = 0;                // of the image in its job
  uint64_t seed = 0;             // its own
  std::filesystem::path file{};  // where it goes
  std::string id{};              // in the manifest (image_id); empty without one
  std::string policy{};          // "allowed", or the rule that denies its prompt; empty: no policy
  Action action = Action::draw;

  bool denied() const { return !policy.empty() && policy != "allowed"; }
};

}  // namespace unclip
