// Digests of machine code: of a cubin made by hand, of real ones where nvcc is, and of what is none.
#include "harness/gate/code_hash.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "harness/files.h"
#include "harness/testing.h"

namespace plumb {
namespace {

struct Section {
  std::string name, content;
};

// An ELF file with these sections and nothing else.
std::string cubin_of(std::vector<Section> sections) {
  sections.insert(sections.begin(), {"", ""});
  std::string names;
  std::vector<std::size_t> name_at;
  sections.push_back({".shstrtab", ""});
  for (const Section& section : sections) {
    name_at.push_back(names.size());
    names += section.name + '\0';
  }
  sections.back().content = names;
  std::string body(sizeof(Elf64_Ehdr), '\0');
  std::vector<Elf64_Shdr> headers;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<Elf64_Word>(name_at[i]);
    header.sh_type = SHT_PROGBITS;
    header.sh_offset = body.size();
    header.sh_size = sections[i].content.size();
    headers.push_back(header);
    body += sections[i].content;
  }
  Elf64_Ehdr file{};
  std::memcpy(file.e_ident, ELFMAG, SELFMAG);
  file.e_ident[EI_CLASS] = ELFCLASS64;
  file.e_shoff = body.size();
  file.e_shentsize = sizeof(Elf64_Shdr);
  file.e_shnum = static_cast<Elf64_Half>(headers.size());
  file.e_shstrndx = static_cast<Elf64_Half>(headers.size() - 1);
  std::memcpy(body.data(), &file, sizeof file);
  return body.append(reinterpret_cast<const char*>(headers.data()), headers.size() * sizeof(Elf64_Shdr));
}

KernelHashes hashes(const std::string& file) { return hashes_of_cubin(std::as_bytes(std::span(file))); }

TEST(CodeHash, SeesTheCodeAndItsConstantsAndNothingElse) {
  const KernelHashes first =
      hashes(cubin_of({{".text.k", "code"}, {".nv.constant0.k", "c"}, {".debug_line", "x"}}));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(hashes(cubin_of({{".debug_line", "other"}, {".text.k", "code"}, {".nv.constant0.k", "c"}})), first);
  EXPECT_NE(hashes(cubin_of({{".text.k", "cod2"}, {".nv.constant0.k", "c"}})), first);
  EXPECT_NE(hashes(cubin_of({{".text.k", "code"}, {".nv.constant0.k", "d"}})), first);
  EXPECT_NE(hashes(cubin_of({{".text.k", "code"}, {".nv.constant3.k", "c"}})), first);
  EXPECT_EQ(hashes(cubin_of({{".text.k", "code"}, {".text.l", "code"}})).size(), 2u);
}

TEST(CodeHash, DamagedFilesAreNoCubins) {
  const std::string whole = cubin_of({{".text.k", "code"}, {".nv.constant0.k", "c"}});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(hashes(whole.substr(0, length)).empty()) << length;
  }
}

TEST(CodeHash, NamesLoseTheBuildsPath) {
  const std::string one = "_ZN44_GLOBAL__N__c5c3c271_11_variants_cu_975d325d6kernelEv";
  const std::string two = "_ZN44_GLOBAL__N__00000000_11_variants_cu_ffffffff6kernelEv";
  EXPECT_EQ(portable_name(one), portable_name(two));
  EXPECT_NE(portable_name(one), portable_name("_ZN42_GLOBAL__N__c5c3c271_9_direct_cu_975d325d6kernelEv"));
  EXPECT_EQ(portable_name("_ZN5plumb6kernelEv"), "_ZN5plumb6kernelEv");
}

TEST(CodeHash, SameCodeAsksForAllKernelsAndTheirShapes) {
  const KernelHashes a = {{"k", "1"}, {"l", "2"}}, b = {{"k", "1"}, {"l", "3"}};
  EXPECT_EQ(same_code(a, {"k <<<1>>>"}, b, {"k <<<1>>>"}), true);
  EXPECT_EQ(same_code(a, {"k <<<1>>>"}, b, {"k <<<2>>>"}), false);
  EXPECT_EQ(same_code(a, {"k <<<1>>>", "l <<<1>>>"}, b, {"k <<<1>>>", "l <<<1>>>"}), false);
  EXPECT_EQ(same_code(a, {"k <<<1>>>", "l <<<1>>>"}, b, {"k <<<1>>>"}), false);
  EXPECT_EQ(same_code(a, {"m <<<1>>>"}, b, {"m <<<1>>>"}), std::nullopt);
  EXPECT_EQ(same_code(a, {}, b, {}), std::nullopt);
  EXPECT_EQ(same_code(std::nullopt, {"k <<<1>>>"}, b, {"k <<<1>>>"}), std::nullopt);
}

TEST(CodeHash, ReadsALibrary) {
  const std::string folder = PLUMBLINE_TEST_LIBRARIES;
  EXPECT_EQ(kernel_hashes(folder + "/libtiny.so"), std::nullopt);  // no device code
  if (!std::filesystem::exists(folder + "/libslowed_10.so")) GTEST_SKIP() << "built without CUDA";
  const auto slow = kernel_hashes(folder + "/libslowed_10.so");
  ASSERT_TRUE(slow);
  ASSERT_EQ(slow->size(), 2u);  // its two kernels, which differ by an argument alone
  EXPECT_EQ(slow, kernel_hashes(folder + "/libslowed_0.so"));
  const auto moody = kernel_hashes(folder + "/libmoody.so");
  ASSERT_TRUE(moody);
  EXPECT_EQ(moody->size(), 1u);
}

}  // namespace
}  // namespace plumb
