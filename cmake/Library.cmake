# The installable library: every layer up to src/grapevine in one shared object that shows only the public headers'
# classes, with a CMake package, a pkg-config file and the headers.
include(CMakePackageConfigHelpers)

set(library_objects "")
set(library_external "")
foreach(layer IN LISTS GRAPEVINE_ALLOWED_grapevine ITEMS grapevine)
    get_target_property(kind grapevine_${layer} TYPE)
    if(kind STREQUAL "STATIC_LIBRARY")
        list(APPEND library_objects $<TARGET_OBJECTS:grapevine_${layer}>)
    endif()
    foreach(external IN LISTS GRAPEVINE_EXTERNAL_${layer})
        list(APPEND library_external grapevine_external_${external})
    endforeach()
endforeach()
list(REMOVE_DUPLICATES library_external)
foreach(external IN LISTS library_external)
    if(NOT TARGET ${external})
        message(FATAL_ERROR "the library needs '${external}', which this configuration does not have")
    endif()
endforeach()

# Nothing to link while no layer has sources.
if(NOT library_objects OR GRAPEVINE_FUZZ)
    return()
endif()

add_library(grapevine SHARED ${library_objects})
add_library(grapevine::grapevine ALIAS grapevine)
set_target_properties(grapevine PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINKER_LANGUAGE CXX)
target_link_libraries(grapevine PRIVATE grapevine_flags ${library_external})
# The public headers' Result is made of tl::expected.
target_link_libraries(grapevine PUBLIC tl::expected)
target_compile_features(grapevine INTERFACE cxx_std_20)
target_include_directories(grapevine INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# The libraries compiled in, Boost.Asio and others, stay private: an application may bring its own version of them.
target_link_options(grapevine PRIVATE -Wl,--exclude-libs,ALL
    "-Wl,--version-script=${PROJECT_SOURCE_DIR}/packaging/grapevine.map")
set_target_properties(grapevine PROPERTIES LINK_DEPENDS "${PROJECT_SOURCE_DIR}/packaging/grapevine.map")
if(NOT GRAPEVINE_SANITIZE)
    target_link_options(grapevine PRIVATE -Wl,--no-undefined)
endif()

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/grapevine")
configure_package_config_file(packaging/grapevine-config.cmake.in "${PROJECT_BINARY_DIR}/grapevine-config.cmake"
    INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/grapevine-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
configure_file(packaging/grapevine.pc.in "${PROJECT_BINARY_DIR}/grapevine.pc" @ONLY)

install(TARGETS grapevine EXPORT grapevine-targets COMPONENT library
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT grapevine-targets NAMESPACE grapevine:: DESTINATION "${package_folder}" COMPONENT library)
install(FILES "${PROJECT_BINARY_DIR}/grapevine-config.cmake" "${PROJECT_BINARY_DIR}/grapevine-config-version.cmake"
    DESTINATION "${package_folder}" COMPONENT library)
install(FILES "${PROJECT_BINARY_DIR}/grapevine.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT library)
install(DIRECTORY include/grapevine DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT library
    FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY scenarios DESTINATION "${CMAKE_INSTALL_DATADIR}/grapevine" COMPONENT programs
    FILES_MATCHING PATTERN "*.toml")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT library)

include(Packaging)

# The test of all this: install into a stage, then build and run the example against it, as a stranger would.
file(GLOB example_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/out-of-tree/*.cpp")
if(GRAPEVINE_TESTS AND example_sources AND NOT GRAPEVINE_SANITIZE)
    foreach(method IN ITEMS cmake pkgconfig)
        add_test(NAME install_${method} COMMAND ${CMAKE_COMMAND}
            -DMETHOD=${method} "-DBUILD=${PROJECT_BINARY_DIR}" "-DSOURCE=${PROJECT_SOURCE_DIR}"
            "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DLIBDIR=${CMAKE_INSTALL_LIBDIR}"
            -P "${PROJECT_SOURCE_DIR}/cmake/InstallTest.cmake")
        set_tests_properties(install_${method} PROPERTIES LABELS install TIMEOUT 300 RESOURCE_LOCK stage)
    endforeach()
endif()
