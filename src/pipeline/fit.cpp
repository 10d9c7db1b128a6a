// Whether the parts of a model fit each other.
#include "fit.h"

#include <algorithm>

namespace unclip {

void expect_same(const FitSize& found, const FitSize& expected) {
  if (found.value != expected.value)
    throw Error(ExitCode::model,
                found.where + " is " + std::to_string(found.value) + ", expected " +
                    std::to_string(expected.value) + " to match " + expected.where,
                "these components belong to different models; download or save the whole model again");
}

void expect_ids(const Tokenizer& tokenizer, const std::string& tokens, const FitSize& vocab_size) {
  if (tokenizer.largest_id() >= vocab_size.value)
    throw Error(ExitCode::model,
                tokens + ": has a token with id " + std::to_string(tokenizer.largest_id()) +
                    ", expected ids below " + std::to_string(vocab_size.value) + " to match " +
                    vocab_size.where,
                "these components belong to different models; download or save the whole model again");
}

void expect_class(const ModelFolder& folder, const std::string& name,
                  const std::vector<std::string>& classes) {
  const std::string& found = folder.require(name).class_name;
  if (std::ranges::find(classes, found) != classes.end()) return;
  std::string expected;
  for (const std::string& known : classes) expected += (expected.empty() ? "" : " or ") + known;
  throw Error(ExitCode::model,
              (folder.path() / "model_index.json").string() + ": component \"" + name + "\" has the class " +
                  found + ", expected " + expected,
              "this class is not supported here; run: unclip inspect " + folder.path().string());
}

}  // namespace unclip
