// What a run shows while it goes on: a counter on a terminal, only what went wrong in a log.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>

namespace plumb {

class ProgressListener : public testing::EmptyTestEventListener {
 public:
  explicit ProgressListener(bool on_terminal) : on_terminal_(on_terminal) {}

  void OnTestProgramStart(const testing::UnitTest&) override { done_ = 0; }
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (part.failed()) {
      clear();
      std::fprintf(stdout, "%s\n", part.message());
      std::fflush(stdout);
    }
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    ++done_;
    failed_ += test.result()->Failed();
    if (on_terminal_ && done_ % 16 == 0) {
      const int total = testing::UnitTest::GetInstance()->test_to_run_count();
      std::fprintf(stderr, "\r%d of %d cases, %d failed", done_, total, failed_);
      std::fflush(stderr);
      shown_ = true;
    }
  }
  void OnTestProgramEnd(const testing::UnitTest&) override { clear(); }

 private:
  void clear() {
    if (shown_) std::fprintf(stderr, "\r\033[K");
    shown_ = false;
  }

  bool on_terminal_;
  bool shown_ = false;
  int done_ = 0, failed_ = 0;
};

}  // namespace plumb
