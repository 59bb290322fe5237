# What `cmake --install` puts where: the program, the contract's headers, the optimized library, the recorded truth,
# the report package, and what find_package(plumbline) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(plumbline_contract INTERFACE)
set_target_properties(plumbline_contract PROPERTIES EXPORT_NAME contract)
target_include_directories(plumbline_contract INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/plumbline>)

install(TARGETS plumbline_contract plumbline EXPORT plumbline_targets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(PLUMBLINE_CUDA)
  install(TARGETS plumbline_optimized LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES reference/operator.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/plumbline/reference)
foreach(operator IN LISTS PLUMBLINE_OPERATORS)
  install(FILES reference/${operator}/${operator}.h
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/plumbline/reference/${operator})
endforeach()
install(DIRECTORY golden/ DESTINATION ${CMAKE_INSTALL_DATADIR}/plumbline/golden)
find_package(Python3 QUIET COMPONENTS Interpreter)
if(Python3_FOUND)
  install(DIRECTORY reports/plumbline_report
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/python${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}/site-packages
          PATTERN __pycache__ EXCLUDE)
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/plumbline)
install(EXPORT plumbline_targets NAMESPACE plumbline:: FILE plumblineConfig.cmake DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/plumblineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/plumblineConfigVersion.cmake DESTINATION ${package})
