// Walks dictionaries; a pickle may make them contain themselves or each other, so depth and steps are
// bounded.
#include "convert/state_dict.h"

#include <spdlog/fmt/fmt.h>

#include <unordered_set>

#include "support/utf8.h"

namespace unclip {
namespace {

using Kind = PickleValue::Kind;

constexpr int kDeepestDictionary = 8;
constexpr std::size_t kMostEntries = 300'000;
constexpr std::size_t kMostNameBytes = 64U << 20;  // together
constexpr std::size_t kLongestTensorName = 1000;   // bytes

class Walk {
 public:
  explicit Walk(const Pickle& pickle) : pickle_(pickle) {}

  void take_all(const PickleValue& dict, const std::string& prefix, int depth) {
    if (depth > kDeepestDictionary)
      throw PickleFault(fmt::format("dictionaries are nested more than {} deep", kDeepestDictionary));
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      if (++entries_ > kMostEntries)
        throw PickleFault(fmt::format("dictionaries have more than {} entries", kMostEntries));
      const PickleValue& key = pickle_.values[dict.items[i]];
      const PickleValue& value = pickle_.values[dict.items[i + 1]];
      take(key, value, prefix, depth);
    }
  }

  void leave_out(const std::string& name, Kind kind) {
    found_.left_out.push_back(fmt::format("{} ({})", excerpt(name, 80), name_of(kind)));
  }

  StateDict result() {
    if (found_.tensors.empty()) throw PickleFault("contains no tensors");
    return std::move(found_);
  }

 private:
  void take(const PickleValue& key, const PickleValue& value, const std::string& prefix, int depth) {
    if (key.kind != Kind::text) {
      const std::string number = key.kind == Kind::integer ? std::to_string(key.number) : "?";
      leave_out(prefix + number, value.kind);
      return;
    }
    const std::string name = prefix + std::string(key.text);
    if (value.kind == Kind::dict && !value.items.empty()) return take_all(value, name + ".", depth + 1);
    if (value.kind != Kind::tensor) return leave_out(name, value.kind);
    if (name.size() > kLongestTensorName || name == "__metadata__" || find_invalid_utf8(name))
      throw PickleFault("\"" + excerpt(name) + "\" is not a valid tensor name");
    if (!names_.insert(name).second) throw PickleFault("the tensor " + excerpt(name) + " appears twice");
    name_bytes_ += name.size();
    if (name_bytes_ > kMostNameBytes || found_.tensors.size() == kMostTensors)
      throw PickleFault("too many tensors");
    found_.tensors.emplace_back(name, static_cast<std::size_t>(value.number));
  }

  const Pickle& pickle_;
  std::size_t entries_ = 0, name_bytes_ = 0;
  std::unordered_set<std::string> names_;
  StateDict found_;
};

}  // namespace

StateDict state_dict(const Pickle& pickle) {
  const PickleValue& top = pickle.top();
  if (top.kind != Kind::dict)
    throw PickleFault(fmt::format("expected a dictionary of tensors, found {}", name_of(top.kind)));
  Walk walk(pickle);
  for (std::size_t i = 0; i + 1 < top.items.size(); i += 2) {
    const PickleValue& key = pickle.values[top.items[i]];
    const PickleValue& value = pickle.values[top.items[i + 1]];
    if (key.kind != Kind::text || key.text != "state_dict" || value.kind != Kind::dict) continue;
    walk.take_all(value, "", 1);
    for (std::size_t j = 0; j + 1 < top.items.size(); j += 2) {
      const PickleValue& other = pickle.values[top.items[j]];
      if (j != i)
        walk.leave_out(other.kind == Kind::text ? std::string(other.text) : "?",
                       pickle.values[top.items[j + 1]].kind);
    }
    return walk.result();
  }
  walk.take_all(top, "", 0);
  return walk.result();
}

}  // namespace unclip
