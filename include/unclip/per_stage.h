// What each stage of an unCLIP model has one of: steps, guidance. A family leaves out the stages that it
// lacks.
#pragma once

#include <array>
#include <optional>
#include <utility>

namespace unclip {

template <class Value>
struct PerStage {
  Value prior{}, decoder{}, upsampler{};

  bool operator==(const PerStage&) const = default;
};

// The stages by name, in the order of their work: for (const auto& [name, stage] : stages<int>()) of.*stage.
template <class Value>
constexpr auto stages() {
  return std::array{std::pair{"prior", &PerStage<Value>::prior},
                    std::pair{"decoder", &PerStage<Value>::decoder},
                    std::pair{"upsampler", &PerStage<Value>::upsampler}};
}

// Those that classifier-free guidance steers.
template <class Value>
constexpr auto guided_stages() {
  return std::array{std::pair{"prior", &PerStage<Value>::prior},
                    std::pair{"decoder", &PerStage<Value>::decoder}};
}

// What is given, else the fallback.
template <class Value>
PerStage<Value> value_or(const PerStage<std::optional<Value>>& given, const PerStage<Value>& fallback) {
  return {given.prior.value_or(fallback.prior), given.decoder.value_or(fallback.decoder),
          given.upsampler.value_or(fallback.upsampler)};
}

}  // namespace unclip
