# The program, both libraries, the header, and the files by which pkg-config and CMake find them.
include(CMakePackageConfigHelpers)

install(TARGETS hourglass_static ARCHIVE)
install(TARGETS hourglass_shared EXPORT hourglass-targets LIBRARY)
if(TARGET hourglass_program)
  install(TARGETS hourglass_program RUNTIME)
endif()
install(FILES include/hourglass.h TYPE INCLUDE)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# What a program must link with the static library: pkg-config --static. Named here one by one and not by Requires.private, which
# would ask for the static copies of everything that stands behind them, down to Kerberos.
set(static_libraries "-lyaml -ljansson -lsqlite3 -lpng -ljpeg -larchive -lz -lcrypto -llinear")
if(HOURGLASS_HAS_ONEDNN)
  string(APPEND static_libraries " -ldnnl")
endif()
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/hourglass.pc.in hourglass.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hourglass.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hourglass)
install(EXPORT hourglass-targets NAMESPACE hourglass:: DESTINATION ${package_dir})
configure_package_config_file(cmake/hourglass-config.cmake.in hourglass-config.cmake INSTALL_DESTINATION ${package_dir}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(hourglass-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hourglass-config.cmake ${PROJECT_BINARY_DIR}/hourglass-config-version.cmake
        DESTINATION ${package_dir})

# The manual page and the completion are what the program prints of its own option table.
if(TARGET hourglass_program AND NOT CMAKE_CROSSCOMPILING)
  foreach(page "man|man/man1/hourglass.1" "completion bash|bash-completion/completions/hourglass")
    string(REGEX REPLACE "\\|.*" "" words "${page}")
    string(REGEX REPLACE ".*\\|" "${CMAKE_INSTALL_DATADIR}/" file "${page}")
    get_filename_component(folder ${file} DIRECTORY)
    get_filename_component(name ${file} NAME)
    install(CODE "
      file(MAKE_DIRECTORY \"${PROJECT_BINARY_DIR}/printed\")
      execute_process(COMMAND \"$<TARGET_FILE:hourglass_program>\" ${words}
                      OUTPUT_FILE \"${PROJECT_BINARY_DIR}/printed/${name}\" COMMAND_ERROR_IS_FATAL ANY)
      file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${folder}\" TYPE FILE FILES \"${PROJECT_BINARY_DIR}/printed/${name}\")")
  endforeach()
endif()
