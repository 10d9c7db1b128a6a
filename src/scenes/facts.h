// What can be said of an image of a family: its facts, as "river", "golden", "holds a key". A drawing lists
// those that show in it, a caption names some of them: what the judge of scenes (train/scene_judge.h) is
// taught and asked.
#pragma once

#include <string>
#include <vector>

#include "scenes/scene.h"

namespace unclip {

// A fact, and the words by which captions name it: lower case, without articles.
struct NamedFact {
  std::string fact;
  std::vector<std::string> words;
};

// All facts of a family, in a fixed order. None of Shapes, whose judge sees pixels (scenes/judge.h).
const std::vector<NamedFact>& facts_of(Family family);

// Those that a caption of the family names, in that order, whichever way it is written.
std::vector<std::string> named_facts(Family family, const std::string& caption);

// A family's caption in style flat and the scene it was written for.
struct ScenePrompt {
  std::string text;
  std::vector<std::string> wanted;  // the facts that the caption names; at least one
  SceneOptions source;              // draw_scene(source, index) shows them
  uint64_t index = 0;
};

// `n` prompts. The same seed gives the same list; training reaches none of their scenes, whatever its seed.
std::vector<ScenePrompt> scene_prompts(Family family, int n, uint64_t seed);

}  // namespace unclip
