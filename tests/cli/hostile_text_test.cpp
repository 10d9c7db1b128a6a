// What comes from files and goes to a terminal is made visible, in every verb; and what nobody foresaw has a
// code of its own.
#include <fcntl.h>

#include <cstdlib>

#include "cli/tiny_model.h"
#include "image/metadata.h"
#include "refused_calls.h"
#include "support/utf8.h"

namespace unclip::testing_program {
namespace {

// An escape sequence, C1, DEL, a bidirectional override, a line separator, an invisible one, a carriage
// return.
const std::string kHostile = "a\x1b[2J\x1b]0;x\x07\u009b\x7f\u202egnp\u2066\u2028\u200b\r\U000e0041z";

// Nothing but line ends steers; all is UTF-8.
void expect_visible(const std::string& text, const std::string& where) {
  EXPECT_EQ(visible(text, "\n"), text) << where;
}

class HostileText : public TinyModel {
 protected:
  HostileText() {
    ImageMetadata m;
    m.prompt = m.negative_prompt = m.sampler = m.model = m.family = m.version = kHostile;
    m.fingerprints = {{kHostile, kHostile}};
    m.options = {{kHostile, kHostile}, {"mask", {kHostile}}, {"batch-size", kHostile}};
    const auto png = encode_png({1, 1, 3, {0, 0, 0}}, {{"unclip", to_json(m).dump()}});
    std::ofstream(image, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<long>(png.size()));
    std::ofstream(list) << json{{kHostile, 1}} << '\n'
                        << json{{"prompt", kHostile}, {"seed", kHostile}} << '\n'
                        << json{{"prompt", "x"}, {"init_image", kHostile}} << '\n'
                        << json{{"prompt", "x"}, {"output", "{" + kHostile + "}"}} << '\n'
                        << kHostile << '\n';
    std::ofstream(deny) << "/(" << kHostile << "/\n";
  }
  const fs::path image = temporary.path / (kHostile + ".png"), list = temporary.path / (kHostile + ".jsonl"),
                 deny = temporary.path / (kHostile + ".txt");
};

TEST_F(HostileText, IsVisibleInEveryVerb) {
  edit_json(model / "model_index.json", [](json& index) { index[kHostile] = {kHostile, kHostile}; });
  set("prior", "_class_name", kHostile);
  Weights prior(weights("prior"));
  prior.header[kHostile] = prior.header["clip_std"];
  prior.header.erase("clip_std");
  prior.save(weights("prior"));
  for (const Arguments& arguments : {Arguments{"info", image},
                                     Arguments{"info", image, "--json"},
                                     Arguments{"info", list},
                                     Arguments{"inspect", model},
                                     Arguments{"inspect", model, "--json"},
                                     Arguments{"inspect", image},
                                     Arguments{"tokenize", kHostile, "-m", kTiny},
                                     Arguments{"tokenize", kHostile, "-m", kTiny, "--json"},
                                     Arguments{"tokenize", "-f", list, "-m", kTiny},
                                     Arguments{"tokenize", "x", "-m", kHostile},
                                     Arguments{"verify", image, "-m", kTiny},
                                     Arguments{"verify", image, "-m", kTiny, "--json"},
                                     Arguments{"generate", "x", "-m", model},
                                     Arguments{"generate", "-f", list, "-m", kTiny},
                                     Arguments{"generate", "x", "--deny-file", deny},
                                     Arguments{"generate", "--from", image, "-m", kTiny},
                                     Arguments{"generate", "x", "-m", kHostile},
                                     Arguments{"generate", "x", "-o", kHostile},
                                     Arguments{"generate", "x", "--seed", kHostile},
                                     Arguments{"generate", "x", "--" + kHostile},
                                     Arguments{"eval", "--prompts", list},
                                     Arguments{"eval", "-m", kHostile},
                                     Arguments{kHostile},
                                     Arguments{"train", kHostile, "--config", kHostile, "--out", kHostile}}) {
    const Result result = run(arguments, in_folder(temporary.path));
    expect_visible(result.out, "output of " + arguments[0]);
    expect_visible(result.err, "errors of " + arguments[0]);
    EXPECT_GT(result.out.size() + result.err.size(), 0U);
    EXPECT_NE(result.code, 70) << result.err;
  }
}

TEST_F(HostileText, IsVisibleInWarningsAndFailures) {
  std::string words = kHostile;
  for (int i = 0; i < 900; ++i) words += kHostile + " word";
  const Result result = run(quick({words, "--no-metadata", "--json", "-o", out.string() + "/", "-v"}));
  EXPECT_EQ(result.code, 0) << result.err;
  expect_visible(result.out, "JSON");
  expect_visible(result.err, "warning");
  // The text that is not read is told by its start.
  for (const std::string& line : lines_of(result.err)) EXPECT_LT(line.size(), 3000U);
  std::ofstream(deny) << "gun\n";
  const Result refused = run({"generate", "gun", "--deny-file", deny, "-m", kTiny});
  EXPECT_EQ(refused.code, 6);
  expect_visible(refused.err, "refusal");
}

// A program that reads gets a path's very bytes, a terminal none that steer it.
TEST_F(HostileText, PathsOnATerminalAreVisible) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) GTEST_SKIP() << "no terminals here";
  const fs::path file = temporary.path / "p.jsonl", there = out / (kHostile + ".png");
  std::ofstream(file) << json{{"prompt", "x"}, {"output", there.string()}} << '\n';
  const Arguments arguments = quick({"-f", file, "--overwrite", "-o", out.string() + "/"});
  EXPECT_EQ(run(arguments).out, there.string() + '\n');
  const std::string name = ptsname(terminal);
  EXPECT_EQ(run(arguments, [&] { dup2(open(name.c_str(), O_RDWR | O_NOCTTY), STDOUT_FILENO); }).code, 0);
  std::string shown(4096, '\0');
  shown.resize(static_cast<size_t>(std::max<ssize_t>(0, read(terminal, shown.data(), shown.size()))));
  close(terminal);
  EXPECT_EQ(shown, visible(there.string()) + "\r\n");
}

TEST_F(HostileText, ForgesNoMessage) {
  const Result result = run({"info", temporary.path / "a\nerror: forged.png"});
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.err.find("\nerror: forged"), std::string::npos) << result.err;
}

TEST_F(HostileText, LongValuesAreCut) {
  const std::string giant(100'000, 'x');
  std::ofstream(list) << json{{"prompt", "x"}, {"seed", giant}} << '\n'
                      << json{{giant, 1}} << '\n'
                      << json{{"prompt", "x"}, {"init_image", giant}} << '\n'
                      << json{{"prompt", "x"}, {"output", "{" + giant + "}"}} << '\n'
                      << json{{"prompt", "x"}, {"output", giant}} << '\n'
                      << json{{"prompt", "x"}, {"size", giant}} << '\n'
                      << json{{"prompt", "x"}, {"sampler", giant}} << '\n';
  EXPECT_LT(run({"generate", "-f", list, "-m", kTiny}).err.size(), 20'000U);
  ImageMetadata m;
  m.sampler = giant;
  m.prompt = "x";
  m.options = {{"device", "cpu"}, {"dtype", "f32"}};
  for (int kind = 0; kind < 2; ++kind) {
    const std::string text = kind == 0 ? to_json(m).dump() : '"' + giant;
    const auto png = encode_png({1, 1, 3, {0, 0, 0}}, {{"unclip", text}});
    std::ofstream(image, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<long>(png.size()));
    EXPECT_LT(run({"generate", "--from", image, "-m", kTiny}).err.size(), 2000U);
  }
}

// No thread can be started: nobody foresaw that.
TEST_F(HostileText, WhatNobodyForesawHasItsCode) {
  const Result result = run({"info", image}, [] {
    if (!refuse_calls({{SYS_clone, EPERM}, {SYS_clone3, EPERM}})) _exit(99);
  });
  if (result.code == 99) GTEST_SKIP() << "no seccomp here";
  expect_error(result, 70, {"internal error", "please report it"});
}

}  // namespace
}  // namespace unclip::testing_program
