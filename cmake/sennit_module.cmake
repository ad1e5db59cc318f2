# One module = one static library `sennit_<name>`, one test program, its fuzz targets.
#
#   sennit_module(NAME trie
#                 SOURCES trie.cpp nibbles.cpp      # sources that are linked into the library
#                 TESTS trie_test.cpp               # lie beside the code; one program per module
#                 FUZZ trie_fuzz.cpp                # replayed by ctest, run by the fuzz preset
#                 DEPENDS base crypto primitives    # other modules: what it may include
#                 LIBRARIES PkgConfig::sodium)      # third parties, private to the module
#
# No globbing: a file that nobody lists is a file that nobody builds, and the list shows it.
include_guard()

function(sennit_module)
    cmake_parse_arguments(M "" "NAME" "SOURCES;TESTS;FUZZ;DEPENDS;LIBRARIES;TEST_LIBRARIES" ${ARGN})
    set(target sennit_${M_NAME})
    list(TRANSFORM M_DEPENDS PREPEND sennit_ OUTPUT_VARIABLE depends)
    if(M_SOURCES)
        add_library(${target} STATIC ${M_SOURCES})
        target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${target} PUBLIC sennit_options ${depends} ${M_LIBRARIES})
    else()
        add_library(${target} INTERFACE)
        target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${target} INTERFACE sennit_options ${depends} ${M_LIBRARIES})
    endif()

    if(M_TESTS AND SENNIT_TESTS)
        add_executable(${M_NAME}_test ${M_TESTS})
        target_link_libraries(${M_NAME}_test PRIVATE ${target} ${M_TEST_LIBRARIES} GTest::gmock_main)
        target_compile_definitions(${M_NAME}_test PRIVATE
            SENNIT_VECTORS="${PROJECT_SOURCE_DIR}/tests/vectors"
            SENNIT_EXTERNAL="${PROJECT_SOURCE_DIR}/../shared/external")
        gtest_discover_tests(${M_NAME}_test TEST_PREFIX "${M_NAME}." DISCOVERY_MODE PRE_TEST
                             PROPERTIES TIMEOUT 300)
    endif()

    foreach(source IN LISTS M_FUZZ)
        get_filename_component(name ${source} NAME_WE)
        sennit_fuzz(${name} ${source} ${target})
    endforeach()
endfunction()

# A file with LLVMFuzzerTestOneInput. Under the fuzz preset it is a libFuzzer program; elsewhere a
# small main feeds it fuzz/corpus/<name>/ and a few thousand mutations, as an ordinary test.
function(sennit_fuzz name source target)
    if(NOT SENNIT_TESTS AND NOT SENNIT_FUZZ)
        return()
    endif()
    if(SENNIT_FUZZ)
        add_executable(${name} ${source})
        target_link_libraries(${name} PRIVATE ${target} -fsanitize=fuzzer)
    else()
        add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/fuzz/replay.cpp)
        target_link_libraries(${name} PRIVATE ${target})
        add_test(NAME fuzz.${name} COMMAND ${name} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
        set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 300)
    endif()
endfunction()
