# Fails unless LIBRARY exports exactly the symbol of the contract.
execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^ \n]+\n" names "${symbols}")
string(STRIP "${names}" names)
if(NOT names STREQUAL "plumb_library_v1")
  message(FATAL_ERROR "${LIBRARY} should export plumb_library_v1 alone, but exports:\n${symbols}")
endif()
