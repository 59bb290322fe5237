// A shared library that is none of operators: it exports another symbol.
extern "C" __attribute__((visibility("default"))) int plumb_library_v0() { return 0; }
