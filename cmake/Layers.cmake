# The layers, their folders, and which may depend on which. This table is read by two gates: the link gate (a layer's
# test links the layer and its declared dependencies only) and the include check of scripts/style_check.py. Both refuse
# an edge that is not here, so a new edge is a change of this table that somebody reviews.
# Order matters: a layer comes after all that it may use.
set(GRAPEVINE_LAYERS base telemetry otlp wire membership broadcast directory admission fabric delivery paths node quic
    stack sim io chaos console grapevine)

set(GRAPEVINE_ALLOWED_base)
set(GRAPEVINE_ALLOWED_telemetry base)
set(GRAPEVINE_ALLOWED_otlp base telemetry)
set(GRAPEVINE_ALLOWED_wire base)
set(GRAPEVINE_ALLOWED_membership base wire telemetry)
set(GRAPEVINE_ALLOWED_broadcast base wire telemetry)
set(GRAPEVINE_ALLOWED_directory base wire telemetry)
set(GRAPEVINE_ALLOWED_admission base wire telemetry)
set(GRAPEVINE_ALLOWED_fabric base wire telemetry)
set(GRAPEVINE_ALLOWED_delivery base wire telemetry)
set(GRAPEVINE_ALLOWED_paths base wire telemetry)
set(GRAPEVINE_ALLOWED_node base wire telemetry membership broadcast directory admission fabric delivery paths)
set(GRAPEVINE_ALLOWED_quic base telemetry)
set(GRAPEVINE_ALLOWED_stack base wire telemetry membership broadcast directory admission fabric delivery paths node
    quic)
set(GRAPEVINE_ALLOWED_sim base wire telemetry membership broadcast directory admission fabric delivery paths node quic
    stack)
set(GRAPEVINE_ALLOWED_io base wire telemetry otlp membership broadcast directory admission fabric delivery paths node
    quic stack)
set(GRAPEVINE_ALLOWED_chaos base wire telemetry otlp membership broadcast directory admission fabric delivery paths node
    quic stack io)
set(GRAPEVINE_ALLOWED_console base wire telemetry otlp membership broadcast directory admission fabric delivery paths
    node quic stack io)
set(GRAPEVINE_ALLOWED_grapevine base wire telemetry otlp membership broadcast directory admission fabric delivery paths
    node quic stack io)
set(GRAPEVINE_ALLOWED_apps base wire telemetry otlp membership broadcast directory admission fabric delivery paths node
    quic stack sim io chaos console grapevine)

# Libraries from outside that a layer may use, by the names of ThirdParty.cmake.
set(GRAPEVINE_EXTERNAL_base sodium)
set(GRAPEVINE_EXTERNAL_quic ngtcp2)
set(GRAPEVINE_EXTERNAL_sim toml)
set(GRAPEVINE_EXTERNAL_otlp protozero)
set(GRAPEVINE_EXTERNAL_io asio beast cares gnutls json toml zlib)
set(GRAPEVINE_EXTERNAL_console asio beast gnutls json sqlite zlib)
set(GRAPEVINE_EXTERNAL_grapevine cli11 json toml)
set(GRAPEVINE_EXTERNAL_apps asio json toml)

foreach(layer IN LISTS GRAPEVINE_LAYERS)
    set(GRAPEVINE_DIR_${layer} "src/${layer}")
endforeach()
set(GRAPEVINE_DIR_sim "sim")

# Every test starts in the root of the sources and finds the programs through this environment.
set(GRAPEVINE_TEST_ENVIRONMENT
    "GRAPEVINE_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" "GRAPEVINE_SOURCE_DIR=${PROJECT_SOURCE_DIR}")

# grapevine_layer(<name> [DEPENDS <layer>...] [EXTERNAL <library>...] [LABELS <label>...] [SHARDS n])
# Makes from the folder's sources, by the end of their names:
#   *_test.cpp                 the program <name>_test, which links this layer and nothing above it
#   *_testing.cpp              the library grapevine_<name>_testing, for the tests, fuzzers and benchmarks of the layer
#   *_fuzz.cpp                 one fuzz target each
#   *_bench.cpp                one benchmark program each
#   all others                 the static library grapevine_<name>
function(grapevine_layer name)
    cmake_parse_arguments(ARG "" "SHARDS" "DEPENDS;EXTERNAL;LABELS" ${ARGN})
    grapevine_check_edges(${name} "${ARG_DEPENDS}" "${ARG_EXTERNAL}")
    grapevine_sources("${CMAKE_CURRENT_SOURCE_DIR}")
    list(TRANSFORM ARG_DEPENDS PREPEND grapevine_ OUTPUT_VARIABLE depends)
    list(TRANSFORM ARG_EXTERNAL PREPEND grapevine_external_ OUTPUT_VARIABLE external)
    grapevine_library(grapevine_${name} "${SOURCES}" ${depends} ${external})
    grapevine_library(grapevine_${name}_testing "${TESTING}" grapevine_${name})
    set_target_properties(grapevine_${name}_testing PROPERTIES EXCLUDE_FROM_ALL ON)
    grapevine_test(${name} "${TESTS}" LABELS unit ${ARG_LABELS} SHARDS "${ARG_SHARDS}" LINK grapevine_${name}_testing)
    grapevine_fuzzers(${name} "${FUZZERS}" grapevine_${name}_testing)
    grapevine_benches(${name} "${BENCHES}" grapevine_${name}_testing)
endfunction()

function(grapevine_check_edges name depends external)
    foreach(dependency IN LISTS depends)
        if(NOT dependency IN_LIST GRAPEVINE_ALLOWED_${name})
            message(FATAL_ERROR "layer '${name}' must not depend on '${dependency}': no such edge in cmake/Layers.cmake")
        endif()
    endforeach()
    foreach(library IN LISTS external)
        if(NOT library IN_LIST GRAPEVINE_EXTERNAL_${name})
            message(FATAL_ERROR "layer '${name}' must not use library '${library}': not in cmake/Layers.cmake")
        endif()
    endforeach()
endfunction()

# Sorts a folder's sources by purpose into SOURCES, TESTS, TESTING, FUZZERS and BENCHES of the caller.
function(grapevine_sources folder)
    file(GLOB_RECURSE all CONFIGURE_DEPENDS "${folder}/*.cpp")
    foreach(kind IN ITEMS TESTS:_test TESTING:_testing FUZZERS:_fuzz BENCHES:_bench)
        string(REGEX MATCH "^([A-Z]+):(.*)$" _ "${kind}")
        set(found "${all}")
        list(FILTER found INCLUDE REGEX "${CMAKE_MATCH_2}\\.cpp$")
        set(${CMAKE_MATCH_1} "${found}" PARENT_SCOPE)
    endforeach()
    list(FILTER all EXCLUDE REGEX "_(test|testing|fuzz|bench)\\.cpp$")
    set(SOURCES "${all}" PARENT_SCOPE)
endfunction()

# A static library, or an interface while the folder has no sources yet.
function(grapevine_library target sources)
    if(sources)
        add_library(${target} STATIC ${sources})
        set(scope PUBLIC)
        target_link_libraries(${target} PRIVATE grapevine_flags)
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(${target} ${scope}
        "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} ${scope} ${ARGN})
endfunction()
