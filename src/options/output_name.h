// Names of the image files: from -o (a file, a folder or a template) and what is known of each image.
//
//   cat.png                             one image, or cat.png, cat-1.png, cat-2.png … for several
//   out/  or an existing folder         out/{slug}-{seed}.png
//   out/{index:05}-{seed}-{slug}.png    a template; {{ and }} stand for the braces themselves
//
// Fields: {index} of the job in the whole prompt file and {n} of the image in its job, both from 0; {seed}
// of the image; {slug} and {prompt_hash} of the prompt. {FIELD:0W} pads a number with zeros to W digits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace unclip {

struct NameFields {
  std::uint64_t index = 0;
  std::uint64_t seed = 0;
  std::uint64_t n = 0;
  std::string_view prompt;  // UTF-8
};

// The value of -o, parsed.
class OutputTemplate {
 public:
  // `output`: empty for {slug}-{seed}.png in the current folder. Throws Error(usage) with the template and
  // column for an unknown field, a bad width or a lone brace, and for a name without `.png`.
  explicit OutputTemplate(const std::string& output);

  std::string render(const NameFields& fields) const;

  // True where a name alone tells its index: {index} comes before all other fields and ends before a literal.
  bool tells_index() const;

  // What all names begin with, up to the last '/': the folder of the whole run.
  std::filesystem::path folder() const;

 private:
  enum class Field { literal, index, seed, slug, prompt_hash, n };
  struct Piece {
    Field field = Field::literal;
    std::string text;  // of a literal
    int width = 0;     // of a number: at least so many digits
  };
  friend class TemplateParser;

  static std::string render(const Piece& piece, const NameFields& fields);

  std::vector<Piece> pieces_;
};

// Absolute, without detours: the same for every way to write a path.
std::string spelled_out(const std::filesystem::path& path);

// Gives each image of a run its path. Keeps 64 bits of every name that it gave.
class OutputNames {
 public:
  // `one_output`: all images have the same `output`. Where its names tell their index, those of other jobs
  // need not be kept then.
  explicit OutputNames(bool one_output = false) : one_output_(one_output) {}

  // `output`: the value of -o. A name that this object gave before gets -1, -2 … before the extension; so ask
  // for every image of the run in order, also for those of other shards and those that are skipped.
  std::filesystem::path next(const std::string& output, const NameFields& fields);

 private:
  const bool one_output_;
  std::optional<std::pair<std::string, OutputTemplate>> last_;  // -o and what it means
  std::unordered_set<std::uint64_t> given_;                     // hashes of names
  std::uint64_t index_ = 0;                                     // of the last image
};

// 1–60 of a-z, 0-9 and single hyphens, none at either end: the prompt in Latin letters (ICU), "image" where
// nothing is left of it. Never a path, whatever the prompt.
std::string slug(std::string_view prompt);

}  // namespace unclip
