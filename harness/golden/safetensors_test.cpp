// The safetensors layout, byte by byte, and the samples written in it.
#include "harness/golden/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "harness/files.h"
#include "harness/golden/sample.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;
using testing_support::OwnedTensor;
using testing_support::TemporaryFolder;
using testing_support::tensor_of;

struct Parsed {
  std::uint64_t header_length = 0;
  nlohmann::json header;
  std::string data;
};

Parsed parse(const std::string& bytes) {
  Parsed parsed;
  std::memcpy(&parsed.header_length, bytes.data(), 8);
  parsed.header = nlohmann::json::parse(bytes.substr(8, parsed.header_length));
  parsed.data = bytes.substr(8 + parsed.header_length);
  return parsed;
}

TEST(Safetensors, HasALengthAHeaderAndDenseData) {
  OwnedTensor strided(PLUMB_F32, {2, 3}, {8, 2}), integers(PLUMB_I64, {2});
  for (std::int64_t i = 0; i < 6; ++i) strided.set(i, static_cast<double>(i + 1));
  const std::int64_t numbers[] = {-1, std::int64_t{1} << 40};
  std::memcpy(integers.bytes().data(), numbers, sizeof numbers);
  const OwnedTensor half = tensor_of(PLUMB_BF16, {1.0, -2.0, 3.0});
  const TemporaryFolder folder;
  write_safetensors(
      folder / "file.safetensors",
      {{"b", strided.view()}, {"absent", absent_tensor()}, {"c", half.view()}, {"a", integers.view()}},
      {{"case", "made up"}});
  const std::string bytes = read_file(folder / "file.safetensors");
  const Parsed file = parse(bytes);
  EXPECT_EQ(file.header_length % 8, 0u);
  EXPECT_EQ(bytes[8], '{');  // the format wants the header to begin so
  EXPECT_EQ(file.header.size(), 4u);
  EXPECT_EQ(file.header["__metadata__"], (nlohmann::json{{"case", "made up"}}));
  EXPECT_EQ(file.header["b"], (nlohmann::json{{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}));
  EXPECT_EQ(file.header["c"], (nlohmann::json{{"dtype", "BF16"}, {"shape", {3}}, {"data_offsets", {24, 30}}}));
  EXPECT_EQ(file.header["a"], (nlohmann::json{{"dtype", "I64"}, {"shape", {2}}, {"data_offsets", {30, 46}}}));
  ASSERT_EQ(file.data.size(), 46u);
  const float dense[] = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(std::memcmp(file.data.data(), dense, sizeof dense), 0);
  const std::uint16_t halves[] = {0x3f80, 0xc000, 0x4040};
  EXPECT_EQ(std::memcmp(file.data.data() + 24, halves, sizeof halves), 0);
  EXPECT_EQ(std::memcmp(file.data.data() + 30, numbers, sizeof numbers), 0);
}

TEST(Safetensors, EmptyTensorsTakeNoBytes) {
  const TemporaryFolder folder;
  float unused = 0;
  write_safetensors(folder / "file", {{"e", make_tensor(&unused, PLUMB_F32, {0, 4})}}, {});
  const Parsed file = parse(read_file(folder / "file"));
  EXPECT_EQ(file.header["e"], (nlohmann::json{{"dtype", "F32"}, {"shape", {0, 4}}, {"data_offsets", {0, 0}}}));
  EXPECT_EQ(file.data.size(), 0u);
}

TEST(Safetensors, FailsWhereItCannotWrite) {
  EXPECT_NE(complaint_of([] { write_safetensors("/proc/no/file", {}, {}); }).find("cannot be written"),
            std::string::npos);
}

TEST(Samples, HoldInputsTheReplaysOutputsAndTheOraclesValues) {
  const TemporaryFolder folder;
  const int count = write_samples(folder.path());
  EXPECT_GE(count, 4);
  EXPECT_EQ(folder.entries(), static_cast<std::size_t>(count));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    const Parsed file = parse(read_file(entry.path()));
    EXPECT_TRUE(file.header["__metadata__"].contains("case"));
    std::uint64_t end = 0;
    int expected = 0;
    for (const auto& [name, tensor] : file.header.items()) {
      if (name == "__metadata__") continue;
      end = std::max(end, tensor["data_offsets"][1].get<std::uint64_t>());
      if (!name.ends_with(".expected")) continue;
      ++expected;
      const auto& oracle = file.header[name.substr(0, name.rfind('.')) + ".oracle"];
      EXPECT_EQ(oracle["shape"], tensor["shape"]) << entry.path();
      EXPECT_EQ(oracle["dtype"], "F32");
    }
    EXPECT_GE(expected, 1) << entry.path();
    EXPECT_EQ(end, file.data.size()) << entry.path();
  }
}

}  // namespace
}  // namespace plumb
