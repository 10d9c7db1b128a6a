// The two layouts: each gives a pickle and the byte range of every storage.
#include "convert/torch_file.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>

#include "convert/pickle.h"
#include "convert/state_dict.h"
#include "convert/zip_archive.h"
#include "support/utf8.h"

namespace unclip {
namespace {

using Kind = PickleValue::Kind;

constexpr std::uint64_t kMostRepeated = 16;  // how many times over tensors may show the same bytes
constexpr std::string_view kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr std::int64_t kLegacyProtocol = 1001;

struct Range {
  std::uint64_t start = 0, size = 0;  // bytes
};
using Storages = std::unordered_map<std::string_view, Range>;  // by key

std::uint64_t bytes_of(const PickleStorage& storage) { return storage.elements * storage.type->bytes; }

// The folder of the archive is named after the file that it was saved as.
std::string folder_of(const ByteFile& file, const std::map<std::string, ZipEntry>& entries) {
  std::string folder;
  for (const auto& [name, entry] : entries) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || name.substr(slash) != "/data.pkl") continue;
    if (!folder.empty()) throw file.fault("two pickles named data.pkl");
    folder = name.substr(0, slash + 1);
  }
  if (folder.empty()) throw file.fault("a zip file without data.pkl, not a checkpoint of torch.save");
  if (entries.contains(folder + "constants.pkl"))
    throw file.fault("a TorchScript program, expected a checkpoint of tensors");
  return folder;
}

std::string read_entry(const ByteFile& file, const std::string& name, const ZipEntry& entry) {
  if (entry.size > kLongestPickle)
    throw file.fault(
        fmt::format("{} has {} bytes, expected at most {}", excerpt(name), entry.size, kLongestPickle));
  check_zip_entry(file, name, entry);
  return file.text(entry.start, entry.size);
}

struct Opened {
  std::string text{};  // what the pickle's strings lie in
  Pickle pickle{};
  Storages storages{};
};

void read_zip(const ByteFile& file, Opened& opened) {
  const auto entries = read_zip_directory(file);
  const std::string folder = folder_of(file, entries);
  if (const auto order = entries.find(folder + "byteorder"); order != entries.end()) {
    const std::string found = read_entry(file, order->first, order->second);
    if (found != "little") throw file.fault("byte order \"" + excerpt(found, 20) + "\", expected little");
  }
  opened.text = read_entry(file, folder + "data.pkl", entries.at(folder + "data.pkl"));
  opened.pickle = read_pickle(opened.text);
  if (opened.pickle.length != opened.text.size())
    throw file.fault(fmt::format("{} bytes follow the pickle", opened.text.size() - opened.pickle.length));
  for (const PickleStorage& storage : opened.pickle.storages) {
    const std::string name = folder + "data/" + std::string(storage.key);
    const auto entry = entries.find(name);
    if (entry == entries.end()) throw file.fault("no storage " + excerpt(name));
    if (entry->second.size != bytes_of(storage))
      throw file.fault(fmt::format("the storage {} has {} bytes, but the pickle says {}", excerpt(name),
                                   entry->second.size, bytes_of(storage)));
    const bool fresh =
        opened.storages.emplace(storage.key, Range{entry->second.start, entry->second.size}).second;
    if (fresh) check_zip_entry(file, name, entry->second);
  }
}

// The next pickle of a row.
Pickle take_pickle(std::string_view& rest) {
  Pickle pickle = read_pickle(rest);
  rest.remove_prefix(pickle.length);
  return pickle;
}

void check_machine(const ByteFile& file, const Pickle& pickle) {
  const PickleValue& machine = pickle.top();
  for (std::size_t i = 0; machine.kind == Kind::dict && i + 1 < machine.items.size(); i += 2) {
    const PickleValue& value = pickle.values[machine.items[i + 1]];
    if (pickle.values[machine.items[i]].text == "little_endian" && value.number != 1)
      throw file.fault("big-endian numbers, expected little-endian ones");
  }
}

// The storages stand behind the pickles in the order of their keys, each behind its number of elements.
void locate_legacy(const ByteFile& file, const Pickle& keys, std::uint64_t at, Opened& opened) {
  std::unordered_map<std::string_view, std::uint64_t> sizes;
  std::unordered_map<std::string_view, std::uint64_t> counts;
  for (const PickleStorage& storage : opened.pickle.storages) {
    const auto [entry, fresh] = sizes.emplace(storage.key, bytes_of(storage));
    if (!fresh && entry->second != bytes_of(storage))
      throw file.fault("the storage " + excerpt(storage.key) + " has two sizes");
    counts.emplace(storage.key, storage.elements);
  }
  if (keys.top().kind != Kind::list)
    throw file.fault("expected a list of storages, found " + std::string(name_of(keys.top().kind)));
  for (const ValueId id : keys.top().items) {
    const auto size = sizes.find(keys.values[id].text);
    if (keys.values[id].kind != Kind::text || size == sizes.end())
      throw file.fault("a storage that no tensor uses: " + excerpt(keys.values[id].text));
    std::array<std::byte, 8> word;
    file.read(at, word);
    std::uint64_t count = 0;
    for (std::size_t i = word.size(); i-- > 0;) count = count << 8 | std::to_integer<std::uint64_t>(word[i]);
    at += word.size();
    if (count != counts[size->first])
      throw file.fault(fmt::format("the storage {} has {} elements, but the pickle says {}",
                                   excerpt(size->first), count, counts[size->first]));
    if (size->second > file.size() - at)
      throw file.fault(
          fmt::format("the storage {} of {} bytes is truncated", excerpt(size->first), size->second));
    if (!opened.storages.emplace(size->first, Range{at, size->second}).second)
      throw file.fault("the storage " + excerpt(size->first) + " appears twice");
    at += size->second;
  }
  if (at != file.size()) throw file.fault(fmt::format("{} bytes follow the last storage", file.size() - at));
  for (const PickleStorage& storage : opened.pickle.storages)
    if (!opened.storages.contains(storage.key)) throw file.fault("no storage " + excerpt(storage.key));
}

void read_legacy(const ByteFile& file, Opened& opened) {
  if (file.size() > 262 && file.text(257, 5) == "ustar")
    throw file.fault("the tar layout of torch before 0.1.10, which is not supported");
  opened.text = file.text(0, std::min<std::uint64_t>(file.size(), kLongestPickle));
  std::string_view rest = opened.text;
  const Pickle magic = take_pickle(rest);
  if (magic.top().kind != Kind::big || magic.top().text != kLegacyMagic)
    throw file.fault("not a checkpoint of torch.save: it begins with " +
                     std::string(name_of(magic.top().kind)));
  const Pickle version = take_pickle(rest);
  if (version.top().kind != Kind::integer || version.top().number != kLegacyProtocol)
    throw file.fault("an unknown version of torch's layout");
  check_machine(file, take_pickle(rest));
  opened.pickle = take_pickle(rest);
  const Pickle keys = take_pickle(rest);
  locate_legacy(file, keys, opened.text.size() - rest.size(), opened);
}

StoredTensor stored(const Opened& opened, const std::string& name, const PickleTensor& tensor) {
  const PickleStorage& storage = opened.pickle.storages[tensor.storage];
  StoredTensor result{name, tensor.type, tensor.shape, tensor.strides};
  result.start = opened.storages.at(storage.key).start + storage.view_start * storage.type->bytes +
                 tensor.offset * tensor.type->bytes;
  result.bytes = tensor.type->bytes;
  for (const std::int64_t size : tensor.shape) result.bytes *= static_cast<std::uint64_t>(size);
  if (result.bytes == 0) result.start = 0;  // the offset of a tensor without elements may be any
  return result;
}

}  // namespace

TorchFile TorchFile::open(const std::filesystem::path& path) {
  TorchFile result;
  result.file = std::make_shared<ByteFile>(path);
  const ByteFile& file = *result.file;
  try {
    Opened opened;
    const std::string start = file.text(0, std::min<std::uint64_t>(file.size(), 4));
    start == "PK\x03\x04" ? read_zip(file, opened) : read_legacy(file, opened);
    StateDict names = state_dict(opened.pickle);
    std::uint64_t bytes = 0;
    for (const auto& [name, index] : names.tensors) {
      result.tensors.push_back(stored(opened, name, opened.pickle.tensors[index]));
      bytes += result.tensors.back().bytes;
      if (bytes / kMostRepeated > file.size())
        throw file.fault(fmt::format("its tensors repeat the same bytes more than {} times", kMostRepeated));
    }
    result.left_out = std::move(names.left_out);
  } catch (const PickleFault& fault) {
    throw file.fault(fault.what());
  }
  return result;
}

}  // namespace unclip
