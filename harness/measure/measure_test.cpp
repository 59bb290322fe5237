// The parts of a measurement that need no device: order statistics, rotation, division, and what a limit moves.
#include <gtest/gtest.h>

#include "harness/cases/block.h"
#include "harness/measure/divider.h"
#include "harness/measure/moves.h"
#include "harness/measure/rotation.h"
#include "harness/measure/samples.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

TEST(Samples, QuantilesInterpolate) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({7}), 7);
  EXPECT_DOUBLE_EQ(quantile({10, 0, 20, 30, 40}, 0.9), 36);
  EXPECT_EQ(quantile({1, 2, 3}, 0), 1);
  EXPECT_EQ(quantile({1, 2, 3}, 1), 3);
}

constexpr std::int64_t kL2 = 60 << 20, kMiB = 1 << 20, kGiB = 1 << 30;

TEST(Rotation, ColdCopiesExceedThreeTimesTheCache) {
  for (const std::int64_t touched : {kMiB, 3 * kMiB, 60 * kMiB, 90 * kMiB, 180 * kMiB, kGiB}) {
    const Rotation rotation = plan_rotation(CacheState::kCold, touched, touched, kL2, 24 * kGiB);
    EXPECT_GE(rotation.copies, 2);
    EXPECT_FALSE(rotation.swept);
    EXPECT_GT(rotation.copies * touched, 3 * kL2) << touched;
  }
  EXPECT_EQ(plan_rotation(CacheState::kCold, kGiB, kGiB, kL2, 24 * kGiB).copies, 2);
  EXPECT_EQ(plan_rotation(CacheState::kHot, kGiB, kGiB, kL2, 24 * kGiB).copies, 1);
}

TEST(Rotation, SmallCopiesAreSweptAndVisitedOnce) {
  const Rotation small = plan_rotation(CacheState::kCold, 4096, 4096, kL2, 24 * kGiB);
  EXPECT_TRUE(small.swept);
  EXPECT_EQ(small.copies, kMostLaunches);
  EXPECT_EQ(launches_per_sample(small, 0.5), small.copies);
}

TEST(Rotation, MemoryBoundsTheCopies) {
  EXPECT_EQ(plan_rotation(CacheState::kCold, 20 * kGiB, 20 * kGiB, kL2, 24 * kGiB).copies, 1);
  const Rotation sparse = plan_rotation(CacheState::kCold, kMiB, kGiB, kL2, 24 * kGiB);
  EXPECT_EQ(sparse.copies, 24);
  EXPECT_TRUE(sparse.swept);
}

TEST(Rotation, SamplesTakeAboutATargetTime) {
  EXPECT_EQ(launches_per_sample({1, false}, 3.0), 100);
  EXPECT_EQ(launches_per_sample({7, false}, 3.0), 98);    // a multiple of the copies
  EXPECT_EQ(launches_per_sample({1, false}, 50.0), 20);   // 20 at least
  EXPECT_EQ(launches_per_sample({1, false}, 500.0), 4);   // but not above 2 ms
  EXPECT_EQ(launches_per_sample({2, false}, 9000.0), 2);  // and every copy once
  EXPECT_EQ(launches_per_sample({1, false}, 0.0), kMostLaunches);
}

TEST(Divider, AgreesWithDivision) {
  constexpr std::uint32_t kMost = 0x7fffffffu;
  std::vector<std::uint32_t> divisors = {kMost, kMost - 1, 1u << 30, (1u << 30) + 1, (1u << 30) - 1, 65537, 641};
  for (std::uint32_t d = 1; d <= 600; ++d) divisors.push_back(d);
  for (const std::uint32_t d : divisors) {
    const Divider divider(d);
    const std::uint32_t last = kMost / d * d;  // the largest multiple
    for (const std::uint32_t n : {0u, 1u, d - 1, d, last - 1, last, kMost - 1, kMost, 123456789u}) {
      ASSERT_EQ(divider.quotient(n), n / d) << n << " / " << d;
    }
  }
}

// The moves of a case on its own host tensors.
std::vector<Move> moves_for(const std::string& name, Problem& problem) {
  const Case point = parse_case(name);
  problem = find_suite(point.schema->operator_name)->build(point);
  return moves_of(point.schema->operator_name, problem, problem.views());
}

std::int64_t rows_of(const Move& move) { return move.rows[0].count * move.rows[1].count * move.rows[2].count; }

// Granules that a move reads, counted as the kernel decides it; a row that is looked up counts once, however many
// ask for it.
std::int64_t granules_read(const Move& move) {
  if (move.index != nullptr) return std::min(rows_of(move), move.index_end) * move.read;
  if (move.tile == 0) return rows_of(move) * move.read;
  std::int64_t read = 0;
  for (std::int64_t row = 0; row < rows_of(move); ++row) {
    read += granules_of(row / move.row_step % move.tile * kGranule / move.elements_per_granule);
  }
  return read;
}

TEST(Moves, ContiguousRowsBecomeOneLongRow) {
  Problem problem;
  const auto moves = moves_for("rms_norm/bf16/rows=5,hidden=769/residual=yes/seed=7", problem);
  ASSERT_EQ(moves.size(), 3u);
  EXPECT_EQ(rows_of(moves[0]), 1);
  EXPECT_EQ(moves[0].read, granules_of(5 * 769 * 2));
  EXPECT_EQ(moves[0].from, problem.tensors[PLUMB_RMS_NORM_X].view.data);
  EXPECT_EQ(moves[0].to, problem.tensors[PLUMB_RMS_NORM_Y].view.data);
  EXPECT_EQ(moves[1].from, moves[1].to);
  EXPECT_TRUE(moves[2].only_read());
  EXPECT_EQ(moves[2].read, granules_of(769 * 2));
}

TEST(Moves, PaddedRowsKeepTheirStrides) {
  Problem problem;
  const auto moves = moves_for("rms_norm/bf16/rows=5,hidden=64/pad.x=8/seed=7", problem);
  EXPECT_EQ(rows_of(moves[0]), 5);
  EXPECT_EQ(moves[0].rows[2].from_stride, 144);
  EXPECT_EQ(moves[0].rows[2].to_stride, 128);
  EXPECT_EQ(moves[0].written, 8);
}

TEST(Moves, AxesStandInTheOrderOfMemory) {
  Problem problem;
  const auto moves =
      moves_for("rope/bf16/tokens=6,hq=4,hk=0,D=128,rotary=128/layout=head_major,pad.head=8/seed=7", problem);
  EXPECT_EQ(rows_of(moves[0]), 24);
  const auto tokens = moves_for("rope/bf16/tokens=6,hq=4,hk=0,D=128,rotary=64/pad.token=8/seed=7", problem);
  EXPECT_EQ(tokens[0].rows[1].count, 6);
  EXPECT_EQ(tokens[0].rows[2].count, 4);
  EXPECT_EQ(tokens[0].rows[1].from_stride, (4 * 128 + 8) * 2);
  const auto tiles = moves_for("solve_tril/fp32/B=1,T=64,H=3,BT=64/layout=head_major,out=bf16/seed=7", problem);
  EXPECT_EQ(tiles[0].row_step, 1);
  const auto token_major = moves_for("solve_tril/fp32/B=2,T=64,H=3,BT=64/out=bf16/seed=7", problem);
  EXPECT_EQ(token_major[0].row_step, 3);
  EXPECT_EQ(token_major[0].rows[2].count, 2 * 64 * 3);
  EXPECT_EQ(token_major[0].rows[2].to_stride, 128);
}

TEST(Moves, PartialRotationMovesOnlyTheRotaryPart) {
  Problem problem;
  for (const char* layout : {"packed", "head_major"}) {
    const auto moves = moves_for(
        std::string("rope/bf16/tokens=6,hq=4,hk=2,D=128,rotary=64/layout=") + layout + "/seed=7", problem);
    ASSERT_EQ(moves.size(), 3u);
    EXPECT_EQ(rows_of(moves[0]), 6 * 4);
    EXPECT_EQ(moves[0].read, 8);
    EXPECT_EQ(moves[0].rows[2].from_stride, 256);
    EXPECT_EQ(moves[0].rows[2].count, 24);  // tokens and heads are one axis, whichever is the outer
  }
  const auto whole = moves_for("rope/bf16/tokens=6,hq=4,hk=0,D=128,rotary=128/seed=7", problem);
  ASSERT_EQ(whole.size(), 2u);
  EXPECT_EQ(rows_of(whole[0]), 1);
  EXPECT_EQ(whole[0].read, 6 * 4 * 16);
}

TEST(Moves, TablesAreReadWherePositionsSay) {
  Problem problem;
  const auto moves =
      moves_for("qk_norm_rope/bf16/tokens=9,hq=4,hk=2,hv=2,D=128,rotary=64/cache=fp32/seed=7", problem);
  ASSERT_EQ(moves.size(), 4u);
  EXPECT_FALSE(moves[0].only_read());
  EXPECT_EQ(moves[1].index, problem.tensors[PLUMB_QK_NORM_ROPE_POSITIONS].view.data);
  EXPECT_EQ(moves[1].index_end, 331);
  EXPECT_EQ(moves[1].read, 64 * 4 / kGranule);
  EXPECT_EQ(moves[1].rows[2].from_stride, 64 * 4);
  EXPECT_EQ(rows_of(moves[1]), 9);
  EXPECT_EQ(moves[2].index, nullptr);
  EXPECT_EQ(moves[3].read, 128 * 2 / kGranule);
}

// Where rows are whole granules, the limit moves what the operator's traffic says; positions are 8 bytes for each
// row that is looked up.
TEST(Moves, BytesAreThoseOfTheTraffic) {
  const char* names[] = {"rms_norm/bf16/rows=33,hidden=128/pad.y=8,residual=yes/seed=7",
                         "qk_norm_rope/bf16/tokens=9,hq=4,hk=2,hv=2,D=128,rotary=128/seed=7",
                         "rope/fp32/tokens=9,hq=4,hk=2,D=64,rotary=32/seed=7",
                         "solve_tril/fp32/B=1,T=128,H=3,BT=64/out=bf16/seed=7",
                         "solve_tril/bf16/B=2,T=64,H=3,BT=32/layout=head_major,out=fp32/seed=7",
                         "solve_tril/fp32/B=1,T=32,H=1,BT=16/seed=7"};
  for (const char* name : names) {
    Problem problem;
    std::int64_t read = 0, written = 0;
    for (const Move& move : moves_for(name, problem)) {
      read += granules_read(move) * kGranule + (move.index != nullptr ? rows_of(move) * 8 : 0);
      written += rows_of(move) * move.written * kGranule;
    }
    const Traffic traffic = find_suite(parse_case(name).schema->operator_name)->traffic(problem);
    EXPECT_EQ(written, traffic.written_bytes) << name;
    EXPECT_EQ(read, traffic.read_bytes) << name;
  }
}

}  // namespace
}  // namespace plumb
