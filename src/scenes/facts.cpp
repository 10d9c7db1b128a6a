// The facts of all families and how captions are read (see the header).
#include "scenes/facts.h"

#include <algorithm>
#include <sstream>

#include "character.h"
#include "landscape.h"

namespace unclip {
namespace {

struct Phrase {
  std::string words;  // between two spaces
  size_t fact = 0;    // of the family's facts
};

// The longest first: "mountains with snow" before "snow".
std::vector<Phrase> phrases_of(Family family) {
  std::vector<Phrase> phrases;
  const std::vector<NamedFact>& facts = facts_of(family);
  for (size_t i = 0; i < facts.size(); ++i)
    for (const std::string& words : facts[i].words) phrases.push_back({" " + words + " ", i});
  std::ranges::stable_sort(phrases, std::ranges::greater(), [](const Phrase& p) { return p.words.size(); });
  return phrases;
}

const std::vector<Phrase>& phrases(Family family) {
  static const std::array all{phrases_of(Family::shapes), phrases_of(Family::landscapes),
                              phrases_of(Family::items), phrases_of(Family::characters)};
  return all[static_cast<size_t>(family)];
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// "A house, the sea." → " house sea "
std::string plain_words(std::string caption) {
  std::ranges::transform(caption, caption.begin(), [](char c) {
    return std::string_view(",.:").find(c) == std::string_view::npos ? lower(c) : ' ';
  });
  std::istringstream words(caption);
  std::string plain = " ";
  for (std::string word; words >> word;)
    if (word != "a" && word != "an" && word != "the") plain += word + " ";
  return plain;
}

}  // namespace

const std::vector<NamedFact>& facts_of(Family family) {
  static const std::array<std::vector<NamedFact>, family_count> all{
      std::vector<NamedFact>(), landscape_facts(), item_facts(), character_facts()};
  return all[static_cast<size_t>(family)];
}

std::vector<std::string> named_facts(Family family, const std::string& caption) {
  std::string text = plain_words(caption);
  const std::vector<NamedFact>& facts = facts_of(family);
  std::vector<bool> named(facts.size());
  for (const Phrase& phrase : phrases(family)) {
    for (size_t at = text.find(phrase.words); at != std::string::npos; at = text.find(phrase.words)) {
      named[phrase.fact] = true;
      text.replace(at, phrase.words.size(), " | ");
    }
  }
  std::vector<std::string> found;
  for (size_t i = 0; i < facts.size(); ++i)
    if (named[i]) found.push_back(facts[i].fact);
  return found;
}

std::vector<ScenePrompt> scene_prompts(Family family, int n, uint64_t seed) {
  const SceneOptions source{.seed = seed,
                            .size = 1,  // the captions are enough
                            .families = only(family),
                            .styles = only(Style::flat),
                            .uncaptioned = 0};
  std::vector<ScenePrompt> prompts;
  for (uint64_t index = beyond_training; static_cast<int>(prompts.size()) < n; ++index) {
    ScenePrompt prompt{draw_scene(source, index).caption, {}, source, index};
    prompt.wanted = named_facts(family, prompt.text);
    if (!prompt.wanted.empty()) prompts.push_back(std::move(prompt));
  }
  return prompts;
}

}  // namespace unclip
