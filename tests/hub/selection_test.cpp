// Which files are chosen from listings like those of the real repositories.
#include "hub/selection.h"

#include <gtest/gtest.h>

#include <set>

#include "refusal.h"

namespace unclip {
namespace {

using Names = std::set<std::string>;

constexpr const char* kIndex =
    R"({"_class_name": "UnCLIPPipeline", "prior": ["diffusers", "PriorTransformer"],
  "tokenizer": ["transformers", "CLIPTokenizer"], "safety_checker": [null, null], "scale": 3})";

RepoListing listing_of(const Names& names) {
  RepoListing out;
  for (const std::string& name : names)
    out.files.push_back({.name = name, .size = 10, .etag = std::string(40, 'a')});
  return out;
}

Names chosen(const Names& names, DtypeChoice dtype = DtypeChoice::automatic) {
  Names out;
  const Selection selection = select_files(listing_of(names), kIndex, dtype);
  EXPECT_TRUE(selection.pickles.empty());
  for (const RemoteFile& file : selection.files) out.insert(file.name);
  EXPECT_EQ(selection.bytes(), 10 * out.size());
  return out;
}

const Names kSettings{"model_index.json",
                      "prior/config.json",
                      "tokenizer/merges.txt",
                      "tokenizer/sentencepiece.bpe.model",
                      "tokenizer/tokenizer_config.json",
                      "tokenizer/vocab.json"};

Names with(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

const Names kVariants{"prior/diffusion_pytorch_model.safetensors",
                      "prior/diffusion_pytorch_model.fp16.safetensors", "prior/diffusion_pytorch_model.bin",
                      "prior/diffusion_pytorch_model.fp16.bin"};

TEST(Selection, LeavesOutWhatNoComponentNeeds) {
  const Names other{"README.md",
                    ".gitattributes",
                    "karlo.ckpt",
                    "karlo.safetensors",
                    "safety_checker/model.safetensors",
                    "other/config.json",
                    "prior/diffusion_pytorch_model.non_ema.safetensors",
                    "prior/deep/config.json",
                    "prior/run.py",
                    "prior/flax_model.msgpack"};
  const Names weights{"prior/diffusion_pytorch_model.safetensors"};
  EXPECT_EQ(chosen(with(with(kSettings, other), weights)), with(kSettings, weights));
}

TEST(Selection, TakesOneNumberFormat) {
  const Names full{"prior/diffusion_pytorch_model.safetensors"},
      half{"prior/diffusion_pytorch_model.fp16.safetensors"};
  EXPECT_EQ(chosen(kVariants), with({}, full));
  EXPECT_EQ(chosen(kVariants, DtypeChoice::f32), full);
  EXPECT_EQ(chosen(kVariants, DtypeChoice::f16), half);
  EXPECT_EQ(chosen(kVariants, DtypeChoice::bf16), half);
  EXPECT_EQ(chosen(half, DtypeChoice::f32), half) << "there is nothing else";
  EXPECT_EQ(chosen(full, DtypeChoice::f16), full);
}

TEST(Selection, TakesShardsWithTheirIndex) {
  const Names full{"prior/model-00001-of-00002.safetensors", "prior/model-00002-of-00002.safetensors",
                   "prior/model.safetensors.index.json"};
  const Names half{"prior/model.fp16-00001-of-00002.safetensors",
                   "prior/model.fp16-00002-of-00002.safetensors", "prior/model.safetensors.index.fp16.json"};
  const Names both = with(with(full, half), {"prior/pytorch_model.bin.index.json"});
  EXPECT_EQ(chosen(both), full);
  EXPECT_EQ(chosen(both, DtypeChoice::f16), half);
}

TEST(Selection, TakesCheckpointsOnlyOfComponentsWithoutSafetensors) {
  const auto pickles = [](const Names& names, DtypeChoice dtype) {
    Names out;
    for (const RemoteFile& file : select_files(listing_of(names), kIndex, dtype).pickles)
      out.insert(file.name);
    return out;
  };
  const Names full{"prior/diffusion_pytorch_model.bin"}, half{"prior/diffusion_pytorch_model.fp16.bin"};
  EXPECT_EQ(pickles(with(full, half), DtypeChoice::f32), full);
  EXPECT_EQ(pickles(with(full, half), DtypeChoice::f16), half);
  EXPECT_EQ(pickles(half, DtypeChoice::f32), half);
  const Names parts{"prior/pytorch_model-00001-of-00002.bin", "prior/pytorch_model-00002-of-00002.bin",
                    "prior/pytorch_model.bin.index.json"};
  EXPECT_EQ(pickles(with(parts, {"prior/training_args.bin", "prior/old.ckpt", "other/pytorch_model.bin"}),
                    DtypeChoice::f32),
            parts);
  EXPECT_EQ(pickles(with(full, {"prior/model.safetensors"}), DtypeChoice::f32), Names{});
}

TEST(Selection, RefusesABadIndex) {
  for (const char* bad : {"", "[]", "{", "\"prior\""})
    expect_refusal(ExitCode::model, "model_index.json",
                   [&] { select_files(listing_of({}), bad, DtypeChoice::automatic); });
}

}  // namespace
}  // namespace unclip
