// -o → pieces (literals and fields), parsed once before the model loads; pieces + an image's fields → a
// path.
#include "options/output_name.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <utility>

#include "support/sha256.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {

namespace fs = std::filesystem;

class TemplateParser {
 public:
  using Field = OutputTemplate::Field;
  using Piece = OutputTemplate::Piece;

  explicit TemplateParser(const std::string& text) : text_(text) {}

  std::vector<Piece> parse() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool doubled = at_ + 1 < text_.size() && text_[at_ + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        add_literal(c);
        at_ += 2;
      } else if (c == '{') {
        parse_field();
      } else if (c == '}') {
        fail(at_, "'}' without '{'; write }} for the brace itself");
      } else {
        add_literal(c);
        ++at_;
      }
    }
    return pieces_;
  }

 private:
  void parse_field() {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string::npos) {
      fail(at_, "'{' without '}'; write {{ for the brace itself");
    }
    static const std::map<std::string, Field> fields = {{"index", Field::index},
                                                        {"seed", Field::seed},
                                                        {"slug", Field::slug},
                                                        {"prompt_hash", Field::prompt_hash},
                                                        {"n", Field::n}};
    const std::string inside = text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t colon = inside.find(':');
    const auto found = fields.find(inside.substr(0, colon));
    if (found == fields.end()) {
      fail(at_ + 1, fmt::format("unknown field '{}', expected index, seed, slug, prompt_hash or n",
                                excerpt(inside.substr(0, colon))));
    }
    const bool number = found->second != Field::slug && found->second != Field::prompt_hash;
    int width = 0;
    if (colon != std::string::npos) {
      const std::string form = inside.substr(colon + 1);
      const bool digits = form.size() >= 2 && form.size() <= 3 && form[0] == '0' &&
                          form.find_first_not_of("0123456789") == std::string::npos;
      if (!number || !digits || std::stoi(form) == 0 || std::stoi(form) > 20) {
        fail(at_ + 2 + colon,
             fmt::format("bad width '{}', expected 01 to 020, and only for a number", excerpt(form)));
      }
      width = std::stoi(form);
    }
    pieces_.push_back({found->second, {}, width});
    at_ = end + 1;
  }

  void add_literal(char c) {
    if (pieces_.empty() || pieces_.back().field != Field::literal) {
      pieces_.emplace_back();
    }
    pieces_.back().text += c;
  }

  [[noreturn]] void fail(std::size_t at, const std::string& what) {
    const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    const auto column =
        1 + std::count_if(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), starts_character);
    throw Error(ExitCode::usage, fmt::format("-o '{}', column {}: {}", excerpt(text_), column, what),
                "for example: -o 'out/{index:05}-{seed}-{slug}.png'");
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::vector<Piece> pieces_;
};

namespace {

constexpr const char* kDefaultName = "{slug}-{seed}.png";

// The braces of a folder that exists are no fields.
std::string escaped(const std::string& folder) {
  std::string text;
  for (const char c : folder) {
    text.append(c == '{' || c == '}' ? 2 : 1, c);
  }
  return text;
}

std::string template_of(const std::string& output) {
  if (output.empty()) {
    return kDefaultName;
  }
  std::error_code unusable;  // told when it is written to
  if (fs::is_directory(output, unusable)) {
    return escaped((fs::path(output) / "").string()) + kDefaultName;
  }
  return output.back() == '/' ? output + kDefaultName : output;
}

bool ends_in_png(std::string_view name) {
  std::string end(name.substr(name.size() - std::min<std::size_t>(name.size(), 4)));
  std::transform(end.begin(), end.end(), end.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return end == ".png";
}

}  // namespace

OutputTemplate::OutputTemplate(const std::string& output) {
  const std::string text = template_of(output);
  pieces_ = TemplateParser(text).parse();
  if (!ends_in_png(text) || fs::path(text).stem() == ".png") {
    throw Error(ExitCode::usage,
                fmt::format("-o '{}': images are PNG files, expected a name in .png", excerpt(output)),
                fmt::format("write -o '{0}.png' for a file, -o '{0}/' for a folder", excerpt(output)));
  }
}

std::string OutputTemplate::render(const Piece& piece, const NameFields& fields) {
  switch (piece.field) {
    case Field::literal:
      return piece.text;
    case Field::slug:
      return slug(fields.prompt);
    case Field::prompt_hash:
      return sha256_hex(fields.prompt).substr(0, 8);
    case Field::index:
      return fmt::format("{:0{}}", fields.index, piece.width);
    case Field::seed:
      return fmt::format("{:0{}}", fields.seed, piece.width);
    case Field::n:
      return fmt::format("{:0{}}", fields.n, piece.width);
  }
  return {};
}

std::string OutputTemplate::render(const NameFields& fields) const {
  std::string name;
  for (const Piece& piece : pieces_) {
    name += render(piece, fields);
  }
  return name;
}

// The last piece is a literal that holds .png, so one stands behind each field.
bool OutputTemplate::tells_index() const {
  const auto first = std::ranges::find_if(pieces_, [](const Piece& p) { return p.field != Field::literal; });
  if (first == pieces_.end() || first->field != Field::index) {
    return false;
  }
  const Piece& behind = *std::next(first);
  return behind.field == Field::literal && (behind.text[0] < '0' || behind.text[0] > '9');
}

fs::path OutputTemplate::folder() const {
  const bool literal = pieces_[0].field == Field::literal;
  const std::string start = literal ? pieces_[0].text : "";
  return start.substr(0, start.rfind('/') + 1);  // npos + 1 is 0
}

std::string spelled_out(const fs::path& path) {
  std::error_code no_folder;
  const fs::path whole = fs::absolute(path, no_folder);
  return (no_folder ? path : whole).lexically_normal().string();
}

fs::path OutputNames::next(const std::string& output, const NameFields& fields) {
  if (!last_ || last_->first != output) {
    last_.emplace(output, OutputTemplate(output));
  }
  if (std::exchange(index_, fields.index) != fields.index && one_output_ && last_->second.tells_index()) {
    given_.clear();
  }
  const std::string name = last_->second.render(fields);
  std::string unique = name;
  const std::size_t stem = name.size() - std::string_view(".png").size();
  for (int i = 1; !given_.insert(std::hash<std::string>()(spelled_out(unique))).second; ++i) {
    unique = fmt::format("{}-{}{}", name.substr(0, stem), i, name.substr(stem));
  }
  return unique;
}

}  // namespace unclip
