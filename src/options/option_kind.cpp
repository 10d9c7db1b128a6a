// Fields of ImageOptions as text and JSON (see the header).
#include "options/option_kind.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>

#include "options/model_use.h"
#include "options/output_name.h"
#include "options/task.h"
#include "support/json_text.h"
#include "support/lower_case.h"
#include "support/one_of.h"
#include "support/utf8.h"

namespace unclip::option_kind {
namespace {

using nlohmann::json;
using Kind = Option::Kind;

constexpr int kLargestSide = 8192;  // pixels

void require_some(const std::string& value) {
  if (value.empty()) throw std::invalid_argument("expected a text, found an empty one");
}

// By its ending, or since something else than a file is there: a mistyped path would be drawn as a text.
bool is_meant_as_file(const std::string& value) {
  const std::string ending = lower_case(std::filesystem::path(value).extension());
  std::error_code unusable;
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg" || ending == ".webp" ||
         (value.find('/') != std::string::npos &&
          std::filesystem::exists(std::filesystem::symlink_status(value, unusable)));
}

}  // namespace

Option of(std::vector<Task> tasks, Option entry) {
  entry.tasks = std::move(tasks);
  return entry;
}

Option without_flag(Option entry) {
  entry.is_flag = false;
  return entry;
}

Option text(Option entry, std::string ImageOptions::*field) {
  entry.kind = Kind::text;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    require_some(value);
    if (const auto byte = find_invalid_utf8(value))
      throw std::invalid_argument("expected UTF-8, found a byte that is none at place " +
                                  std::to_string(*byte + 1));
    options.*field = value;
  };
  entry.to_json = [field](const ImageOptions& options) {
    return (options.*field).empty() ? json() : json(options.*field);
  };
  return entry;
}

Option file(Option entry, std::string ImageOptions::*field) {
  entry.kind = Kind::file;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    require_some(value);
    options.*field = value;
  };
  entry.to_json = [field](const ImageOptions& options) {
    return (options.*field).empty() ? json() : path_json(options.*field);
  };
  return entry;
}

Option end(Option entry, std::string ImageOptions::*field) {
  entry = file(std::move(entry), field);  // a path may hold any bytes
  entry.kind = Kind::end;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    std::string end = value;
    std::error_code unusable;
    if (!value.starts_with(kTextEnd) && !value.starts_with(kImageEnd))
      end = (std::filesystem::is_regular_file(value, unusable) ? kImageEnd : kTextEnd) + value;
    if (end.size() > value.size() && !text_of_end(end).empty() && is_meant_as_file(value))
      throw std::invalid_argument("expected an image or a text, found " + excerpt(value) +
                                  ", which is no image file; for a text write " + kTextEnd + excerpt(value));
    const std::string text = text_of_end(end);
    require_some(text + image_of_end(end));
    if (find_invalid_utf8(text)) throw std::invalid_argument("expected UTF-8, found bytes that are none");
    options.*field = end;
  };
  return entry;
}

Option margins(Option entry) {
  entry.kind = Kind::text;
  entry.parse = [](ImageOptions& options, const std::string& value) {
    std::vector<int> sides;
    for (std::size_t at = 0; at <= value.size();) {
      const std::size_t comma = std::min(value.find(',', at), value.size());
      sides.push_back(parse_number(value.substr(at, comma - at), 0, kLargestSide));
      at = comma + 1;
    }
    if (sides.size() != 4)
      throw std::invalid_argument("expected left,top,right,bottom, found \"" + excerpt(value) + '"');
    options.outpaint = Margins{sides[0], sides[1], sides[2], sides[3]};
  };
  entry.to_json = [](const ImageOptions& options) {
    const auto& m = options.outpaint;
    return m ? json(fmt::format("{},{},{},{}", m->left, m->top, m->right, m->bottom)) : json();
  };
  return entry;
}

Option task(Option entry) {
  entry.kind = Kind::text;
  entry.parse = [](ImageOptions& options, const std::string& value) {
    const auto found = std::ranges::find(task_names(), value, &std::pair<std::string, Task>::first);
    if (found == task_names().end())
      throw std::invalid_argument("expected a task, found \"" + excerpt(value) + '"');
    options.task = found->second;
  };
  entry.to_json = [](const ImageOptions& options) {
    return options.task == Task::generate ? json() : json(name_of(options.task));
  };
  return entry;
}

Option output(Option entry) {
  entry = file(std::move(entry), &ImageOptions::output);
  entry.kind = Kind::text;
  entry.parse = [parse = entry.parse](ImageOptions& options, const std::string& value) {
    parse(options, value);
    const OutputTemplate parsed(value);
  };
  return entry;
}

Option sampler(Option entry) {
  entry.kind = Kind::text;
  std::vector<std::string> words;
  for (const SamplerNames& each : kSamplers)
    if (each.kind != SamplerKind::unclip) words.emplace_back(each.name);
  entry.value_name = fmt::format("{}", fmt::join(words, "|"));
  entry.parse = [words](ImageOptions& options, const std::string& value) {
    const auto found = find_sampler(value, &SamplerNames::name);
    if (!found || *found == SamplerKind::unclip)
      throw std::invalid_argument("expected " + one_of(words) + ", found \"" + excerpt(value) + "\"");
    options.sampler = found;
  };
  entry.to_json = [](const ImageOptions& options) {
    return options.sampler ? json(sampler_name(*options.sampler)) : json();
  };
  return entry;
}

Option safety_checker(Option entry) {
  static constexpr std::pair<const char*, SafetyCheck> kWords[] = {
      {"on", SafetyCheck::on}, {"off", SafetyCheck::off}, {"report", SafetyCheck::report}};
  entry.kind = Kind::text;
  entry.value_name = "on|off|report";
  entry.parse = [](ImageOptions& options, const std::string& value) {
    for (const auto& [word, meaning] : kWords)
      if (value == word) {
        options.safety_checker = meaning;
        return;
      }
    throw std::invalid_argument("expected on, off or report, found \"" + excerpt(value) + '"');
  };
  entry.to_json = [](const ImageOptions& options) {
    for (const auto& [word, meaning] : kWords)
      if (options.safety_checker == meaning) return json(word);
    return json();
  };
  return entry;
}

Option loras(Option entry) {
  constexpr double kLargestScale = 100;
  const auto read = [](const std::string& value) {
    require_some(value);
    std::error_code unusable;
    const std::size_t colon = value.rfind(':');
    if (colon == std::string::npos || std::filesystem::is_regular_file(value, unusable))
      return LoraFile{value, 1};
    require_some(value.substr(0, colon));
    return LoraFile{value.substr(0, colon),
                    parse_number(value.substr(colon + 1), -kLargestScale, kLargestScale)};
  };
  entry.kind = Kind::file;
  entry.parse = [read](ImageOptions& options, const std::string& value) { options.loras = {read(value)}; };
  entry.parse_another = [read](ImageOptions& options, const std::string& value) {
    options.loras.push_back(read(value));
  };
  entry.to_json = [](const ImageOptions& options) {
    json all;
    for (const LoraFile& lora : options.loras)
      all.push_back(path_json(lora.file + ":" + json(lora.scale).dump()));
    return all.size() == 1 ? all.front() : all;
  };
  entry.name_files = [](const ImageOptions& options) {
    std::vector<std::string> files;
    for (const LoraFile& lora : options.loras) files.push_back(lora.file);
    return files;
  };
  return entry;
}

Option size(Option entry) {
  entry.kind = Kind::text;
  entry.parse = [](ImageOptions& options, const std::string& value) {
    const auto [width, height] = parse_pair(value, kLargestSide, "width x height");
    options.size = ImageSize{width, height};
  };
  entry.to_json = [](const ImageOptions& options) {
    const auto& given = options.size;
    return given ? json(std::to_string(given->width) + "x" + std::to_string(given->height)) : json();
  };
  return entry;
}

Option flag(Option entry, bool ImageOptions::*field) {
  entry.kind = Kind::flag;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    if (value != "true" && value != "false")
      throw std::invalid_argument("expected true or false, found \"" + excerpt(value) + "\"");
    options.*field = value == "true";
  };
  entry.to_json = [field](const ImageOptions& options) { return options.*field ? json(true) : json(); };
  return entry;
}

}  // namespace unclip::option_kind
