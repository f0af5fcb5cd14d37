# Language, warnings, sanitizers, linker and launcher: what every target of the tree shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")

add_library(grapevine_flags INTERFACE)
target_compile_options(grapevine_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -fstack-protector-strong
    -ffunction-sections -fdata-sections)
target_link_options(grapevine_flags INTERFACE -Wl,--as-needed -Wl,--gc-sections)

if(GRAPEVINE_WERROR)
    target_compile_options(grapevine_flags INTERFACE -Werror)
endif()
# g++ 12 reports these wrongly, at moves of variants and inside its own library; clang and the sanitizers look after them.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(grapevine_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
        -Wno-stringop-overread -Wno-maybe-uninitialized -Wno-dangling-pointer)
endif()

# libstdc++ 12 uses its own deprecated functions in std::stable_sort.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(grapevine_flags INTERFACE -Wno-deprecated-declarations)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(grapevine_flags INTERFACE _GLIBCXX_ASSERTIONS)
elseif(NOT GRAPEVINE_SANITIZE)
    target_compile_options(grapevine_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

if(GRAPEVINE_SANITIZE)
    add_compile_options(-fsanitize=${GRAPEVINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${GRAPEVINE_SANITIZE})
    # g++ loses track of initialisation in instrumented code.
    target_compile_options(grapevine_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    # The thread sanitizer of g++ knows no fences; Boost.Asio has a form without them.
    if(GRAPEVINE_SANITIZE MATCHES "thread")
        add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
        add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
endif()
if(GRAPEVINE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(GRAPEVINE_MOLD mold)
if(GRAPEVINE_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

# The base folder makes object files of different build folders interchangeable for ccache.
find_program(GRAPEVINE_CCACHE_PROGRAM ccache)
if(GRAPEVINE_CCACHE AND GRAPEVINE_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1
        "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "${GRAPEVINE_CCACHE_PROGRAM}")
endif()

# For code off the data path (start, configuration, control socket): resident memory counts there, speed does not.
function(grapevine_prefer_small target)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Os>)
endfunction()
