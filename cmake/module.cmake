# module(<folder> [USES <folder>...] [TEST_USES <folder>...] [LIBRARIES <target>...])
#
# Makes one library of src/<folder>: every *.cc is compiled, every *_test.cc goes into the test
# program <folder>_test, and every header must compile on its own. USES names our modules, TEST_USES
# those that only its tests include, LIBRARIES third-party targets, which stay private: no
# third-party header reaches a module's users unasked.
function(module folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;TEST_USES;LIBRARIES")
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS src/${folder}/*.cc)
  file(GLOB headers CONFIGURE_DEPENDS src/${folder}/*.h)
  file(GLOB tests CONFIGURE_DEPENDS src/${folder}/*_test.cc)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  list(TRANSFORM arg_USES REPLACE "/" "_")
  list(TRANSFORM arg_TEST_USES REPLACE "/" "_")

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE ${arg_LIBRARIES})
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_USES})
  endif()
  target_include_directories(${name} ${scope} ${PROJECT_SOURCE_DIR}/src)
  if(headers)
    target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS src FILES ${headers})
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()

  if(tests AND BERTH_TESTS)
    test_program(${name}_test SOURCES ${tests} USES ${name} ${arg_TEST_USES}
                 LIBRARIES ${arg_LIBRARIES})
  endif()
endfunction()

# module_test(<folder> USES <folder>... [LIBRARIES <target>...]): tests that span modules.
function(module_test folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  string(REPLACE "/" "_" name ${folder})
  list(TRANSFORM arg_USES REPLACE "/" "_")
  file(GLOB tests CONFIGURE_DEPENDS ${folder}/*_test.cc)
  if(tests AND BERTH_TESTS)
    test_program(${name} SOURCES ${tests} USES ${arg_USES} LIBRARIES ${arg_LIBRARIES})
  endif()
endfunction()

# One GoogleTest program, registered with ctest as one test per program (discovery starts a program
# once per test, which costs more than the tests themselves). $BERTH_SOURCE_DIR finds data files.
function(test_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_USES} ${arg_LIBRARIES} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "BERTH_SOURCE_DIR=${PROJECT_SOURCE_DIR};BERTH_BUILD_DIR=${PROJECT_BINARY_DIR}")
endfunction()

# fuzz_target(<name> SOURCES <file>... USES <folder>...): a libFuzzer program; call it fuzz_<what>.
# Built in the preset `asan` only; `./dev check` finds it by its name and runs it for a minute,
# starting from tests/fuzz/corpus/<name> if that exists.
function(fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LIBRARIES")
  if(NOT BERTH_FUZZ)
    return()
  endif()
  list(TRANSFORM arg_USES REPLACE "/" "_")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_USES} ${arg_LIBRARIES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()

# python_test(<name> FOLDER <folder> [PATTERN <glob>]): the unittest files of one folder.
function(python_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER;PATTERN" "")
  if(NOT arg_PATTERN)
    set(arg_PATTERN "test_*.py")
  endif()
  file(GLOB tests CONFIGURE_DEPENDS ${arg_FOLDER}/${arg_PATTERN})
  if(tests AND BERTH_TESTS)
    add_test(NAME ${name}
      COMMAND /usr/bin/python3 -B -m unittest discover -v -s ${arg_FOLDER} -p ${arg_PATTERN}
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "PYTHONPATH=${PROJECT_SOURCE_DIR}/python")
  endif()
endfunction()
