// libFuzzer: any bytes as a config. Every number that comes out lies in its range; every refusal is
// Error(model) and one line of text.
#include <cstdlib>

#include "checkpoint/config.h"
#include "support/json.h"
#include "support/utf8.h"

namespace {

using unclip::Config, unclip::Range;

// False where the value is refused.
template <class Call>
bool accepts(const Call& call) {
  try {
    call();
    return true;
  } catch (const unclip::Error& error) {
    const std::string what = error.what();
    if (error.code != unclip::ExitCode::model || what.find('\n') != what.npos ||
        unclip::find_invalid_utf8(what))
      std::abort();
    return false;
  }
}

void expect_within(double number, const Range& range) {
  if (!(number >= range.least && number <= range.most)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  nlohmann::json values;
  try {
    values = unclip::parse_json({reinterpret_cast<const char*>(data), size}, {.infinities = true});
  } catch (const unclip::JsonFault&) {
    return 0;
  }
  accepts([&] {
    const Config config({{"any", values}}, "fuzz");
    constexpr Range range{-3, 1000};
    accepts([&] { expect_within(static_cast<double>(config.get<int64_t>("any", 0, range)), range); });
    accepts([&] { expect_within(config.get("any", 0.0, range), range); });
    accepts([&] {
      for (const int64_t number : config.get<std::vector<int64_t>>("any", {}, range))
        expect_within(static_cast<double>(number), range);
    });
    accepts([&] { config.get<std::string>("any", ""); });
    accepts([&] { config.get<std::vector<std::string>>("any", {}); });
    accepts([&] { config.get("any", false); });
    accepts([&] { config.expect("any", 1); });
  });
  return 0;
}
