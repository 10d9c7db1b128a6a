// Prompt files of all kinds: options of each line, and the place of every fault.
#include "batch/prompt_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "support/utf8.h"
#include "temporary_folder.h"
#include "unclip/error.h"

namespace unclip {
namespace {

struct Reading {
  std::vector<PromptLine> lines;
  std::string faults;  // one a line, without the folder's name
};

Reading read(const std::string& name, const std::string& text, const ImageOptions& defaults = {}) {
  const TemporaryFolder folder;
  std::ofstream(folder.path / name, std::ios::binary) << text;
  std::istringstream none;
  PromptFile file(folder.path / name, none);
  Reading reading;
  const auto collect = [&](const std::string& fault) {
    reading.faults += fault.substr(folder.path.string().size() + 1) + '\n';
  };
  while (auto line = file.next(defaults, collect)) reading.lines.push_back(std::move(*line));
  return reading;
}

std::vector<PromptLine> good(const std::string& name, const std::string& text,
                             const ImageOptions& defaults = {}) {
  const Reading reading = read(name, text, defaults);
  EXPECT_EQ(reading.faults, "");
  return reading.lines;
}

TEST(PromptFile, TextSkipsCommentsAndBlankLines) {
  const auto lines = good("a.txt", "\xEF\xBB\xBF# first\n\na red circle\r\n  # more\n \t\n  two  stars \n#");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].line, 3u);
  EXPECT_EQ(lines[0].options.prompt, "a red circle");
  EXPECT_EQ(lines[1].line, 6u);
  EXPECT_EQ(lines[1].options.prompt, "  two  stars ");
  EXPECT_TRUE(good("a.txt", "").empty());
}

TEST(PromptFile, JsonLinesTakeEveryOption) {
  ImageOptions defaults;
  defaults.count = 7;
  defaults.strict = true;
  const auto lines =
      good("a.jsonl",
           "{\"prompt\": \"a \\u00e9\\n\", \"seed\": 18446744073709551615, \"decoder_steps\":9, "
           "\"prior-guidance\": 0.5, \"strict\" : false}\n\n{\"prompt\":\"# b\"}",
           defaults);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].options.prompt, "a é\n");
  EXPECT_EQ(lines[0].options.seed, UINT64_MAX);
  EXPECT_EQ(lines[0].options.steps.decoder, 9);
  EXPECT_EQ(lines[0].options.guidance.prior, 0.5);
  EXPECT_FALSE(lines[0].options.strict);
  EXPECT_EQ(lines[0].options.count, 7);
  EXPECT_EQ(lines[1].line, 3u);
  EXPECT_EQ(lines[1].options.prompt, "# b");
  EXPECT_TRUE(lines[1].options.strict);
  EXPECT_FALSE(lines[1].options.seed);
}

// As --lora, which may be repeated, and as the metadata tells it.
TEST(PromptFile, JsonLinesNameSeveralFilesInAnArray) {
  const std::string file = UNCLIP_TEST_DATA "/kandinsky/init.png";
  ImageOptions defaults;
  defaults.loras = {{"other", 1}};
  const auto lines = good("a.jsonl",
                          R"({"prompt": "a", "lora": [")" + file + R"(:0.5", ")" + file +
                              "\"]}\n{\"prompt\": \"a\", \"lora\": \"" + file + "\"}",
                          defaults);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].options.loras, (std::vector<LoraFile>{{file, 0.5}, {file, 1}}));
  EXPECT_EQ(lines[1].options.loras, (std::vector<LoraFile>{{file, 1}}));
  const std::string words = "lora: expected a string or an array of strings, found ";
  EXPECT_EQ(read("a.jsonl",
                 "{\"prompt\": \"a\", \"lora\": []}\n{\"prompt\": \"a\", \"lora\": [\"x\", 1]}\n"
                 "{\"prompt\": \"a\", \"lora\": [[\"x\"]]}\n{\"prompt\": \"a\", \"lora\": {\"x\": \"y\"}}\n"
                 "{\"prompt\": \"a\", \"lora\": 3}\n{\"prompt\": \"a\", \"mask\": [\"x\"]}")
                .faults,
            "a.jsonl:1:25: " + words + "[]\na.jsonl:2:25: " + words + "[\"x\"\na.jsonl:3:25: " + words +
                "[[\"x\"]]\na.jsonl:4:25: " + words + "{\"x\":\na.jsonl:5:25: " + words +
                "3\na.jsonl:6:25: mask: expected a string, found [\"x\"]\n");
}

TEST(PromptFile, CsvTakesEveryOption) {
  ImageOptions defaults;
  defaults.count = 7;
  const auto lines = good("a.csv",
                          "seed,prompt,decoder-guidance,overwrite\r\n"
                          "1,\"a \"\"cat\"\", and\r\na dog\",2.5,true\r\n"
                          "\r\n"
                          ",plain,,\n",
                          defaults);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].line, 2u);
  EXPECT_EQ(lines[0].options.prompt, "a \"cat\", and\na dog");
  EXPECT_EQ(lines[0].options.seed, 1u);
  EXPECT_EQ(lines[0].options.guidance.decoder, 2.5);
  EXPECT_TRUE(lines[0].options.overwrite);
  EXPECT_EQ(lines[1].line, 5u);
  EXPECT_EQ(lines[1].options.prompt, "plain");
  EXPECT_FALSE(lines[1].options.seed || lines[1].options.guidance.decoder || lines[1].options.overwrite);
  EXPECT_EQ(lines[1].options.count, 7);
}

TEST(PromptFile, StandardInputIsTextOrJsonLines) {
  const auto first = [](const std::string& text) {
    std::istringstream input(text);
    return read_prompts("-", input).at(0);
  };
  EXPECT_EQ(first("# a\n{\"b\"}\n"), "{\"b\"}");
  EXPECT_EQ(first("a,b\n"), "a,b");
  EXPECT_EQ(first("\n\xEF\xBB\xBF{\"prompt\": \"b\"}\n").substr(0, 3), "\xEF\xBB\xBF");
  EXPECT_EQ(first("\xEF\xBB\xBF\n  {\"prompt\": \"b\"}\n"), "b");
}

TEST(PromptFile, ReadsAgainAfterRewind) {
  std::istringstream input("a\nb\n");
  PromptFile file("-", input);
  for (int i = 0; i < 3; ++i, file.rewind()) {
    EXPECT_EQ(file.next({}, {})->options.prompt, "a");
    EXPECT_EQ(file.next({}, {})->line, 2u);
    EXPECT_FALSE(file.next({}, {}));
  }
}

TEST(PromptFile, NamesEveryBadLine) {
  EXPECT_EQ(read("a.txt", "good\né\xff\n\n\xc3\na\x01\n  --seed 3 a cat\n").faults,
            "a.txt:2:2: invalid UTF-8; expected the file to be saved as UTF-8\n"
            "a.txt:4:1: invalid UTF-8; expected the file to be saved as UTF-8\n"
            "a.txt:5:2: a control character; expected plain text\n"
            "a.txt:6:3: options in a .txt file; expected only a prompt (use .jsonl or .csv for options)\n");
  const std::string expected = "; expected an object such as {\"prompt\": \"a red circle\"}\n";
  EXPECT_EQ(read("a.jsonl", "{\"prompt\": \"é\" 3}").faults, "a.jsonl:1:16: invalid JSON" + expected);
  EXPECT_EQ(read("a.jsonl",
                 "{\"prompt\": \"a\"}\n[1]\n{}\n{\"prompt\": 3}\n{\"prompt\": \" \"}\n{\"prompt\": \"\"}\n3\n"
                 "{\"prompt\": [\"a\"]}\n{\"prompt\": \"a\\u0000\"}")
                .faults,
            "a.jsonl:2:1: expected a JSON object with the key \"prompt\"\n"
            "a.jsonl:3:1: prompt: expected a text, found an empty one\n"
            "a.jsonl:4:12: prompt: expected a string, found 3\n"
            "a.jsonl:5:1: prompt: expected a text, found an empty one\n"
            "a.jsonl:6:12: prompt: expected a text, found an empty one\n"
            "a.jsonl:7:1: expected a JSON object with the key \"prompt\"\n"
            "a.jsonl:8:12: prompt: expected a string, found [\"a\"]\n"
            "a.jsonl:9:1: prompt: expected a text, found a NUL character in it\n");
}

TEST(PromptFile, TakesWhatAImageBeginsWith) {
  const std::string image = "\"" UNCLIP_TEST_DATA "/kandinsky/init.png\"";
  const auto lines =
      good("a.jsonl", "{\"prompt\": \"a\", \"init_image\": " + image +
                          ", \"strength\": 0.5, \"sampler\": \"dpm++\", \"size\": \"768x512\", "
                          "\"negative_prompt\": \"b\"}");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].options.strength, 0.5);
  EXPECT_EQ(lines[0].options.sampler, SamplerKind::dpm_solver);
  EXPECT_EQ(lines[0].options.size->width, 768);
  EXPECT_EQ(lines[0].options.size->height, 512);
  EXPECT_EQ(lines[0].options.negative_prompt, "b");
  EXPECT_EQ(read("a.jsonl",
                 "{\"prompt\": \"a\", \"size\": \"768\"}\n"
                 "{\"prompt\": \"a\", \"size\": \"768x0\"}\n"
                 "{\"prompt\": \"a\", \"strength\": 1.5}\n"
                 "{\"prompt\": \"a\", \"mask\": " +
                     image +
                     "}\n"
                     "{\"prompt\": \"a\", \"strength\": 1, \"mask\": " +
                     image + ", \"init_image\": " + image +
                     "}\n"
                     "{\"prompt\": \"a\", \"negative_prompt\": \"b\", \"embedding\": " +
                     image +
                     "}\n"
                     "{\"prompt\": \"a\", \"hint\": \"none.png\"}\n")
                .faults,
            "a.jsonl:1:25: size: expected width x height, found \"768\"\n"
            "a.jsonl:2:25: size: expected a whole number from 1 to 8192, found \"0\"\n"
            "a.jsonl:3:29: strength: expected a number from 0 to 1, found \"1.5\"\n"
            "a.jsonl:4:1: mask: expected together with init_image, found alone\n"
            "a.jsonl:5:1: strength: expected one of strength and mask, found both\n"
            "a.jsonl:6:1: embedding: expected one of embedding and negative_prompt, found both\n"
            "a.jsonl:7:1: none.png: missing\n");
}

TEST(PromptFile, NamesKeyAndValue) {
  const std::string known =
      "; expected one of prompt, output, count, seed, prior-steps, decoder-steps, upsampler-steps, "
      "prior-guidance, decoder-guidance, prior-candidates, noise-level, negative-prompt, "
      "negative-prior-prompt, sampler, size, init-image, strength, mask, hint, lora, embedding, overwrite, "
      "skip-existing, safety-checker, strict, no-metadata\n";
  EXPECT_EQ(read("a.jsonl",
                 "{\"prompt\": \"é\", \"sed\": 1, \"count\" :  0}\n"
                 "{\"prompt\": \"a\", \"seed\": \"1\"}\n"
                 "{\"seed\": -1, \"prompt\": \"a\", \"seed\": 1}\n"
                 "{\"x\": {\"seed\": [1, {}]}, \"strict\": 1, \"prompt\": \"a\"}\n"
                 "{\"prompt\": \"a\", \"output\": \"a.jpg\"}\n"
                 "{\"prompt\": \"a\", \"overwrite\": true, \"skip_existing\": true, \"seed\": null}")
                .faults,
            "a.jsonl:1:17: unknown key \"sed\"" + known +
                "a.jsonl:1:38: count: expected a whole number from 1 to 1000000, found \"0\"\n"
                "a.jsonl:2:25: seed: expected a number, found \"1\"\n"
                "a.jsonl:3:10: seed: expected a whole number from 0 to 18446744073709551615, found \"-1\"\n"
                "a.jsonl:3:29: seed: expected once, found again\n"
                "a.jsonl:4:2: unknown key \"x\"" +
                known +
                "a.jsonl:4:36: strict: expected true or false, found 1\n"
                "a.jsonl:5:27: output: -o 'a.jpg': images are PNG files, expected a name in .png\n"
                "a.jsonl:6:1: overwrite: expected one of overwrite and skip_existing, found both\n");
}

TEST(PromptFile, NamesCellsOfCsv) {
  EXPECT_EQ(read("a.csv", "seed,count\n1,2\n").faults,
            "a.csv:1:1: expected a header with the column \"prompt\", found none\n");
  EXPECT_EQ(read("a.csv", "prompt,colour\na,b\n").faults.substr(0, 39),
            "a.csv:1:8: unknown key \"colour\"; expect");
  EXPECT_EQ(read("a.csv", "prompt,prompt\na,b\n").faults, "a.csv:1:8: prompt: expected once, found again\n");
  const Reading reading =
      read("a.csv",
           "prompt,seed\n\"a\nb\",x\na\na,1,2\na 5\" disk,1\n\"a\"b,1\n,1\n\"a\xff\",1\ngood,1\n\"open,1\n");
  EXPECT_EQ(reading.faults,
            "a.csv:3:4: seed: expected a whole number from 0 to 18446744073709551615, found \"x\"\n"
            "a.csv:4:2: expected 2 cells as in the header, found 1\n"
            "a.csv:5:5: expected 2 cells as in the header, found 3\n"
            "a.csv:6:4: a quote inside a cell; expected the whole cell in quotes\n"
            "a.csv:7:4: text after a closing quote; expected a comma (write \"\" for a quote)\n"
            "a.csv:8:1: prompt: expected a text, found an empty one\n"
            "a.csv:9:3: invalid UTF-8; expected the file to be saved as UTF-8\n"
            "a.csv:11:1: unclosed quote\n");
  ASSERT_EQ(reading.lines.size(), 1u);
  EXPECT_EQ(reading.lines[0].options.prompt, "good");
}

TEST(PromptFile, RefusesALineWithoutEnd) {
  const std::string faults = read("a.txt", std::string(3 << 20, 'a') + "\nb\xff").faults;
  EXPECT_EQ(faults,
            "a.txt:1:1: longer than 1 MiB; expected one prompt per line\n"
            "a.txt:2:2: invalid UTF-8; expected the file to be saved as UTF-8\n");
}

// 600 damaged files: whatever comes out as a prompt is a text, and a line of JSON is never one itself.
TEST(PromptFile, DamagedFilesGiveFaultsOrPrompts) {
  std::mt19937 random(3);
  const std::vector<std::pair<std::string, std::string>> files{
      {"a.txt", "a cat\n# b\na dog\n"},
      {"a.jsonl", "{\"prompt\": \"a cat\", \"seed\": 3}\n{\"prompt\": \"b\", \"strict\": true}\n"},
      {"a.csv", "prompt,seed\n\"a, cat\",3\nb,4\n"}};
  std::size_t faults = 0;
  for (int i = 0; i < 600; ++i) {
    auto [name, text] = files[static_cast<std::size_t>(i % 3)];
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      text[random() % text.size()] = static_cast<char>(random());
    const Reading reading = read(name, text);
    faults += !reading.faults.empty();
    for (const PromptLine& line : reading.lines) {
      EXPECT_FALSE(find_invalid_utf8(line.options.prompt));
      EXPECT_NE(line.options.prompt.find_first_not_of(" \t\v\f\r\n"), std::string::npos);
      if (name == "a.jsonl") {
        EXPECT_EQ(line.options.prompt.find("{\"prompt"), std::string::npos);
      }
    }
  }
  EXPECT_GT(faults, 300u);
}

TEST(PromptFile, UnreadableFiles) {
  std::istringstream none;
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path / "folder.txt");
  const auto code = [&](const char* name) {
    try {
      PromptFile(folder.path / name, none);
    } catch (const Error& error) {
      return error.code;
    }
    return ExitCode::ok;
  };
  EXPECT_EQ(code("absent.txt"), ExitCode::io);
  EXPECT_EQ(code("folder.txt"), ExitCode::io);
  EXPECT_EQ(code("a.doc"), ExitCode::usage);
}

}  // namespace
}  // namespace unclip
