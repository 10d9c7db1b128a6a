// A JSON object → fields with their places. nlohmann's reader tells no places, but it takes one character
// after the other: an iterator that notes how far it came gives the end of each token.
#include <nlohmann/json.hpp>

#include "batch/prompt_record.h"

namespace unclip {
namespace {

using nlohmann::json;

// Notes in `reached` how far the reader came.
struct Cursor {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** reached;

  reference operator*() const { return *at; }
  Cursor& operator++() {
    *reached = ++at;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at == other.at; }
};

class FieldReader : public json::json_sax_t {
 public:
  using Type = PromptField::Type;

  explicit FieldReader(const std::string& text) : text_(text), reached_(text.data()) {}

  std::vector<PromptField> read() {
    const char* end = text_.data() + text_.size();
    json::sax_parse(Cursor{text_.data(), &reached_}, Cursor{end, &reached_}, this);
    return std::move(fields_);
  }

  bool null() override { return add(Type::null); }
  bool boolean(bool) override { return add(Type::boolean); }
  bool number_integer(number_integer_t) override { return add(Type::number); }
  bool number_unsigned(number_unsigned_t) override { return add(Type::number); }
  bool number_float(number_float_t, const string_t&) override { return add(Type::number); }
  bool string(string_t& value) override { return add(Type::text, &value); }
  bool binary(binary_t&) override { return false; }  // no JSON text holds one

  bool start_object(std::size_t) override {
    if (depth_ > 0 && !add(Type::nested)) return false;
    return enter();
  }
  bool start_array(std::size_t) override { return add(Type::texts) && enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  // Between two tokens stand only blanks and commas, so the next quote opens the key.
  bool key(string_t& value) override {
    if (depth_ == 1) {
      PromptField field;
      field.key = value;
      field.key_at = text_.find('"', token_end_);
      field.value_at = text_.find_first_not_of(" \t\r:", reached());
      fields_.push_back(std::move(field));
    }
    token_end_ = reached();
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    throw PromptFault(position > 0 ? position - 1 : 0,
                      "invalid JSON; expected an object such as {\"prompt\": \"a red circle\"}");
  }

 private:
  bool add(Type type, std::string* value = nullptr) {
    if (depth_ == 0) throw PromptFault(0, "expected a JSON object with the key \"prompt\"");
    if (depth_ == 1) {
      PromptField& field = fields_.back();
      field.type = type;
      const std::size_t end = text_.find_first_of(",} \t\r", field.value_at);
      field.value = value != nullptr ? *value : text_.substr(field.value_at, end - field.value_at);
    } else if (PromptField& field = fields_.back(); field.type == Type::texts && type == Type::text) {
      field.texts.push_back(*value);
    } else {
      field.type = Type::nested;
    }
    token_end_ = reached();
    return true;
  }
  bool enter() {
    ++depth_;
    token_end_ = reached();
    return true;
  }
  bool leave() {
    --depth_;
    token_end_ = reached();
    return true;
  }
  std::size_t reached() const { return static_cast<std::size_t>(reached_ - text_.data()); }

  const std::string& text_;
  const char* reached_;
  std::size_t token_end_ = 0;
  int depth_ = 0;
  std::vector<PromptField> fields_;
};

}  // namespace

std::vector<PromptField> parse_json_record(const std::string& text) { return FieldReader(text).read(); }

}  // namespace unclip
