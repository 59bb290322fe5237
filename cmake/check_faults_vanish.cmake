# Fails unless the fault points of reference/fault.h vanish in production code: each file is compiled as it stands and
# with every fault point replaced by the word `false`, and the two outputs must be equal, byte for byte.
#   SOURCE, WORK: folders; CXX, NVCC ("" without CUDA), ARCHITECTURE: compilers; GENERATED: folder of generated headers
set(work ${WORK}/faults_vanish)
file(REMOVE_RECURSE ${work})
file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/reference/*.h ${SOURCE}/reference/*.cpp ${SOURCE}/optimized/*.h
     ${SOURCE}/optimized/*.cuh ${SOURCE}/optimized/*.cu ${SOURCE}/optimized/*.cpp)
set(points 0)
foreach(file IN LISTS files)
  configure_file(${SOURCE}/${file} ${work}/as_is/${file} COPYONLY)
  file(READ ${SOURCE}/${file} text)
  string(REGEX MATCHALL "fault\\(Fault::k[A-Za-z0-9]+\\)" found "${text}")
  list(LENGTH found count)
  math(EXPR points "${points} + ${count}")
  string(REGEX REPLACE "(device_)?fault\\(Fault::k[A-Za-z0-9]+\\)" "false" text "${text}")
  file(WRITE ${work}/stripped/${file} "${text}")
endforeach()
if(points LESS 50)
  message(FATAL_ERROR "only ${points} fault points were found: the pattern no longer fits")
endif()

# Compiled from inside each tree by the same relative names, so that no path differs.
function(expect_equal file)
  foreach(tree as_is stripped)
    execute_process(COMMAND ${ARGN} -I. -I${GENERATED} -o ${work}/${tree}.out ${file} WORKING_DIRECTORY ${work}/${tree}
                    COMMAND_ERROR_IS_FATAL ANY)
    file(SHA256 ${work}/${tree}.out digest_${tree})
  endforeach()
  file(SIZE ${work}/as_is.out size)
  if(NOT digest_as_is STREQUAL digest_stripped)
    message(FATAL_ERROR "${file}: fault points leave traces in production code (${work}/as_is.out, stripped.out)")
  endif()
  message(STATUS "${file}: ${size} bytes are equal")
endfunction()

foreach(operator rms_norm rope qk_norm_rope solve_tril)
  expect_equal(reference/${operator}/replay.cpp ${CXX} -std=c++20 -O3 -march=x86-64-v3 -ffp-contract=off -S)
endforeach()
if(NVCC)
  foreach(file rope/select.cpp rms_norm/select.cpp qk_norm_rope/select.cpp solve_tril/select.cpp)
    expect_equal(optimized/${file} ${CXX} -std=c++20 -O3 -S)
  endforeach()
  # One file per kind of kernel code; the smallest that include what holds the points.
  foreach(file qk_norm_rope/variants.cu rope/variants.cu)
    expect_equal(optimized/${file} ${NVCC} -std=c++20 -arch=compute_${ARCHITECTURE} -fmad=false --expt-relaxed-constexpr -ptx)
  endforeach()
endif()
message(STATUS "${points} fault points leave nothing behind")
