// A copy of the tiny Karlo folder that a test may damage, and short runs on it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "temporary_folder.h"

namespace unclip::testing_program {

using nlohmann::json;

inline const std::string kTiny = UNCLIP_TEST_DATA "/karlo-tiny";

inline Arguments quick(Arguments arguments, const std::string& model = kTiny,
                       const std::string& dtype = "f32") {
  for (const char* more : {"--prior-steps", "2", "--decoder-steps", "2", "--upsampler-steps", "2", "--dtype",
                           dtype.c_str(), "--model"})
    arguments.emplace_back(more);
  arguments.push_back(model);
  arguments.insert(arguments.begin(), "generate");
  return arguments;
}

inline void edit_json(const fs::path& file, const std::function<void(json&)>& edit) {
  json value = json::parse(read_file(file));
  edit(value);
  std::ofstream(file) << value;
}

// A safetensors file in two halves: its header, and the bytes of its tensors.
struct Weights {
  json header;
  std::string data;

  explicit Weights(const fs::path& file) {
    const std::string bytes = read_file(file);
    uint64_t length = 0;
    memcpy(&length, bytes.data(), sizeof length);
    header = json::parse(bytes.substr(8, length));
    data = bytes.substr(8 + length);
  }
  void save(const fs::path& file) const {
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const uint64_t length = text.size();
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(&length), sizeof length)
        << text << data;
  }
};

class TinyModel : public testing::Test {
 protected:
  TinyModel() {
    fs::copy(kTiny, model, fs::copy_options::recursive);
    fs::create_directory(out);
  }

  fs::path config(const std::string& component) const { return model / component / "config.json"; }
  fs::path weights(const std::string& component) const {
    return model / component /
           (component == "text_encoder" ? "model.safetensors" : "diffusion_pytorch_model.safetensors");
  }
  void set(const std::string& component, const std::string& key, const json& value) const {
    edit_json(config(component), [&](json& c) { c[key] = value; });
  }
  // Images go to the empty folder `out`.
  Result generate(Arguments arguments, const Prepare& prepare = {}) const {
    arguments.insert(arguments.end(), {"-o", out.string() + "/"});
    return run(quick(std::move(arguments), model.string()), prepare);
  }

  TemporaryFolder temporary;
  fs::path model = temporary.path / "karlo", out = temporary.path / "out";
};

// Runs over a prompt file.
class PromptFileRun : public TinyModel {
 protected:
  // A prompt file of `count` lines, whose guidance differs.
  fs::path prompts(int count) const {
    const fs::path file = temporary.path / "prompts.jsonl";
    std::ofstream lines(file);
    for (int i = 0; i < count; ++i)
      lines << json{{"prompt", "prompt " + std::to_string(i)}, {"decoder_guidance", 2 + i % 3}} << '\n';
    return file;
  }

  // `more` behind the prompt file and the folder for the images.
  static Arguments draw(const fs::path& file, const fs::path& folder, const Arguments& more) {
    Arguments arguments{"-f", file, "-o", folder.string() + "/"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return quick(arguments);
  }

  // Name → bytes of finished images: neither manifests nor what a killed program was writing.
  static std::map<std::string, std::string> images(const fs::path& folder) {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".png") found[entry.path().filename()] = read_file(entry.path());
    return found;
  }
};

}  // namespace unclip::testing_program
