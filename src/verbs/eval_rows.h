// The lines of `unclip eval`'s table: prompts, images as they want them, and who judges the model's.
#pragma once

#include <functional>
#include <memory>

#include "train/scene_judge.h"
#include "unclip/image.h"
#include "verbs/eval.h"

namespace unclip {

class PromptList {
 public:
  virtual ~PromptList() = default;
  virtual size_t size() const = 0;
  virtual std::string text(size_t prompt) const = 0;

  // An image as the prompt wants it, `side` pixels a side; where many are possible, another for each `seed`.
  virtual Image drawn(size_t prompt, uint64_t seed, int side) const = 0;
};

class EvalRow : public PromptList {
 public:
  virtual Row row() const = 0;
  virtual std::optional<bool> held_out() const { return {}; }  // none: the row has no such pairs

  // Looks at an image once; the answer tells whether it shows what a prompt of the row asks for.
  virtual std::function<bool(size_t prompt)> look_at(const Image& image) const = 0;
};

// The judge of scenes; null where the options ask for nothing that needs it. Throws Error(model), and
// Error(usage) where they name one all the same.
std::shared_ptr<SceneJudge> open_judge(const EvalOptions& options);

// The rows that the options ask for, in the order of Row, at least one. Throws Error(usage).
std::vector<std::unique_ptr<EvalRow>> make_rows(const EvalOptions& options,
                                                const std::shared_ptr<SceneJudge>& judge);

// Scenes of all families in style flat, from number `first` of those that no training reaches; the prompts
// are their captions.
std::unique_ptr<PromptList> captioned_scenes(uint64_t seed, uint64_t first, int count);

}  // namespace unclip
