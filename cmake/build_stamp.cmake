# Writes OUTPUT with the version and the commit (with "+" where the tree has changes), only when they changed.
set(commit "unknown")
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(commit "unknown")
  else()
    execute_process(COMMAND ${GIT} -C ${SOURCE} status --porcelain --untracked-files=no -- reference optimized harness
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
      string(APPEND commit "+")
    endif()
  endif()
endif()
if(DEFINED ENV{PLUMBLINE_COMMIT})  # a copy of the tree without its history
  set(commit "$ENV{PLUMBLINE_COMMIT}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "// Generated: what this build is made of.
#pragma once
#define PLUMBLINE_VERSION \"${VERSION}\"
#define PLUMBLINE_COMMIT \"${commit}\"
")
