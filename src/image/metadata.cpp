// ImageMetadata ↔ JSON ↔ PNG text. The JSON block is the record; the `parameters` text repeats its main
// values for the viewers that know that form.
#include "image/metadata.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "support/json.h"
#include "support/json_text.h"
#include "support/sha256.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr const char* kBlock = "unclip";

// The byte order mark in the first line is part of the XMP standard. Not being ASCII, it also makes
// encode_png choose iTXt, as XMP demands.
constexpr const char* kSourceType =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
    " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
    "  <rdf:Description rdf:about=\"\" xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
    "   Iptc4xmpExt:DigitalSourceType="
    "\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\"/>\n"
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    "<?xpacket end=\"r\"?>";

// Values with a separator in them are quoted as JSON strings, the custom of this text form.
std::string quoted(const std::string& value) {
  const bool plain = value.find_first_of(",:\"\n") == std::string::npos;
  return plain ? value : json(value).dump(-1, ' ', false, json::error_handler_t::replace);
}

// A short name of all weights together; "Model hash" has ten digits by custom.
std::string model_hash(const ImageMetadata& metadata) {
  std::string all;
  for (const auto& [component, fingerprint] : metadata.fingerprints) {
    all += component + '=' + fingerprint + '\n';
  }
  return sha256_hex(all).substr(0, 10);
}

std::string steps_key(const char* stage) { return std::string(stage) + "_steps"; }
std::string guidance_key(const char* stage) { return std::string(stage) + "_guidance"; }

// Strictly: nlohmann would cut a number that the field cannot hold, without a word.
template <typename Value>
void read(const json& from, const char* key, Value& value) {
  if (!from.contains(key)) return;
  const json& found = from.at(key);
  bool fits = true;
  if constexpr (std::is_integral_v<Value>)
    fits = found.is_number_unsigned()
               ? std::in_range<Value>(found.get<std::uint64_t>())
               : found.is_number_integer() && std::in_range<Value>(found.get<std::int64_t>());
  else if constexpr (std::is_floating_point_v<Value>)
    fits = found.is_number();
  if (!fits)
    throw std::out_of_range(fmt::format("{}: expected a number, found {}", key, excerpt(json_line(found))));
  found.get_to(value);
}

}  // namespace

nlohmann::ordered_json to_json(const ImageMetadata& m) {
  nlohmann::ordered_json all{{"prompt", m.prompt},
                             {"negative_prompt", m.negative_prompt},
                             {"seed", m.seed},
                             {"width", m.width},
                             {"height", m.height}};
  for (const auto& [name, stage] : stages<std::int64_t>()) all[steps_key(name)] = m.steps.*stage;
  for (const auto& [name, stage] : guided_stages<double>()) all[guidance_key(name)] = m.guidance.*stage;
  all["sampler"] = m.sampler;
  all["model"] = m.model;
  all["family"] = m.family;
  all["fingerprints"] = m.fingerprints;
  all["options"] = m.options;
  all["version"] = m.version;
  if (m.flagged) all["flagged"] = *m.flagged;
  return all;
}

ImageMetadata metadata_from_json(const json& from) {
  from.get_ref<const json::object_t&>();  // throws for anything but an object
  ImageMetadata m;
  read(from, "prompt", m.prompt);
  read(from, "negative_prompt", m.negative_prompt);
  read(from, "seed", m.seed);
  read(from, "width", m.width);
  read(from, "height", m.height);
  for (const auto& [name, stage] : stages<std::int64_t>())
    read(from, steps_key(name).c_str(), m.steps.*stage);
  for (const auto& [name, stage] : guided_stages<double>())
    read(from, guidance_key(name).c_str(), m.guidance.*stage);
  read(from, "sampler", m.sampler);
  read(from, "model", m.model);
  read(from, "family", m.family);
  read(from, "fingerprints", m.fingerprints);
  read(from, "options", m.options);
  read(from, "version", m.version);
  if (from.contains("flagged")) m.flagged = from.at("flagged").get<bool>();
  return m;
}

std::string parameters_text(const ImageMetadata& m) {
  std::string text = m.prompt + '\n';
  if (!m.negative_prompt.empty()) {
    text += "Negative prompt: " + m.negative_prompt + '\n';
  }
  text += fmt::format(
      "Steps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}, Model hash: {}, Model: {}, "
      "Prior steps: {}, Prior CFG scale: {}, Upsampler steps: {}, Version: unclip {}",
      m.steps.decoder, quoted(m.sampler), m.guidance.decoder, m.seed, m.width, m.height, model_hash(m),
      quoted(m.model), m.steps.prior, m.guidance.prior, m.steps.upsampler, m.version);
  std::replace(text.begin(), text.end(), '\0', ' ');  // NUL ends a PNG text; the JSON block keeps it
  return text;
}

PngText to_png_text(const ImageMetadata& metadata) {
  PngText text = {{"parameters", parameters_text(metadata)},
                  {kBlock, to_json(metadata).dump(-1, ' ', true, json::error_handler_t::replace)}};
  text.push_back(source_type_text().front());
  return text;
}

PngText source_type_text() { return {{"XML:com.adobe.xmp", kSourceType}}; }

std::optional<ImageMetadata> from_png(const std::filesystem::path& path) {
  for (const PngTextChunk& entry : read_png_text(path)) {
    if (entry.keyword == kBlock) {
      try {
        return metadata_from_json(parse_json(entry.text));
      } catch (const std::exception& problem) {
        throw Error(
            ExitCode::io,
            fmt::format("{}: the unclip metadata is corrupt: {}", path.string(), excerpt(problem.what())),
            "create or copy the file again");
      }
    }
  }
  return std::nullopt;
}

std::vector<std::string> changed_weights(const ImageMetadata& before, const ImageMetadata& now) {
  std::vector<std::string> changed;
  for (const auto& [component, fingerprint] : now.fingerprints) {
    const auto old = before.fingerprints.find(component);
    if (old == before.fingerprints.end() || old->second != fingerprint) changed.push_back(component);
  }
  return changed;
}

}  // namespace unclip
