// Every key of every config of all families × 12 values: exit code 3 with a line of ours, or an image;
// within 2 seconds more than the unharmed folder takes, and 300 MB. One value a key, another one for the next
// key; UNCLIP_ATTACK=1 … 11 shifts them, UNCLIP_ATTACK=all tries all (scripts/attack).
#include "cli/run.h"
#include "cli/tiny_model.h"
#include "cli/verb_library.h"
#include "image/png.h"

namespace unclip::testing_program {
namespace {

constexpr const char* kValues[] = {"null", "true",       "-1",    "0",
                                   "0.5",  "2000000000", "1e308", "9223372036854775808",
                                   "NaN",  "\"x\"",      "[]",    "{\"a\": 1}"};

struct Family {
  std::string model, prior;  // folders below tests/data; prior may be empty
  Arguments more;            // that the family takes
};

// A place in a JSON file: a key, or the first entry of its list, or a key of its object.
std::vector<json::json_pointer> places_in(const json& config) {
  std::vector<json::json_pointer> places;
  for (const auto& [key, value] : config.items()) {
    const json::json_pointer place = json::json_pointer() / key;
    places.push_back(place);
    if (value.is_array() && !value.empty()) places.push_back(place / 0);
    if (value.is_object())
      for (const auto& [inner, ignored] : value.items()) places.push_back(place / inner);
  }
  return places;
}

// The program in a child of this process: libtorch is there already, so that a run takes a moment.
Result run_forked(const Arguments& arguments, rusage& use) {
  const int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), "unclip");
  verb_library();
  const pid_t child = fork();
  if (child == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    alarm(60);
    _exit(unclip::run(static_cast<int>(words.size()), argv.data()));
  }
  int status = 0;
  wait4(child, &status, 0, &use);
  const auto text = [](int descriptor) {
    std::string bytes(static_cast<size_t>(lseek(descriptor, 0, SEEK_END)), '\0');
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(0, pread(descriptor, bytes.data(), bytes.size(), 0))));
    close(descriptor);
    return bytes;
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0, text(out),
          text(err)};
}

double seconds(const rusage& use) {
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return of(use.ru_utime) + of(use.ru_stime);
}

class ConfigAttack : public testing::TestWithParam<Family> {
 protected:
  ConfigAttack() {
    setenv("OMP_NUM_THREADS", "1", 1);
    fs::copy(kData / GetParam().model, model, fs::copy_options::recursive);
    if (!GetParam().prior.empty()) fs::copy(kData / GetParam().prior, prior, fs::copy_options::recursive);
  }

  std::vector<fs::path> configs() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(temporary.path))
      if (entry.path().extension() == ".json" && entry.path().filename() != "tokenizer.json")
        files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
  }

  // Empty where the program did as it should.
  std::string fault() {
    Arguments arguments{"generate",    "a red circle", "--seed", "1",        "--decoder-steps",
                        "2",           "--dtype",      "f32",    "--device", "cpu",
                        "--overwrite", "-o",           image,    "-m",       model};
    const Arguments& more = GetParam().more;
    arguments.insert(arguments.end(), more.begin(), more.end());
    if (fs::exists(prior)) arguments.insert(arguments.end(), {"--prior", prior});
    fs::remove(image);
    rusage use{};
    const Result result = run_forked(arguments, use);
    slowest = std::max(slowest, seconds(use));
    largest = std::max(largest, use.ru_maxrss);
    std::string told = " code " + std::to_string(result.code) + " signal " + std::to_string(result.signal) +
                       "\n  " + result.err.substr(0, 300);
    if (seconds(use) > usual + 2) return std::to_string(seconds(use)) + " s," + told;
    if (use.ru_maxrss > 300'000) return std::to_string(use.ru_maxrss) + " kB," + told;
    if (result.code == 0 && result.signal == 0) {
      ++drawn;
      read_png(image);
      return {};
    }
    if (result.code != 3 || !result.err.starts_with("error: ") || fs::exists(image)) return told;
    for (const char* foreign :
         {"terminate", "std::", "[json", "basic_string", "vector", "Expected ", "frame #"})
      if (result.err.find(foreign) != std::string::npos) return std::string("words of a library:") + told;
    ++refused;
    return {};
  }

  const fs::path kData = UNCLIP_TEST_DATA;
  TemporaryFolder temporary;
  fs::path model = temporary.path / "model", prior = temporary.path / "prior",
           image = temporary.path / "x.png";
  double usual = 0, slowest = 0;  // seconds
  long largest = 0;
  int drawn = 0, refused = 0, failed = 0;
};

TEST_P(ConfigAttack, EveryKeyIsReadWithCare) {
  const char* wish = getenv("UNCLIP_ATTACK");
  const bool all = wish != nullptr && std::string(wish) == "all";
  usual = 10;
  ASSERT_EQ(fault(), "") << "nothing was changed yet";
  usual = slowest;
  size_t turn = wish == nullptr || all ? 0 : std::stoul(wish);
  for (const fs::path& file : configs()) {
    const std::string text = read_file(file);
    const json config = json::parse(text);
    for (const auto& place : places_in(config)) {
      ++turn;
      for (size_t i = 0; i < (all ? std::size(kValues) : 1); ++i) {
        const std::string value = kValues[all ? i : turn % std::size(kValues)];
        json changed = config;
        changed[place] = "here";
        std::string bytes = changed.dump();
        bytes.replace(bytes.find("\"here\""), 6, value);
        std::ofstream(file) << bytes;
        if (const std::string what = fault(); !what.empty()) {
          ++failed;
          ADD_FAILURE() << file.lexically_relative(temporary.path).string() << place << ": " << value << ": "
                        << what;
        }
      }
    }
    std::ofstream(file) << text;
  }
  std::printf("%d runs: %d refused, %d drawn, %d failed; at most %.2f s, %ld MB\n", refused + drawn + failed,
              refused, drawn, failed, slowest, largest / 1000);
}

INSTANTIATE_TEST_SUITE_P(
    Families, ConfigAttack,
    testing::Values(Family{"karlo-tiny", "", {"--prior-steps", "2", "--upsampler-steps", "2"}},
                    Family{"kandinsky/2.1", "kandinsky/2.1-prior", {"--prior-steps", "2"}},
                    Family{"kandinsky/2.2", "kandinsky/2.2-prior", {"--prior-steps", "2"}},
                    Family{"stable-diffusion/2", "", {}}),
    [](const auto& family) {
      std::string name = family.param.model;
      std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
      return name;
    });

}  // namespace
}  // namespace unclip::testing_program
