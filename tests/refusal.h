// What a call is refused with: the text and the hint of the unclip::Error that it throws.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "unclip/error.h"

namespace unclip {

// "what | hint", or a text that no test expects when nothing was thrown.
inline std::string refusal(ExitCode code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, code) << error.what();
    return std::string(error.what()) + " | " + error.hint;
  }
  return "(accepted)";
}

inline void expect_refusal(ExitCode code, const std::string& part, const std::function<void()>& call) {
  const std::string text = refusal(code, call);
  EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in '" << text << "'";
}

}  // namespace unclip
