// Triangular systems from correlated, L2-normalised keys, gates and decay.
#include "harness/operators/solve_tril/solve_tril_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"

namespace plumb {
namespace {

constexpr int kKeyDim = 32;  // enough for keys to be nearly independent; 128 in the models would only cost time
// exp(-0.1) and exp(-2) as constants and powers by repeated products: no math library has a say in the bits.
constexpr double kDecayPerStep[] = {1.0, 0.90483741803595952, 0.13533528323661270};

struct Chunk {
  std::int64_t batch, first, rows, head;
};

// Rows of unit keys, row-major [rows][kKeyDim]; correlation r between any two keys from a common direction.
std::vector<double> unit_keys(std::int64_t rows, Keys kind, const RandomStream& random, std::uint64_t counter) {
  constexpr double kCommon[] = {0.0, 0.54772255750516607, 0.77459666924148340, 1.0,
                                0.0};  // sqrt of the correlation
  const double common = kCommon[static_cast<int>(kind)], own = std::sqrt(1.0 - common * common);
  std::vector<double> keys(static_cast<std::size_t>(rows * kKeyDim));
  for (std::int64_t i = 0; i < rows; ++i) {
    double* key = &keys[static_cast<std::size_t>(i * kKeyDim)];
    double square = 0;
    for (int d = 0; d < kKeyDim; ++d) {
      const auto at = counter + static_cast<std::uint64_t>(d);
      key[d] = common * random.normal(at) + own * random.normal(at + static_cast<std::uint64_t>((i + 1) * kKeyDim));
      square += key[d] * key[d];
    }
    const double scale = 1.0 / std::sqrt(square);
    for (int d = 0; d < kKeyDim; ++d) key[d] *= scale;
  }
  return keys;
}

double garbage_value(Garbage kind, std::uint32_t draw) {
  switch (kind) {
    case Garbage::kZero:
      return 0.0;
    case Garbage::kHuge:
      return draw % 2 ? 60000.0 : -60000.0;
    case Garbage::kNan:
      return draw % 4 == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  return 0.0;
}

void fill_chunk(HostTensor& a, const Chunk& chunk, std::int64_t number, const SystemStyle& style,
                const RandomStream& random) {
  const std::int64_t width = a.view.shape[3];
  const auto counter = static_cast<std::uint64_t>(number) << 16;
  const bool independent = style.keys == Keys::kRowSum40;
  const std::vector<double> keys =
      independent ? std::vector<double>{} : unit_keys(chunk.rows, style.keys, random, counter);
  const double step = kDecayPerStep[style.decay];
  std::vector<double> row(static_cast<std::size_t>(width));
  for (std::int64_t i = 0; i < chunk.rows; ++i) {
    const std::uint64_t row_counter = counter + 0x8000 + static_cast<std::uint64_t>(i * 128);
    const double draw = random.uniform(row_counter);
    const double beta = style.beta_near_2 ? 1.9 + 0.1 * draw : draw;
    for (std::int64_t j = 0; j < width; ++j) {
      const std::uint64_t at = row_counter + 1 + static_cast<std::uint64_t>(j);
      if (j >= i) {
        row[static_cast<std::size_t>(j)] = garbage_value(style.garbage, random.raw(at)[0]);
      } else if (independent) {
        row[static_cast<std::size_t>(j)] = (2.0 * random.uniform(at) - 1.0) * 80.0 / static_cast<double>(i);
      } else {
        double product = 0;
        for (int d = 0; d < kKeyDim; ++d) {
          product +=
              keys[static_cast<std::size_t>(i * kKeyDim + d)] * keys[static_cast<std::size_t>(j * kKeyDim + d)];
        }
        row[static_cast<std::size_t>(j)] = beta * product;
      }
    }
    double decay = 1.0;
    for (std::int64_t j = i - 1; j >= 0; --j) row[static_cast<std::size_t>(j)] *= decay *= step;
    if (style.special && number == 1 && i == std::min<std::int64_t>(chunk.rows - 1, 5) && i > 1) {
      row[0] = std::numeric_limits<double>::quiet_NaN();
    }
    if (style.special && number == 1 && i == 13) row[10] = std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < width; ++j) {
      store_float(address(a.view, {chunk.batch, chunk.first + i, chunk.head, j}), dtype_of(a.view),
                  static_cast<float>(row[static_cast<std::size_t>(j)]));
    }
  }
}

}  // namespace

std::vector<std::int64_t> cumulative_lengths(Sequences sequences, std::int64_t tokens, std::int64_t chunk,
                                             const RandomStream& random) {
  if (sequences == Sequences::kDense) return {};
  std::vector<std::int64_t> cumulative = {0};
  if (sequences == Sequences::kHollow) cumulative.resize(100001, 0);
  for (std::uint64_t draw = 0; cumulative.back() < tokens && sequences != Sequences::kOne; ++draw) {
    const auto any = static_cast<std::int64_t>(random.below(draw, static_cast<std::uint32_t>(3 * chunk)));
    const std::int64_t length = sequences == Sequences::kSingles   ? 1 + any % 3
                                : sequences == Sequences::kTriples ? 3
                                                                   : any;
    if (sequences == Sequences::kEmpties && draw % 2 == 0) cumulative.push_back(cumulative.back());
    cumulative.push_back(std::min(tokens, cumulative.back() + length));
  }
  if (cumulative.back() < tokens || cumulative.size() == 1) cumulative.push_back(tokens);
  if (sequences == Sequences::kEmpties) cumulative.insert(cumulative.end(), 3, tokens);
  return cumulative;
}

void fill_systems(HostTensor& a, const std::vector<std::int64_t>& cumulative, const SystemStyle& style,
                  const RandomStream& random) {
  const plumb_tensor& view = a.view;
  const std::vector<std::int64_t> ends =
      cumulative.empty() ? std::vector<std::int64_t>{0, view.shape[1]} : cumulative;
  std::vector<Chunk> chunks;
  for (std::int64_t batch = 0; batch < view.shape[0]; ++batch) {
    for (std::size_t n = 0; n + 1 < ends.size(); ++n) {
      for (std::int64_t first = ends[n]; first < ends[n + 1]; first += view.shape[3]) {
        for (std::int64_t head = 0; head < view.shape[2]; ++head) {
          chunks.push_back({batch, first, std::min(view.shape[3], ends[n + 1] - first), head});
        }
      }
    }
  }
  parallel_for(static_cast<std::int64_t>(chunks.size()), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) fill_chunk(a, chunks[static_cast<std::size_t>(i)], i, style, random);
  });
}

}  // namespace plumb
