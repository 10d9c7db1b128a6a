// The stack machine of pickles, with the instructions of protocol 2 that torch.save writes.
#include "convert/pickle.h"

#include <spdlog/fmt/fmt.h>

#include <unordered_map>
#include <utility>

#include "convert/pickle_parts.h"
#include "support/utf8.h"

namespace unclip {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<ValueId>;

constexpr std::size_t kMostMarks = 1000;  // open at a time: how deep what is being built nests
constexpr std::size_t kLongestName = 1000;
constexpr int kNewestProtocol = 5;

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {
    // What stands in most pickles many times over exists once.
    none_ = add({.kind = Kind::none});
    no_ = add({.kind = Kind::boolean, .number = 0});
    yes_ = add({.kind = Kind::boolean, .number = 1});
    nothing_ = add({.kind = Kind::tuple});
  }

  Pickle run() {
    std::size_t start = 0;
    try {
      do start = at_;
      while (step(static_cast<unsigned char>(take(1).front())));
    } catch (const PickleFault& fault) {
      throw PickleFault(fmt::format("{} (byte {} of the pickle)", fault.what(), start));
    }
    pickle_.length = at_;
    return std::move(pickle_);
  }

 private:
  // False after the last one.
  bool step(unsigned char code) {
    if (code == '.') {
      pickle_.root = pop();
      if (!stack_.empty() || !marks_.empty()) throw PickleFault("STOP leaves objects behind");
      return false;
    }
    if (!make_plain(code) && !make_container(code) && !use_memo(code) && !refer(code))
      throw PickleFault("the instruction " + instruction_name(code) + " is not allowed in a checkpoint");
    return true;
  }

  bool make_plain(unsigned char code) {
    switch (code) {
      case 0x80:
        check_protocol(number(1));
        return true;
      case 'N':
        push(none_);
        return true;
      case 0x88:
        push(yes_);
        return true;
      case 0x89:
        push(no_);
        return true;
      case 'J':
        push_integer(static_cast<std::int32_t>(number(4)));
        return true;
      case 'K':
        push_integer(static_cast<std::int64_t>(number(1)));
        return true;
      case 'M':
        push_integer(static_cast<std::int64_t>(number(2)));
        return true;
      case 0x8a:
        push_long(take(number(1)));
        return true;
      case 'G':
        take(8);
        push(add({.kind = Kind::real}));
        return true;
      case 'X':
        push(add({.kind = Kind::text, .text = take(number(4))}));
        return true;
      case 'U':
        push(add({.kind = Kind::text, .text = take(number(1))}));
        return true;
      default:
        return false;
    }
  }

  bool make_container(unsigned char code) {
    switch (code) {
      case '(':
        open_mark();
        return true;
      case ')':
        push(nothing_);
        return true;
      case ']':
        push(add({.kind = Kind::list}));
        return true;
      case '}':
        push(add({.kind = Kind::dict}));
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(pop_many(code - 0x84U));
        return true;
      case 't':
        push_tuple(pop_mark());
        return true;
      case 'a':
        append("APPEND", Kind::list, pop_many(1));
        return true;
      case 'e':
        append("APPENDS", Kind::list, pop_mark());
        return true;
      case 's':
        append("SETITEM", Kind::dict, pop_many(2));
        return true;
      case 'u':
        append("SETITEMS", Kind::dict, pop_mark());
        return true;
      default:
        return false;
    }
  }

  bool use_memo(unsigned char code) {
    switch (code) {
      case 'q':
        remember(number(1));
        return true;
      case 'r':
        remember(number(4));
        return true;
      case 'h':
        recall(number(1));
        return true;
      case 'j':
        recall(number(4));
        return true;
      default:
        return false;
    }
  }

  bool refer(unsigned char code) {
    switch (code) {
      case 'c':
        push_global();
        return true;
      case 'Q':
        push(load_storage(pickle_, pop()));
        return true;
      case 'R': {
        const ValueId arguments = pop(), function = pop();
        push(call_global(pickle_, function, arguments));
        return true;
      }
      case 'b':
        drop_state(pop());
        return true;
      default:
        return false;
    }
  }

  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) throw PickleFault("the pickle is truncated");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  std::uint32_t number(std::size_t bytes) {
    std::uint32_t value = 0;
    const std::string_view digits = take(bytes);
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
    return value;
  }

  static void check_protocol(std::uint32_t version) {
    if (version > kNewestProtocol) throw PickleFault(fmt::format("unknown protocol {}", version));
  }

  ValueId add(PickleValue value) { return add_value(pickle_, std::move(value)); }
  void push(ValueId id) { stack_.push_back(id); }
  void push_integer(std::int64_t value) { push(add({.kind = Kind::integer, .number = value})); }
  void push_tuple(Items items) { push(add({.kind = Kind::tuple, .items = std::move(items)})); }

  void push_long(std::string_view digits) {
    if (digits.size() > 8) return push(add({.kind = Kind::big, .text = digits}));
    const bool negative = !digits.empty() && static_cast<unsigned char>(digits.back()) >= 0x80;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = digits.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
    push_integer(static_cast<std::int64_t>(value));
  }

  // What was pushed since the last mark that is open.
  std::size_t reachable() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  ValueId pop() {
    if (reachable() == 0) throw PickleFault("the stack is empty");
    const ValueId id = stack_.back();
    stack_.pop_back();
    return id;
  }

  Items pop_many(std::size_t count) {
    if (reachable() < count) throw PickleFault("the stack is empty");
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    Items items(first, stack_.end());
    stack_.erase(first, stack_.end());
    return items;
  }

  void open_mark() {
    if (marks_.size() == kMostMarks)
      throw PickleFault(fmt::format("objects are nested more than {} deep", kMostMarks));
    marks_.push_back(stack_.size());
  }

  Items pop_mark() {
    if (marks_.empty()) throw PickleFault("no MARK is open");
    Items items = pop_many(reachable());
    marks_.pop_back();
    return items;
  }

  void append(const char* instruction, Kind kind, const Items& items) {
    if (reachable() == 0) throw PickleFault("the stack is empty");
    PickleValue& target = pickle_.values[stack_.back()];
    if (target.kind != kind) throw PickleFault(fmt::format("{} on {}", instruction, name_of(target.kind)));
    if (kind == Kind::dict && items.size() % 2 != 0)
      throw PickleFault(fmt::format("{} of a key without a value", instruction));
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void remember(std::uint32_t index) {
    if (reachable() == 0) throw PickleFault("the stack is empty");
    if (memo_.size() == kMostValues) throw PickleFault(fmt::format("the memo has more than {}", kMostValues));
    memo_[index] = stack_.back();
  }

  void recall(std::uint32_t index) {
    const auto entry = memo_.find(index);
    if (entry == memo_.end()) throw PickleFault(fmt::format("the memo has no entry {}", index));
    push(entry->second);
  }

  std::string_view line() {
    const std::size_t end = bytes_.substr(at_, kLongestName + 1).find('\n');
    if (end == std::string_view::npos) throw PickleFault("GLOBAL without an end of its name");
    const std::string_view text = take(end);
    take(1);
    return text;
  }

  void push_global() {
    const std::string_view module = line(), member = line();
    const std::string name = std::string(module) + "." + std::string(member);
    const std::string_view known = known_global(name);
    if (known.empty()) throw PickleFault("GLOBAL " + excerpt(name) + " is not allowed in a checkpoint");
    push(add({.kind = Kind::callable, .text = known}));
  }

  // An OrderedDict of Module.state_dict() carries versions of layers as attributes.
  void drop_state(ValueId state) {
    if (reachable() == 0) throw PickleFault("the stack is empty");
    const PickleValue& target = pickle_.values[stack_.back()];
    if (target.kind != Kind::dict || target.number != 1)
      throw PickleFault(fmt::format("BUILD on {}", name_of(target.kind)));
    items_of(pickle_, state, Kind::dict, "the attributes of a dictionary");
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  Pickle pickle_;
  Items stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint32_t, ValueId> memo_;
  ValueId none_, no_, yes_, nothing_;
};

}  // namespace

Pickle read_pickle(std::string_view bytes) { return Machine(bytes).run(); }

}  // namespace unclip
