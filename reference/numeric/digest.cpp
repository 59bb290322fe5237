// MurmurHash3_x64_128 as a stream, and the walk over strided tensors that feeds it.
#include "reference/numeric/digest.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "reference/numeric/dtype.h"
#include "reference/numeric/tensor.h"

namespace plumb {
namespace {

static_assert(std::endian::native == std::endian::little, "digests are defined on little-endian bytes");

constexpr std::uint64_t kFactor1 = 0x87c37b91114253d5u, kFactor2 = 0x4cf5ad432745937fu;

std::uint64_t mix1(std::uint64_t k) { return std::rotl(k * kFactor1, 31) * kFactor2; }
std::uint64_t mix2(std::uint64_t k) { return std::rotl(k * kFactor2, 33) * kFactor1; }

std::uint64_t finish(std::uint64_t k) {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccdu;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53u;
  return k ^ (k >> 33);
}

// The hash of everything appended so far; appending in pieces gives the same as appending at once.
class Murmur3 {
 public:
  explicit Murmur3(std::uint32_t seed = 0) : h1_(seed), h2_(seed) {}

  void append(std::span<const std::byte> bytes) {
    length_ += bytes.size();
    if (held_ > 0) {
      const std::size_t taken = std::min(kBlock - held_, bytes.size());
      std::memcpy(tail_.data() + held_, bytes.data(), taken);
      held_ += taken;
      bytes = bytes.subspan(taken);
      if (held_ < kBlock) return;
      mix_blocks(tail_);
    }
    const std::size_t whole = bytes.size() / kBlock * kBlock;
    mix_blocks(bytes.first(whole));
    held_ = bytes.size() - whole;
    if (held_ > 0) std::memcpy(tail_.data(), bytes.data() + whole, held_);
  }

  Digest digest() const {
    std::array<std::uint64_t, 2> last{};  // the tail padded with zeros: mixing a zero word changes nothing
    std::memcpy(last.data(), tail_.data(), held_);
    std::uint64_t h1 = h1_ ^ mix1(last[0]) ^ length_;
    std::uint64_t h2 = h2_ ^ mix2(last[1]) ^ length_;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 += h2;
    return {h1, h2 + h1};
  }

 private:
  static constexpr std::size_t kBlock = 16;

  void mix_blocks(std::span<const std::byte> blocks) {
    std::uint64_t h1 = h1_, h2 = h2_;
    for (std::size_t at = 0; at < blocks.size(); at += kBlock) {
      std::array<std::uint64_t, 2> k;
      std::memcpy(k.data(), blocks.data() + at, kBlock);
      h1 = (std::rotl(h1 ^ mix1(k[0]), 27) + h2) * 5 + 0x52dce729u;
      h2 = (std::rotl(h2 ^ mix2(k[1]), 31) + h1) * 5 + 0x38495ab5u;
    }
    h1_ = h1;
    h2_ = h2;
  }

  std::uint64_t h1_, h2_, length_ = 0;
  std::size_t held_ = 0;
  std::array<std::byte, kBlock> tail_;
};

// Appends numbers one by one through a buffer, so that the hash sees long runs of bytes.
template <class Word>
class Gather {
 public:
  explicit Gather(Murmur3& hash) : hash_(hash) {}

  template <class Canonical>
  void append(const std::byte* first, std::int64_t count, std::int64_t stride, Canonical canonical) {
    while (count > 0) {
      const auto taken = std::min(count, static_cast<std::int64_t>(buffer_.size() - held_));
      Word* out = buffer_.data() + held_;
      if (stride == 1) {  // a loop of its own, which the compiler turns into vector code
        std::memcpy(out, first, static_cast<std::size_t>(taken) * sizeof(Word));
        for (std::int64_t i = 0; i < taken; ++i) out[i] = canonical(out[i]);
      } else {
        for (std::int64_t i = 0; i < taken; ++i) {
          Word word;
          std::memcpy(&word, first + i * stride * std::int64_t{sizeof(Word)}, sizeof word);
          out[i] = canonical(word);
        }
      }
      held_ += static_cast<std::size_t>(taken);
      first += taken * stride * std::int64_t{sizeof(Word)};
      count -= taken;
      if (held_ == buffer_.size()) flush();
    }
  }

  void flush() {
    hash_.append(std::as_bytes(std::span(buffer_).first(held_)));
    held_ = 0;
  }

 private:
  Murmur3& hash_;
  std::size_t held_ = 0;
  std::array<Word, 4096 / sizeof(Word)> buffer_;
};

template <class Word, class Canonical>
void append_elements(Murmur3& hash, const plumb_tensor& tensor, Canonical canonical) {
  if (element_count(tensor) == 0) return;
  // Rows run along the last axis, and over the axes before it as long as they continue it without a gap.
  int outer = tensor.rank - 1;
  std::int64_t count = tensor.shape[outer];
  const std::int64_t stride = tensor.stride[outer];
  while (outer > 0 && tensor.stride[outer - 1] == count * stride) count *= tensor.shape[--outer];

  Gather<Word> gather(hash);
  std::array<std::int64_t, PLUMB_MAX_RANK> index{};
  for (;;) {
    std::int64_t offset = 0;
    for (int axis = 0; axis < outer; ++axis) offset += index[axis] * tensor.stride[axis];
    const auto* first = static_cast<const std::byte*>(tensor.data) + offset * std::int64_t{sizeof(Word)};
    gather.append(first, count, stride, canonical);
    int axis = outer - 1;
    while (axis >= 0 && ++index[axis] == tensor.shape[axis]) index[axis--] = 0;
    if (axis < 0) break;
  }
  gather.flush();
}

void append_tensor(Murmur3& hash, const plumb_tensor& tensor) {
  std::array<std::int64_t, 2 + PLUMB_MAX_RANK> header{-1, 0};  // the mark of an absent tensor
  if (is_present(tensor)) {
    header = {tensor.dtype, tensor.rank};
    std::copy_n(tensor.shape, tensor.rank, header.begin() + 2);
  }
  hash.append(std::as_bytes(std::span(header).first(2 + static_cast<std::size_t>(tensor.rank))));
  if (!is_present(tensor)) return;

  const auto dtype = dtype_of(tensor);
  switch (dtype) {
    case PLUMB_BF16:
    case PLUMB_F16: {
      const auto infinity = static_cast<std::uint16_t>(dtype == PLUMB_BF16 ? 0x7f80 : 0x7c00);
      return append_elements<std::uint16_t>(
          hash, tensor, [infinity](std::uint16_t bits) { return (bits & 0x7fff) > infinity ? kHalfNan : bits; });
    }
    case PLUMB_F32:
      return append_elements<std::uint32_t>(
          hash, tensor, [](std::uint32_t bits) { return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffffffu : bits; });
    case PLUMB_I32:
      return append_elements<std::uint32_t>(hash, tensor, [](std::uint32_t bits) { return bits; });
    case PLUMB_I64:
      return append_elements<std::uint64_t>(hash, tensor, [](std::uint64_t bits) { return bits; });
  }
}

}  // namespace

std::string to_hex(const Digest& digest) {
  std::string text;
  for (const std::uint64_t half : {digest.high, digest.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[half >> shift & 15];
  }
  return text;
}

Digest murmur3_128(std::span<const std::byte> bytes, std::uint32_t seed) {
  Murmur3 hash(seed);
  hash.append(bytes);
  return hash.digest();
}

Digest digest_of(std::span<const plumb_tensor> tensors) {
  Murmur3 hash;
  for (const auto& tensor : tensors) append_tensor(hash, tensor);
  return hash.digest();
}

}  // namespace plumb
