// Opens a SentencePiece model and lays its pieces out as the reference's tokenizer class does.
#include "tokenizer/sentencepiece_tokenizer.h"

#include <openssl/evp.h>
#include <sentencepiece_processor.h>

#include <algorithm>

#include "support/read_file.h"
#include "support/utf8.h"
#include "tokenizer/settings.h"
#include "tokenizer/unicode.h"

namespace unclip {
namespace {

constexpr std::string_view kBlank = "\u2581";  // stands for the blank before a word

// The library's header does not give all fields, so two of them are read from the message itself, which it
// has checked: protocol buffer fields are a key (number, wire type) and a varint, a length and bytes, or 4 or
// 8 bytes.
class Message {
 public:
  explicit Message(std::string_view bytes) : bytes_(bytes) {}

  // The last field `number` as bytes (wire type 2) or as a number (wire type 0).
  std::string_view bytes(uint64_t number) const { return find(number).first; }
  std::optional<uint64_t> number(uint64_t field) const { return find(field).second; }

 private:
  static uint64_t varint(std::string_view& rest) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  std::pair<std::string_view, std::optional<uint64_t>> find(uint64_t number) const {
    std::pair<std::string_view, std::optional<uint64_t>> found;
    for (std::string_view rest = bytes_; !rest.empty();) {
      const uint64_t key = varint(rest), type = key & 7;
      if (type == 0) {
        const uint64_t value = varint(rest);
        if (key >> 3 == number) found.second = value;
        continue;
      }
      const std::size_t length = std::min<std::size_t>(rest.size(), type == 2   ? varint(rest)
                                                                    : type == 1 ? 8
                                                                    : type == 5 ? 4
                                                                                : rest.size());
      if (key >> 3 == number) found.first = rest.substr(0, length);
      rest.remove_prefix(std::min(length, rest.size()));
    }
    return found;
  }

  std::string_view bytes_;
};

// sentencepiece_model.proto: ModelProto.trainer_spec.model_type,
// ModelProto.normalizer_spec.precompiled_charsmap.
constexpr uint64_t kTrainerSpec = 2, kModelType = 3, kUnigramType = 1;
constexpr uint64_t kNormalizerSpec = 3, kPrecompiledCharsmap = 2;

const std::map<std::string, std::string> kT5Defaults = {
    {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
const std::map<std::string, std::string> kXlmrDefaults = {
    {"bos_token", "<s>"},   {"eos_token", "</s>"},  {"sep_token", "</s>"},   {"cls_token", "<s>"},
    {"unk_token", "<unk>"}, {"pad_token", "<pad>"}, {"mask_token", "<mask>"}};

// The bytes that a "Precompiled" normalizer holds as base64: itself, or the one in a sequence (whose others
// only treat blanks, at which words are split anyway).
std::string charsmap_of(const nlohmann::json& normalizer) {
  if (!normalizer.is_object()) return {};
  std::string bytes;
  for (const nlohmann::json& part : normalizer.value("normalizers", nlohmann::json::array()))
    bytes += charsmap_of(part);
  const nlohmann::json encoded = normalizer.value("precompiled_charsmap", nlohmann::json());
  if (!encoded.is_string()) return bytes;
  const auto& text = encoded.get_ref<const std::string&>();
  bytes.resize(text.size() / 4 * 3);
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  const auto padding = static_cast<std::size_t>(std::ranges::count(text, '='));
  bytes.resize(length < 0 ? 1 : static_cast<std::size_t>(length) - padding);  // one byte is a damaged map
  return bytes;
}

}  // namespace

struct SentencePieceTokenizer::Model {
  SentencePieceLayout layout;
  TokenizerSettings settings;
  std::vector<ScoredPiece> pieces;  // in the order of the ids
  std::string charsmap;
  std::string file;

  Vocabulary vocabulary() const {
    Vocabulary vocabulary;
    for (const ScoredPiece& entry : pieces)
      if (find_invalid_utf8(entry.piece) || !vocabulary.insert(entry.piece, vocabulary.size()))
        throw Error(
            ExitCode::model,
            file + ": piece " + std::to_string(vocabulary.size()) + " is not valid UTF-8 or is a duplicate",
            "download the file again");
    return vocabulary;
  }
  int64_t unknown() const { return layout == SentencePieceLayout::t5 ? 2 : 3; }
};

SentencePieceTokenizer::Model SentencePieceTokenizer::read(const std::filesystem::path& folder,
                                                           SentencePieceLayout layout) {
  const bool t5 = layout == SentencePieceLayout::t5;
  Model model{layout, read_tokenizer_settings(folder, t5 ? kT5Defaults : kXlmrDefaults), {}, {}, {}};
  model.file = (folder / (t5 ? "spiece.model" : "sentencepiece.bpe.model")).string();
  const std::string bytes = read_whole_file(model.file, kMostTokenizerBytes, ExitCode::model);
  sentencepiece::SentencePieceProcessor library;
  if (const auto status = library.LoadFromSerializedProto(bytes); !status.ok())
    throw Error(ExitCode::model, model.file + ": not a SentencePiece model: " + status.error_message(),
                "download the file again");
  const Message message(bytes);
  if (const auto type = Message(message.bytes(kTrainerSpec)).number(kModelType);
      type.value_or(kUnigramType) != 1)
    throw Error(ExitCode::model,
                model.file + ": expected a unigram model (type 1), found type " + std::to_string(*type));
  model.charsmap = Message(message.bytes(kNormalizerSpec)).bytes(kPrecompiledCharsmap);

  auto& pieces = model.pieces;
  for (int id = 0; id < library.GetPieceSize(); ++id)
    pieces.push_back({library.IdToPiece(id), library.GetScore(id)});
  const auto& named = model.settings.named;
  const auto expect = [&](int id, const std::string& piece) {
    if (library.GetPieceSize() <= id || library.IdToPiece(id) != piece)
      throw Error(ExitCode::model,
                  model.file + ": expected the piece \"" + piece + "\" at id " + std::to_string(id) +
                      (library.GetPieceSize() > id ? ", found \"" + library.IdToPiece(id) + '"' : ""),
                  std::string("train with ") +
                      (t5 ? "pad_id=0, eos_id=1, unk_id=2" : "unk_id=0, bos_id=1, eos_id=2"));
  };
  const std::array<const char*, 3> order = t5 ? std::array{"pad_token", "eos_token", "unk_token"}
                                              : std::array{"unk_token", "bos_token", "eos_token"};
  for (int id = 0; id < 3; ++id) expect(id, named.at(order[id]));
  if (t5) {
    for (int64_t i = model.settings.extra_ids; i-- > 0;)
      pieces.push_back({"<extra_id_" + std::to_string(i) + '>', 0});
    for (int64_t i = 0; i < model.settings.extra_ids; ++i)
      model.settings.added.push_back({.content = "<extra_id_" + std::to_string(i) + '>'});
  } else {
    pieces.erase(pieces.begin(), pieces.begin() + 3);
    pieces.insert(pieces.begin(), {{named.at("bos_token"), 0},
                                   {named.at("pad_token"), 0},
                                   {named.at("eos_token"), 0},
                                   {named.at("unk_token"), 0}});
    pieces.push_back({named.at("mask_token"), 0});
  }
  return model;
}

SentencePieceTokenizer::Model SentencePieceTokenizer::read_json(const std::filesystem::path& folder,
                                                                const nlohmann::json& whole) {
  const std::string file = (folder / "tokenizer.json").string();
  const auto expect = [&](bool right, const std::string& what) {
    if (!right)
      throw Error(ExitCode::model, file + ": expected " + what + ", as in XLM-R",
                  "add sentencepiece.bpe.model (for T5, spiece.model) to the folder, or download it again");
  };
  const nlohmann::json added = whole.value("added_tokens", nlohmann::json::array());
  expect(added.is_array(), "a list \"added_tokens\"");
  Model model{
      SentencePieceLayout::xlm_roberta, read_tokenizer_settings(folder, kXlmrDefaults, added), {}, {}, file};
  const nlohmann::json& unigram = whole.at("model");
  expect(unigram.value("unk_id", nlohmann::json()) == 3, "\"unk_id\": 3");
  expect(unigram.contains("vocab") && unigram["vocab"].is_array(), "a list \"vocab\"");
  for (const nlohmann::json& entry : unigram["vocab"]) {
    expect(entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number(),
           "pairs of piece and score in \"vocab\"");
    model.pieces.push_back({entry[0].get<std::string>(), entry[1].get<double>()});
  }
  expect(model.pieces.size() > 4, "more than four pieces");
  model.charsmap = charsmap_of(whole.value("normalizer", nlohmann::json()));
  return model;
}

std::unique_ptr<SentencePieceTokenizer> SentencePieceTokenizer::from_tokenizer_json(
    const std::filesystem::path& folder, const nlohmann::json& whole) {
  return std::unique_ptr<SentencePieceTokenizer>(new SentencePieceTokenizer(read_json(folder, whole)));
}

SentencePieceTokenizer::SentencePieceTokenizer(const std::filesystem::path& folder,
                                               SentencePieceLayout layout)
    : SentencePieceTokenizer(read(folder, layout)) {}

SentencePieceTokenizer::SentencePieceTokenizer(const Model& model)
    : Tokenizer(model.vocabulary(), model.layout == SentencePieceLayout::xlm_roberta),
      charsmap_(model.charsmap, model.file),
      unigram_(model.pieces, model.unknown()) {
  finish(model.settings);
}

std::string SentencePieceTokenizer::normalize(std::string_view text) const { return charsmap_.apply(text); }

void SentencePieceTokenizer::segment(std::string_view text, std::vector<int64_t>& ids) const {
  for (const std::string_view word : split_at_space(text)) {
    std::string marked(word.starts_with(kBlank) ? "" : kBlank);
    marked += word;
    for (std::size_t start = 0; start < marked.size();) {
      const std::size_t end = std::min(marked.find(kBlank, start + kBlank.size()), marked.size());
      unigram_.encode(std::string_view(marked).substr(start, end - start), ids);
      start = end;
    }
  }
}

std::string SentencePieceTokenizer::spell(std::span<const std::string> pieces) const {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  for (std::size_t at = 0; (at = text.find(kBlank, at)) != std::string::npos;)
    text.replace(at, kBlank.size(), " ");
  return std::string(without_leading_space(text));
}

}  // namespace unclip
