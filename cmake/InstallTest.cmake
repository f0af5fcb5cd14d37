# Run by ctest with METHOD, BUILD, SOURCE, COMPILER and LIBDIR: installs the library into a stage, builds the example
# outside the tree against it, by find_package or by pkg-config, and runs it with --version.
set(stage "${BUILD}/stage")
set(work "${BUILD}/out-of-tree-${METHOD}")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")

function(must)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${ARGN}\nfailed with ${result}:\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

must(${CMAKE_COMMAND} --install "${BUILD}" --component library --prefix "${stage}")
if(METHOD STREQUAL "cmake")
    must(${CMAKE_COMMAND} -S "${SOURCE}/examples/out-of-tree" -B "${work}" -G Ninja
        "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${stage}")
    must(${CMAKE_COMMAND} --build "${work}")
    must(${CMAKE_COMMAND} -S "${SOURCE}/examples/writer" -B "${work}/writer" -G Ninja
        "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${stage}")
    must(${CMAKE_COMMAND} --build "${work}/writer")
    must("${work}/writer/writer" --version)
else()
    set(ENV{PKG_CONFIG_PATH} "${stage}/${LIBDIR}/pkgconfig")
    must(pkg-config --define-variable=prefix=${stage} --cflags --libs grapevine)
    separate_arguments(flags UNIX_COMMAND "${output}")
    file(GLOB sources "${SOURCE}/examples/out-of-tree/*.cpp")
    must("${COMPILER}" -std=c++20 ${sources} -o "${work}/example" ${flags} "-Wl,-rpath,${stage}/${LIBDIR}")
endif()
must("${work}/example" --version)
message(STATUS "${output}")
