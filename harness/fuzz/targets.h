// What is fuzzed: each function takes any bytes, and returns unless something is broken (then the process ends).
#pragma once

#include <cstdint>
#include <span>

namespace plumb {

using FuzzFn = void (*)(std::span<const std::uint8_t>);

// What a command line may name: cases, points, globs.
void fuzz_case_name(std::span<const std::uint8_t> bytes);

// Small cases of any axis values: refused with a sentence, or built, judged and found right by the replay.
void fuzz_case_values(std::span<const std::uint8_t> bytes);

// Every reader of JSON documents: goldens, the worker's results, bench, tune, calibrations.
void fuzz_documents(std::span<const std::uint8_t> bytes);

// The checks of which the optimized library's argument validation is made.
void fuzz_checks(std::span<const std::uint8_t> bytes);

// A whole library's validation and selection: any call may be refused, none may crash. The library is the one named
// by PLUMBLINE_FUZZ_LIBRARY.
void fuzz_call(std::span<const std::uint8_t> bytes);

}  // namespace plumb
