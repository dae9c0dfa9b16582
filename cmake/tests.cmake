find_package(GTest REQUIRED)

# teal_test(NAME DEPENDS targets... SOURCES files...): one test binary a layer, so that touching one core file
# rebuilds that core and one binary.
function(teal_test name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;SOURCES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE teal_options ${ARG_DEPENDS} GTest::gtest_main)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name})
endfunction()
