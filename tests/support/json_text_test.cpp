// JSON lines and paths of any bytes.
#include "support/json_text.h"

#include <gtest/gtest.h>

namespace unclip {
namespace {

using nlohmann::json;

TEST(JsonText, EveryPathComesBack) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& path :
       {std::string("caf\xe9.png"), std::string("café.png"), all, std::string("a\nb\x1b"),
        std::string("{\"hex\": \"00\"}"), std::string("\xff")})
    EXPECT_EQ(path_of(json::parse(json_line(path_json(path)))), path);
  EXPECT_EQ(path_json("caf\xc3\xa9.png"), "caf\xc3\xa9.png");
  EXPECT_EQ(json_line(path_json("caf\xe9.png")), R"({"hex":"636166e92e706e67"})");
  for (const json& bad : {json(3), json(nullptr), json{{"hex", 3}}, json{{"hex", "6"}}, json{{"hex", "6g"}},
                          json{{"hex", ""}}, json::array({"a"})})
    EXPECT_THROW(path_of(bad), std::invalid_argument) << bad;
}

TEST(JsonText, LinesHoldNothingThatSteersATerminal) {
  const json value{{"a\u202e", "\x1b[2J\x7f\u009b\u2028é\U000e0041"}};
  const std::string line = json_line(value);
  EXPECT_EQ(line, R"({"a\u202e":"\u001b[2J\u007f\u009b\u2028é\udb40\udc41"})");
  EXPECT_EQ(json::parse(line), value);
  EXPECT_EQ(json_line(json("a\xff")), "\"a\ufffd\"");
}

}  // namespace
}  // namespace unclip
