# hamisha_options carries the warnings and the sanitizer to every target.
add_library(hamisha_options INTERFACE)
target_compile_features(hamisha_options INTERFACE cxx_std_20)
target_compile_options(hamisha_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wsuggest-override -Wcast-align -Wcast-qual
  -Wundef -Wunused -Wmissing-declarations -Wimplicit-fallthrough -Wswitch-enum
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wuseless-cast -Wredundant-decls>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wno-missing-field-initializers>
  # GCC collects its garbage less often: a tenth less time.
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288>)
if(HAMISHA_SANITIZE)
  target_compile_options(hamisha_options INTERFACE
    -fsanitize=${HAMISHA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hamisha_options INTERFACE -fsanitize=${HAMISHA_SANITIZE})
endif()
if(HAMISHA_SANITIZE STREQUAL "thread")
  # With this macro protobuf's headers give map fields another size than the library and the
  # generated code, which are built without it: messages with maps would be read at wrong places.
  target_compile_options(hamisha_options INTERFACE -U__SANITIZE_THREAD__)
endif()
find_program(MOLD mold)
if(MOLD)
  target_link_options(hamisha_options INTERFACE -fuse-ld=mold)
endif()

# A library whose DEPS are all it may include: the folder graph, enforced.
function(hamisha_library name)
  cmake_parse_arguments(arg "" "" "SRCS;HDRS;DEPS" ${ARGN})
  add_library(${name} ${arg_SRCS} ${arg_HDRS})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE hamisha_options)
endfunction()

# A program; its binary is build/<preset>/bin/<name>.
function(hamisha_program name)
  cmake_parse_arguments(arg "" "" "SRCS;HDRS;DEPS" ${ARGN})
  add_executable(${name} ${arg_SRCS} ${arg_HDRS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} hamisha_options)
endfunction()

# Tests of one folder. LABELS is one of: `pure` for what links no gRPC (these also run under the
# thread sanitizer); `unit`, the default; `integration` for what starts real processes (these run
# one at a time, and not under sanitizers).
function(hamisha_tests name)
  cmake_parse_arguments(arg "" "" "SRCS;HDRS;DEPS;LABELS" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  set(serial FALSE)
  if(arg_LABELS STREQUAL integration)
    set(serial TRUE)
  endif()
  add_executable(${name} ${arg_SRCS} ${arg_HDRS})
  target_link_libraries(${name} PRIVATE test_main ${arg_DEPS} hamisha_options)
  # What is tested is optimised; tests compile a third faster so.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  catch_discover_tests(${name} TEST_PREFIX "${name}: "
    PROPERTIES LABELS ${arg_LABELS} RUN_SERIAL ${serial} TIMEOUT 600)
  set_property(GLOBAL APPEND PROPERTY HAMISHA_TESTS_${arg_LABELS} ${name})
endfunction()
