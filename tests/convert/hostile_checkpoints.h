// Files that try to run code, to exhaust memory or disk, or to be read in two ways, each with a part of what
// it is refused with. The attacks are those of public write-ups on pickles and model files, written anew.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "convert/archives.h"

namespace unclip::testing_archives {

struct Hostile {
  const char* name;
  string file;
  string refusal;
};

inline string repeated(const string& piece, std::size_t count) {
  string all;
  for (std::size_t i = 0; i < count; ++i) all += piece;
  return all;
}

inline string short_text(const string& value) { return "\x8c" + little(value.size(), 1) + value; }
inline const string kCommand = "(" + text("touch hacked") + "t";

// Dictionaries of ten entries, all of which are the next one: 10^depth in all.
inline string laughs(char depth) {
  if (depth == 0) return "}" + text("epoch") + number(1) + "s";
  string dictionary = "}" + text("a") + laughs(static_cast<char>(depth - 1)) + "q" + depth + "s(";
  for (char key = 'b'; key < 'k'; ++key) dictionary += text(string(1, key)) + "h" + depth;
  return dictionary + "u";
}

// 64 names for the same 16 KiB.
inline string shown_many_times() {
  string names =
      "\x80\x02}(" + text("a") + tensor_on(storage("FloatStorage", "0", 4096), 0, {4096}, {1}) + "q\x01";
  for (int i = 0; i < 64; ++i) names += text(std::to_string(i)) + "h\x01";
  std::vector<ZipPart> parts = parts_with(names + "u.");
  parts[2].content = string(16'384, 'x');
  return zip(parts);
}

// Instructions and names that call something.
inline std::vector<Hostile> hostile_calls() {
  const string class_of = global("collections", "OrderedDict");
  const auto case_of = [](const char* name, const string& pickle, const string& refusal) {
    return Hostile{name, archive(pickle), refusal};
  };
  return {
      case_of("os.system", "\x80\x02" + global("os", "system") + kCommand + "R.", "GLOBAL os.system"),
      case_of("posix.system", "\x80\x02" + global("posix", "system") + kCommand + "R.",
              "GLOBAL posix.system"),
      case_of("nt.system", "\x80\x02" + global("nt", "system") + kCommand + "R.", "GLOBAL nt.system"),
      case_of("subprocess", beside_tensor(global("subprocess", "Popen") + kCommand + "R"),
              "GLOBAL subprocess.Popen"),
      case_of("eval", dict(global("builtins", "eval") + kCommand + "R"), "GLOBAL builtins.eval"),
      case_of("exec", dict(global("builtins", "exec") + kCommand + "R"), "GLOBAL builtins.exec"),
      case_of("exec of Python 2", dict(global("__builtin__", "eval") + kCommand + "R"),
              "GLOBAL __builtin__.eval"),
      case_of("getattr", dict(global("builtins", "getattr") + "(" + class_of + text("__class__") + "tR"),
              "GLOBAL builtins.getattr"),
      case_of("__import__", dict(global("builtins", "__import__") + kCommand + "R"),
              "GLOBAL builtins.__import__"),
      case_of("runpy", dict(global("runpy", "_run_code") + kCommand + "R"), "GLOBAL runpy._run_code"),
      case_of("webbrowser", dict(global("webbrowser", "open") + kCommand + "R"), "GLOBAL webbrowser.open"),
      case_of("operator", dict(global("operator", "attrgetter") + kCommand + "R"),
              "GLOBAL operator.attrgetter"),
      case_of("pickle in a pickle", dict(global("pickle", "loads") + "(" + text("cos\nsystem\n.") + "tR"),
              "GLOBAL pickle.loads"),
      case_of("torch.load", dict(global("torch.serialization", "load") + kCommand + "R"),
              "GLOBAL torch.serialization.load"),
      case_of("torch.hub", dict(global("torch.hub", "load") + kCommand + "R"), "GLOBAL torch.hub.load"),
      case_of("numpy", dict(global("numpy.core.multiarray", "_reconstruct") + kCommand + "R"),
              "GLOBAL numpy.core.multiarray._reconstruct"),
      case_of("_codecs.encode", dict(global("_codecs", "encode") + kCommand + "R"), "GLOBAL _codecs.encode"),
      case_of("name with dots", dict(global("torch", "serialization.os.system") + kCommand + "R"),
              "GLOBAL torch.serialization.os.system"),
      case_of("known name split elsewhere", dict(global("", "os.system") + kCommand + "R"),
              "GLOBAL .os.system"),
      case_of("name that steers the terminal", dict(global("os", "\x1b[2Jsystem") + kCommand + "R"),
              "GLOBAL os.\\u001b[2Jsystem"),
      case_of("STACK_GLOBAL", "\x80\x04" + text("os") + text("system") + "\x93" + kCommand + "R.",
              "STACK_GLOBAL"),
      case_of("SHORT_BINUNICODE before it", "\x80\x04" + short_text("os") + short_text("system") + "\x93.",
              "SHORT_BINUNICODE"),
      case_of("INST", "\x80\x02(" + text("touch hacked") + "ios\nsystem\n.", "INST"),
      case_of("OBJ", "\x80\x02(" + class_of + text("x") + "o.", "OBJ"),
      case_of("NEWOBJ", "\x80\x02" + class_of + ")\x81.", "NEWOBJ"),
      case_of("NEWOBJ_EX", "\x80\x04" + class_of + ")}\x92.", "NEWOBJ_EX"),
      case_of("EXT1", string("\x80\x02\x82\x01."), "EXT1"),
      case_of("EXT2", "\x80\x02\x83" + little(1, 2) + ".", "EXT2"),
      case_of("EXT4", "\x80\x02\x84" + little(1, 4) + ".", "EXT4"),
      case_of("PERSID", "\x80\x02Pstorage\n.", "PERSID"),
      case_of("GET", "\x80\x02}q\x01g1\n.", "GET"),
      case_of("PUT", "\x80\x02}p1\n.", "PUT"),
      case_of("DUP", "\x80\x02}2.", "DUP"),
      case_of("POP hides a call", "\x80\x02}0.", "POP"),
      case_of("POP_MARK", "\x80\x02(}1.", "POP_MARK"),
      case_of("STRING", "\x80\x02S'x'\n.", "STRING"),
      case_of("EMPTY_SET", string("\x80\x04\x8f."), "EMPTY_SET"),
      case_of("BYTEARRAY8", "\x80\x05\x96" + little(1, 8) + "x.", "BYTEARRAY8"),
      case_of("buffer out of band", string("\x80\x05\x97."), "NEXT_BUFFER"),
      case_of("read-only buffer", string("\x80\x05\x98."), "READONLY_BUFFER"),
      case_of("frame that is cut", "\x80\x04\x95" + little(1000, 8) + "}.", "FRAME"),
      case_of("no instruction", string("\x80\x02\xff."), "0xff"),
      case_of("REDUCE of a storage class", dict(global("torch", "FloatStorage") + "(" + number(4) + "tR"),
              "REDUCE calls torch.FloatStorage"),
      case_of("REDUCE of a dtype", dict(global("torch", "float32") + ")R"), "REDUCE calls torch.float32"),
      case_of("REDUCE of a string", dict(text("os.system") + kCommand + "R"), "REDUCE calls a string"),
      case_of("__setstate__ by BUILD",
              dict(tensor() + "}" + text("__setstate__") + global("torch", "Size") + "sb"),
              "BUILD on a tensor"),
      case_of("BUILD on a class", dict(class_of + "}b"), "BUILD on a function or class"),
      case_of("BUILD on a plain dictionary", dict("}}b"), "BUILD on a dictionary"),
      case_of("BUILD with slots", dict(kHooks + "N}\x86" + "b"), "found a tuple"),
  };
}

// What is no call, but costs memory, time or disk, or lies about the file.
inline std::vector<Hostile> hostile_values() {
  const auto case_of = [](const char* name, const string& pickle, const string& refusal) {
    return Hostile{name, archive(pickle), refusal};
  };
  const std::int64_t half = std::int64_t{1} << 32;
  const string hooks = "\x89" + kHooks;
  const string view3 = global("torch._utils", "_rebuild_tensor_v3");
  return {
      case_of("empty pickle", "", "is truncated"),
      case_of("no STOP", "\x80\x02}", "is truncated"),
      case_of("bytes behind STOP", dict(tensor()) + "cos\nsystem\n.", "12 bytes follow the pickle"),
      case_of("STOP with more on the stack", "\x80\x02}}.", "STOP leaves objects behind"),
      case_of("STOP without anything", "\x80\x02.", "the stack is empty"),
      case_of("unknown protocol", "\x80\x06}.", "unknown protocol 6"),
      case_of("a tuple below the mark", "\x80\x02}(a.", "the stack is empty"),
      case_of("APPENDS without a mark", "\x80\x02]e.", "no MARK is open"),
      case_of("APPEND on a dictionary", "\x80\x02}Na.", "APPEND on a dictionary"),
      case_of("SETITEM on a list", "\x80\x02]NNs.", "SETITEM on a list"),
      case_of("key without a value", "\x80\x02}(Nu.", "a key without a value"),
      case_of("memo that is not there", "\x80\x02h\x07.", "the memo has no entry 7"),
      case_of("string beyond the file", "\x80\x02X\xff\xff\xff\xff.", "is truncated"),
      case_of("name without an end",
              "\x80\x02"
              "c" +
                  string(5000, 'a'),
              "GLOBAL without an end"),
      case_of("huge LONG4", "\x80\x02\x8b" + little(0x7fffffff, 4) + ".", "LONG4"),
      case_of("negative LONG4", "\x80\x02\x8b" + little(0xffffffff, 4) + ".", "LONG4"),
      case_of("nested marks", "\x80\x02" + string(100'000, '('), "are nested more than 1000 deep"),
      case_of("a million objects", "\x80\x02" + repeated("}", 1'000'001), "more than 1000000 objects"),
      case_of(
          "memo bomb",
          "\x80\x02]" +
              [] {
                string puts;
                for (std::uint64_t i = 0; i < 1'000'001; ++i) puts += "r" + little(i * 4096, 4);
                return puts;
              }() +
              ".",
          "the memo has more than 1000000"),
      case_of("dictionary within itself", "\x80\x02}q\x01" + text("a") + "h\x01s.",
              "dictionaries are nested more than 8 deep"),
      case_of("billion laughs", "\x80\x02" + laughs(7) + ".", "dictionaries have more than 300000 entries"),
      case_of("list within itself",
              "\x80\x02]q\x01h\x01"
              "a.",
              "expected a dictionary of tensors, found a list"),
      case_of("a list for two dictionaries",
              "\x80\x02}(" + text("a") + global("collections", "OrderedDict") + "q\x01](" + text("k") +
                  tensor() +
                  "\x86"
                  "eq\x02\x85R" +
                  text("b") + "h\x01h\x02\x85Ru.",
              "a list makes two dictionaries"),
      case_of("no dictionary", "\x80\x02" + tensor() + ".", "found a tensor"),
      case_of("no tensor", "\x80\x02}" + text("epoch") + number(3) + "s.", "contains no tensors"),
      case_of("tensor twice", "\x80\x02}(" + text("a") + tensor() + text("a") + tensor() + "u.",
              "appears twice"),
      case_of("tensor twice by nesting",
              "\x80\x02}(" + text("a.b") + tensor() + text("a") + "}" + text("b") + tensor() + "su.",
              "appears twice"),
      case_of("name of the metadata", "\x80\x02}" + text("__metadata__") + tensor() + "s.",
              "not a valid tensor name"),
      case_of("name that is not UTF-8", "\x80\x02}U\x02\xff\xfe" + tensor() + "s.",
              "not a valid tensor name"),
      case_of("endless name", "\x80\x02}" + text(string(2000, 'n')) + tensor() + "s.",
              "not a valid tensor name"),
      case_of("persistent id of a module",
              dict("(" + text("module") + global("torch", "Size") + text("a") + text("b") + "tQ"),
              "persistent id of a \"module\""),
      case_of("persistent id that is a string", dict(text("storage") + "Q"),
              "persistent id of a storage, found a string"),
      case_of("empty persistent id", dict(")Q"), "empty persistent id"),
      case_of("short persistent id", dict("(" + text("storage") + "tQ"), "has 1 parts"),
      case_of(
          "storage of a function",
          dict("(" + text("storage") + global("torch", "Size") + text("0") + text("cpu") + number(4) + "tQ"),
          "class of a storage"),
      case_of("quantized storage", dict(tensor_on(storage("QInt8Storage", "0", 4), 0, {4}, {1})),
              "GLOBAL torch.QInt8Storage"),
      case_of("storage of a negative size", dict(tensor_on(storage("FloatStorage", "0", -4), 0, {4}, {1})),
              "the size of a storage, found -4"),
      case_of("storage beyond all files",
              dict(tensor_on(storage("FloatStorage", "0", INT64_MAX), 0, {4}, {1})),
              "too large for any file"),
      case_of("storage larger than its record", dict(tensor_on(storage("FloatStorage", "0", 5), 0, {4}, {1})),
              "has 16 bytes, but the pickle says 20"),
      case_of("storage smaller than its record",
              dict(tensor_on(storage("FloatStorage", "0", 3), 0, {3}, {1})),
              "has 16 bytes, but the pickle says 12"),
      case_of("storage that is not there", dict(tensor_on(storage("FloatStorage", "7", 4), 0, {4}, {1})),
              "no storage archive/data/7"),
      case_of("storage outside the folder",
              dict(tensor_on(storage("FloatStorage", "../../etc/passwd", 4), 0, {4}, {1})),
              "no storage archive/data/../../etc/passwd"),
      case_of("offset beyond the storage", dict(tensor(1)), "needs 5 elements of its storage, which has 4"),
      case_of("negative offset", dict(tensor(-1)), "the offset of a tensor, found -1"),
      case_of("offset that overflows", dict(tensor(INT64_MAX, {4}, {INT64_MAX})), "too large for any file"),
      case_of("shape beyond the storage", dict(tensor(0, {5}, {1})), "needs 5 elements"),
      case_of("negative size", dict(tensor(0, {-4}, {1})), "the shape of a tensor, found -4"),
      case_of("two negative sizes", dict(tensor(0, {-2, -2}, {2, 1})), "the shape of a tensor, found -2"),
      case_of("negative stride", dict(tensor(3, {4}, {-1})), "the strides of a tensor, found -1"),
      case_of("strides beyond the storage", dict(tensor(0, {2, 2}, {3, 1})), "needs 5 elements"),
      case_of("shape whose product overflows", dict(tensor(0, {half, half}, {0, 0})),
              "too large for any file"),
      case_of("shape that overflows to the right size", dict(tensor(0, {half, half, 4}, {0, 0, 1})),
              "too large for any file"),
      case_of("a thousandfold tensor", dict(tensor(0, {1000, 4}, {0, 1})), "repeats those of its storage"),
      case_of("no stride", dict(tensor(0, {4}, {})), "1 axes but 0 strides"),
      case_of("many axes",
              dict(tensor(0, std::vector<std::int64_t>(40, 1), std::vector<std::int64_t>(40, 1))), "40 axes"),
      case_of("size that is a string",
              dict(global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("FloatStorage", "0", 4) +
                   number(0) + "(" + text("4") + "t" + tuple({1}) + hooks + "tR"),
              "the shape of a tensor, found a string"),
      case_of("size of 80 bits",
              dict(global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("FloatStorage", "0", 4) +
                   number(0) + "(\x8a\x0a" + string(10, '\1') + "t" + tuple({1}) + hooks + "tR"),
              "found a large integer"),
      case_of(
          "tensor of few arguments",
          dict(global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("FloatStorage", "0", 4) + "tR"),
          "with 1 arguments"),
      case_of("tensor on a string",
              dict(global("torch._utils", "_rebuild_tensor_v2") + "(" + text("0") + number(0) + tuple({4}) +
                   tuple({1}) + hooks + "tR"),
              "the storage of a tensor"),
      case_of("negated tensor",
              dict(global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("FloatStorage", "0", 4) +
                   number(0) + tuple({4}) + tuple({1}) + hooks + "}" + text("neg") + "\x88stR"),
              "metadata"),
      case_of("tensor of a class as dtype",
              dict(view3 + "(" + storage("FloatStorage", "0", 4) + number(0) + tuple({4}) + tuple({1}) +
                   hooks + global("torch", "Size") + "tR"),
              "expected a dtype"),
      case_of("parameter of a number",
              dict(global("torch._utils", "_rebuild_parameter") + "(" + number(1) + hooks + "tR"),
              "the tensor of a parameter"),
  };
}

// Zip files and rows of pickles that are no checkpoints, or two at once.
inline std::vector<Hostile> hostile_archives() {
  const string good = dict(tensor());
  const string whole = archive(good);
  std::vector<ZipPart> twice = parts_with(good), two_pickles = parts_with(good), script = parts_with(good);
  twice.push_back(twice[2]);
  two_pickles.push_back({.name = "other/data.pkl", .content = good});
  script.push_back({.name = "archive/constants.pkl", .content = good});
  std::vector<ZipPart> overlap = parts_with(good);
  overlap[2].local_extra = little(0xbeef, 2) + little(80, 2) + string(80, 'x');
  string comment = whole;
  comment += "PK";
  return {
      {"nothing", "", "is truncated"},
      {"text", "hello", "the memo has no entry 101"},
      {"plain pickle", "\x80\x04\x95" + little(1, 8) + "}.", "FRAME"},
      {"tar of torch 0.1", "storages" + string(249, '\0') + "ustar" + string(250, '\0'), "tar layout"},
      {"zip that is cut", whole.substr(0, whole.size() - 10), "no end-of-directory record"},
      {"zip with bytes behind it", comment, "no end-of-directory record"},
      {"bytes between directory and end",
       whole.substr(0, whole.size() - 22) + "x" + whole.substr(whole.size() - 22), "directory does not end"},
      {"zip without a pickle", zip({{.name = "archive/version", .content = "3"}}), "without data.pkl"},
      {"pickle in no folder", zip({{.name = "data.pkl", .content = good}}), "without data.pkl"},
      {"two pickles", zip(two_pickles), "two pickles"},
      {"TorchScript", zip(script), "TorchScript"},
      {"entry twice", zip(twice), "appears twice"},
      {"zip slip", edited(3, [](ZipPart& p) { p.name = "archive/../../x"; }), "unsafe name"},
      {"absolute name", edited(3, [](ZipPart& p) { p.name = "/etc/passwd"; }), "unsafe name"},
      {"name with a backslash", edited(3, [](ZipPart& p) { p.name = "archive\\..\\x"; }), "unsafe name"},
      {"name with a NUL", edited(3, [](ZipPart& p) { p.name = string("archive/x\0y", 11); }), "unsafe name"},
      {"two names", edited(0, [](ZipPart& p) { p.local_name = "archive/data.pkx"; }),
       "another name in its header"},
      {"wrong checksum of the pickle", edited(0, [](ZipPart& p) { p.crc = 1; }),
       "archive/data.pkl is damaged"},
      {"wrong checksum of a storage", edited(2, [](ZipPart& p) { p.crc = 1; }), "archive/data/0 is damaged"},
      {"compressed pickle", edited(0, [](ZipPart& p) { p.method = 8; }), "compressed (method 8)"},
      {"encrypted entry", edited(2, [](ZipPart& p) { p.flags = 1; }), "encrypted"},
      {"entry beyond the file", edited(2, [](ZipPart& p) { p.size = 1 << 30; }), "more than are there"},
      {"entry of 2^64 bytes",
       edited(2,
              [](ZipPart& p) {
                p.size = ~std::uint64_t{0};
                p.zip64 = true;
              }),
       "more than are there"},
      {"header beyond the file", edited(2, [](ZipPart& p) { p.local = 1 << 30; }), "lies outside the file"},
      {"header of 2^64",
       edited(2,
              [](ZipPart& p) {
                p.local = ~std::uint64_t{0};
                p.zip64 = true;
              }),
       "lies outside the file"},
      {"no header", edited(0, [](ZipPart& p) { p.local = 4; }), "no local header"},
      {"overlapping entries", edited(0, [](ZipPart& p) { p.size = p.content.size() + 40; }), "overlaps"},
      {"large size without its field", edited(2, [](ZipPart& p) { p.size = 0xffffffff; }), "Zip64 field"},
      {"same bytes shown many times", shown_many_times(), "more than 16 times"},
      {"big-endian", edited(1, [](ZipPart& p) { p.content = "big"; }), "byte order \"big\""},
      {"code in the old layout", legacy("\x80\x02" + global("os", "system") + kCommand + "R."),
       "GLOBAL os.system"},
      {"code in the first pickle", "\x80\x02" + global("os", "system") + kCommand + "R.", "GLOBAL os.system"},
      {"code in the list of storages", legacy(good, "\x80\x02" + global("os", "system") + kCommand + "R."),
       "GLOBAL os.system"},
      {"code in what follows the magic", kMagic + "\x80\x02" + global("os", "system") + kCommand + "R.",
       "GLOBAL os.system"},
      {"unknown version", kMagic + "\x80\x02" + number(1002) + ".", "unknown version"},
      {"old and big-endian", kMagic + kVersion + machine(false) + good, "big-endian"},
      {"old without storages", legacy(good, "\x80\x02].", ""), "no storage 0"},
      {"old storage that is cut",
       legacy(good, "\x80\x02]" + text("0") + "a.", little(4, 8) + kFourFloats.substr(1)),
       "the storage 0 of 16 bytes is truncated"},
      {"old storage without a size", legacy(good, "\x80\x02]" + text("0") + "a.", little(4, 4)),
       "is truncated"},
      {"old storage of another size",
       legacy(good, "\x80\x02]" + text("0") + "a.", little(3, 8) + kFourFloats),
       "has 3 elements, but the pickle says 4"},
      {"old storage of a negative size",
       legacy(good, "\x80\x02]" + text("0") + "a.", little(~std::uint64_t{0}, 8) + kFourFloats),
       "but the pickle says 4"},
      {"old storage twice",
       legacy(good, "\x80\x02](" + text("0") + text("0") + "e.", repeated(little(4, 8) + kFourFloats, 2)),
       "appears twice"},
      {"old storage of no tensor",
       legacy(good, "\x80\x02](" + text("0") + text("1") + "e.", repeated(little(4, 8) + kFourFloats, 2)),
       "no tensor uses: 1"},
      {"bytes behind the old storages", legacy(good) + "x", "1 bytes follow the last storage"},
  };
}

inline std::vector<Hostile> hostile_checkpoints() {
  std::vector<Hostile> all = hostile_calls();
  for (const auto& more : {hostile_values(), hostile_archives()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace unclip::testing_archives
