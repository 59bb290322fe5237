// Digests of kernels' machine code.
#include "harness/gate/code_hash.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <regex>

#include "harness/files.h"
#include "reference/numeric/digest.h"

namespace plumb {
namespace {

using Bytes = std::span<const std::byte>;

template <class Struct>
std::optional<Struct> read_at(Bytes file, std::size_t offset) {
  Struct value;
  if (offset > file.size() || file.size() - offset < sizeof value) return std::nullopt;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

Bytes content_of(Bytes file, const Elf64_Shdr& section) {
  if (section.sh_type == SHT_NOBITS || section.sh_offset > file.size() ||
      section.sh_size > file.size() - section.sh_offset) {
    return {};
  }
  return file.subspan(section.sh_offset, section.sh_size);
}

std::string text_at(Bytes strings, std::size_t offset) {
  if (offset >= strings.size()) return "";
  const auto* begin = reinterpret_cast<const char*>(strings.data()) + offset;
  return {begin, strnlen(begin, strings.size() - offset)};
}

struct Cubin {
  Bytes file;
  std::vector<Elf64_Shdr> sections;
  std::vector<std::string> names;
};

std::optional<Cubin> parse(Bytes file) {
  const auto header = read_at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_shentsize != sizeof(Elf64_Shdr)) {
    return std::nullopt;
  }
  Cubin cubin{.file = file, .sections = {}, .names = {}};
  // More than 0xff00 sections are counted in the first section's header, and so is the place of their names.
  const auto first = read_at<Elf64_Shdr>(file, header->e_shoff);
  if (!first) return std::nullopt;
  const std::size_t count = header->e_shnum ? header->e_shnum : first->sh_size;
  const std::size_t names = header->e_shstrndx == SHN_XINDEX ? first->sh_link : header->e_shstrndx;
  for (std::size_t i = 0; i < count; ++i) {
    const auto section = read_at<Elf64_Shdr>(file, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!section) return std::nullopt;
    cubin.sections.push_back(*section);
  }
  if (names >= cubin.sections.size()) return std::nullopt;
  const Bytes strings = content_of(file, cubin.sections[names]);
  for (const Elf64_Shdr& section : cubin.sections) cubin.names.push_back(text_at(strings, section.sh_name));
  return cubin;
}

void append(std::vector<std::byte>& to, const void* from, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(from);
  to.insert(to.end(), first, first + bytes);
}

void append(std::vector<std::byte>& to, std::string_view text) {
  append(to, text.data(), text.size());
  to.push_back(std::byte{0});
}

// Relocations of a section, each as place, kind, symbol's name and addend.
void append_relocations(std::vector<std::byte>& to, const Cubin& cubin, const Elf64_Shdr& section) {
  if (section.sh_link >= cubin.sections.size()) return;
  const Elf64_Shdr& table = cubin.sections[section.sh_link];
  if (table.sh_link >= cubin.sections.size()) return;
  const Bytes symbols = content_of(cubin.file, table);
  const Bytes strings = content_of(cubin.file, cubin.sections[table.sh_link]);
  const bool with_addend = section.sh_type == SHT_RELA;
  const std::size_t step = with_addend ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
  const Bytes entries = content_of(cubin.file, section);
  for (std::size_t at = 0; at + step <= entries.size(); at += step) {
    Elf64_Rela entry{};
    std::memcpy(&entry, entries.data() + at, step);
    const auto symbol = read_at<Elf64_Sym>(symbols, ELF64_R_SYM(entry.r_info) * sizeof(Elf64_Sym));
    const std::uint64_t numbers[] = {entry.r_offset, ELF64_R_TYPE(entry.r_info),
                                     static_cast<std::uint64_t>(entry.r_addend)};
    append(to, numbers, sizeof numbers);
    append(to, symbol ? portable_name(text_at(strings, symbol->st_name)) : "?");
  }
}

// The fat binaries in a shared library, one for each translation unit: a header with magic number, version, its own
// size and that of what follows it. cuobjdump would give cubins of units that have one file name one name.
std::vector<Bytes> fat_binaries(Bytes library) {
  struct Header {
    std::uint32_t magic;
    std::uint16_t version, header_bytes;
    std::uint64_t bytes;
  };
  constexpr std::uint32_t kMagic = 0xba55ed50;
  std::vector<Bytes> found;
  const std::optional<Cubin> host = parse(library);
  if (!host) return found;
  for (std::size_t i = 0; i < host->names.size(); ++i) {
    if (host->names[i] != ".nv_fatbin") continue;
    const Bytes section = content_of(library, host->sections[i]);
    for (std::size_t at = 0; at + sizeof(Header) <= section.size();) {
      const Header header = *read_at<Header>(section, at);
      const std::size_t whole = header.header_bytes + header.bytes;
      if (header.magic != kMagic || whole > section.size() - at) {
        at += 8;  // padding between them
        continue;
      }
      found.push_back(section.subspan(at, whole));
      at += whole;
    }
  }
  return found;
}

// The cubins of a fat binary, where they lie there plainly; nothing where one is compressed. Each entry has a kind
// (2: machine code), the size of its own header and that of its content.
std::optional<std::vector<Bytes>> plain_cubins(Bytes fat_binary) {
  struct Entry {
    std::uint16_t kind, version;
    std::uint32_t header_bytes;
    std::uint64_t bytes;
  };
  constexpr std::uint16_t kMachineCode = 2;
  std::vector<Bytes> cubins;
  for (std::size_t at = 16; at + sizeof(Entry) <= fat_binary.size();) {
    const Entry entry = *read_at<Entry>(fat_binary, at);
    const std::size_t left = fat_binary.size() - at;
    if (entry.header_bytes < sizeof(Entry) || entry.header_bytes > left ||
        entry.bytes > left - entry.header_bytes) {
      return std::nullopt;
    }
    const Bytes content = fat_binary.subspan(at + entry.header_bytes, entry.bytes);
    if (entry.kind == kMachineCode) {
      if (!parse(content)) return std::nullopt;
      cubins.push_back(content);
    }
    at += entry.header_bytes + entry.bytes;
  }
  return cubins;
}

// cuobjdump in a folder of its own, silent. False when it is not there or fails.
bool extract(const std::string& fat_binary, const std::string& folder) {
  for (const char* program : {"cuobjdump", "/usr/local/cuda/bin/cuobjdump"}) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    std::string words[] = {program, "-xelf", "all", std::filesystem::absolute(fat_binary).string()};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    pid_t child = -1;
    const int failed = posix_spawnp(&child, program, &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed) continue;
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  }
  return false;
}

}  // namespace

std::string portable_name(std::string_view mangled) {
  // nvcc names an anonymous namespace _GLOBAL__N__<hash>_<length>_<file>_<hash>[_<number>], its length in front.
  static const std::regex internal(
      "[0-9]*_GLOBAL__N__[0-9a-f]{8}_[0-9]+_([A-Za-z0-9_]*?)_cu_[0-9a-f]{8}(_[0-9]+)?");
  return std::regex_replace(std::string(mangled), internal, "(anonymous:$1)");
}

KernelHashes hashes_of_cubin(std::span<const std::byte> file) {
  const std::optional<Cubin> cubin = parse(file);
  if (!cubin) return {};
  std::map<std::string, std::vector<std::pair<std::string, std::size_t>>> parts;  // kernel -> role, section
  for (std::size_t i = 0; i < cubin->names.size(); ++i) {
    if (cubin->names[i].rfind(".text.", 0) == 0) parts[cubin->names[i].substr(6)].emplace_back("text", i);
  }
  const auto add = [&](std::size_t i, std::string_view prefix, const char* role, bool numbered) {
    std::string_view rest = cubin->names[i];
    if (rest.rfind(prefix, 0) != 0) return;
    rest.remove_prefix(prefix.size());
    std::string full = role;
    if (numbered) {
      const std::size_t dot = rest.find('.');
      if (dot == std::string_view::npos) return;
      full += rest.substr(0, dot);
      rest.remove_prefix(dot);
    }
    if (rest.empty()) return;
    if (const auto kernel = parts.find(std::string(rest.substr(1))); kernel != parts.end()) {
      kernel->second.emplace_back(full, i);
    }
  };
  for (std::size_t i = 0; i < cubin->names.size(); ++i) {
    add(i, ".nv.constant", "constant", true);  // .nv.constant0.<kernel>
    add(i, ".nv.shared", "shared", false);
    add(i, ".rel.text", "relocations", false);
    add(i, ".rela.text", "relocations with addends", false);
  }
  KernelHashes hashes;
  for (auto& [kernel, sections] : parts) {
    std::sort(sections.begin(), sections.end());
    std::vector<std::byte> whole;
    for (const auto& [role, i] : sections) {
      const Elf64_Shdr& section = cubin->sections[i];
      append(whole, role);
      append(whole, &section.sh_size, sizeof section.sh_size);
      if (role == "text") {
        const std::uint32_t registers = section.sh_info >> 24;  // the rest is a symbol's place
        append(whole, &registers, sizeof registers);
        append(whole, &section.sh_flags, sizeof section.sh_flags);  // with the number of barriers
      }
      if (role.rfind("relocations", 0) == 0) {
        append_relocations(whole, *cubin, section);
      } else {
        const Bytes content = content_of(cubin->file, section);
        append(whole, content.data(), content.size());
      }
    }
    hashes[portable_name(kernel)] += to_hex(murmur3_128(whole));
  }
  return hashes;
}

std::optional<KernelHashes> kernel_hashes(const std::string& library) {
  std::string folder = (std::filesystem::temp_directory_path() / "plumbline_code_XXXXXX").string();
  if (!mkdtemp(folder.data())) return std::nullopt;
  const std::string content = read_file(library);
  std::optional<KernelHashes> all = KernelHashes();
  const auto add = [&](Bytes cubin) {
    for (const auto& [kernel, hash] : hashes_of_cubin(cubin)) (*all)[kernel] += hash;
  };
  for (const Bytes binary : fat_binaries(std::as_bytes(std::span(content)))) {
    if (const auto plain = plain_cubins(binary)) {
      for (const Bytes cubin : *plain) add(cubin);
      continue;
    }
    const std::string file = folder + "/unit.fatbin", cubins = folder + "/cubins";
    write_file(file, {reinterpret_cast<const char*>(binary.data()), binary.size()});
    std::filesystem::create_directory(cubins);
    if (!extract(file, cubins)) {
      all.reset();
      break;
    }
    std::vector<std::string> files;  // one for each architecture
    for (const auto& entry : std::filesystem::directory_iterator(cubins)) files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    for (const std::string& name : files) {
      const std::string cubin = read_file(name);
      add(std::as_bytes(std::span(cubin)));
    }
    std::filesystem::remove_all(cubins);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return all && !all->empty() ? all : std::nullopt;
}

std::optional<bool> same_code(const std::optional<KernelHashes>& baseline, const std::vector<std::string>& kernels,
                              const std::optional<KernelHashes>& candidate,
                              const std::vector<std::string>& others) {
  if (!baseline || !candidate || kernels.empty() || others.empty()) return std::nullopt;
  const auto known = [](const KernelHashes& hashes, const std::vector<std::string>& names) {
    std::vector<std::string> found;
    for (const std::string& name : names) {
      const std::size_t space = std::min(name.find(' '), name.size());
      const auto hash = hashes.find(portable_name(name.substr(0, space)));
      if (hash == hashes.end()) return std::vector<std::string>{};
      found.push_back(hash->second + name.substr(space));
    }
    std::sort(found.begin(), found.end());
    return found;
  };
  const auto left = known(*baseline, kernels), right = known(*candidate, others);
  if (left.empty() || right.empty()) return std::nullopt;
  return left == right;
}

}  // namespace plumb
