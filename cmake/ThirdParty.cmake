# Libraries from the distribution, each as one target grapevine_external_<name> that layers name after EXTERNAL.
# Boost.Asio, Boost.JSON and toml++ are compiled here, once, from their installed headers: their shared libraries would
# bring a second C++ runtime beside the static one of the programs.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)

function(grapevine_external name)
    add_library(grapevine_external_${name} INTERFACE)
    target_link_libraries(grapevine_external_${name} INTERFACE ${ARGN})
endfunction()

function(grapevine_compiled_external name)
    cmake_parse_arguments(ARG "" "" "DEFINES;LINK" ${ARGN})
    add_library(grapevine_compiled_${name} STATIC EXCLUDE_FROM_ALL
        "${PROJECT_SOURCE_DIR}/cmake/third_party/${name}.cpp")
    target_compile_definitions(grapevine_compiled_${name} PUBLIC ${ARG_DEFINES})
    grapevine_prefer_small(grapevine_compiled_${name})
    target_link_libraries(grapevine_compiled_${name} PUBLIC ${ARG_LINK})
    grapevine_external(${name} grapevine_compiled_${name})
endfunction()

pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(NGTCP2 REQUIRED IMPORTED_TARGET libngtcp2>=1.11 libngtcp2_crypto_gnutls>=1.11 gnutls>=3.7.9)
grapevine_external(sodium PkgConfig::SODIUM)
grapevine_external(ngtcp2 PkgConfig::NGTCP2)
grapevine_compiled_external(asio LINK Boost::headers Threads::Threads
    DEFINES BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
grapevine_compiled_external(json LINK Boost::headers DEFINES BOOST_JSON_NO_LIB BOOST_CONTAINER_NO_LIB)
grapevine_compiled_external(toml DEFINES TOML_HEADER_ONLY=0 TOML_ENABLE_FORMATTERS=0)

find_package(tl-expected REQUIRED)
find_path(GRAPEVINE_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
grapevine_external(cli11)
target_include_directories(grapevine_external_cli11 SYSTEM INTERFACE "${GRAPEVINE_CLI11_INCLUDE}")

if(GRAPEVINE_TESTS AND NOT GRAPEVINE_FUZZ)
    find_package(GTest REQUIRED)
    find_library(GRAPEVINE_RAPIDCHECK rapidcheck REQUIRED)
    grapevine_external(test GTest::gtest_main GTest::gmock "${GRAPEVINE_RAPIDCHECK}")
endif()
if(GRAPEVINE_BENCH)
    find_package(benchmark QUIET)
    if(NOT benchmark_FOUND)
        message(STATUS "Google Benchmark is not installed: no benchmark programs")
        set(GRAPEVINE_BENCH OFF)
    endif()
endif()
