# The console's pages, target `pages`: web/, built by npm into share/grapevine/console, where the programs look for them.
# Without a Node of 18 or later, or with the option off, the console serves its API alone. The sanitizers and fuzzers
# need no pages.
option(GRAPEVINE_PAGES "Build the console's pages (needs Node 18 or later, and npm)" ON)
if(NOT GRAPEVINE_PAGES OR GRAPEVINE_SANITIZE OR GRAPEVINE_FUZZ)
    add_custom_target(pages)
    return()
endif()

find_program(GRAPEVINE_NODE NAMES node nodejs)
find_program(GRAPEVINE_NPM npm)
set(node_version 0)
if(GRAPEVINE_NODE)
    execute_process(COMMAND "${GRAPEVINE_NODE}" --version OUTPUT_VARIABLE node_version
        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    string(REGEX REPLACE "^v" "" node_version "${node_version}")
endif()
if(NOT GRAPEVINE_NPM OR node_version VERSION_LESS 18)
    message(STATUS "The console's pages are not built: they need npm, and Node 18 or later (found ${node_version})")
    add_custom_target(pages)
    return()
endif()

set(web "${PROJECT_SOURCE_DIR}/web")
set(web_modules "${web}/node_modules/.package-lock.json")
set(pages_folder "${PROJECT_BINARY_DIR}/share/grapevine/console")
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS "${web}/src/*" "${web}/public/*")
list(APPEND web_sources "${web}/index.html" "${web}/package.json" "${web}/tsconfig.json" "${web}/vite.config.ts")

add_custom_command(OUTPUT "${web_modules}"
    COMMAND "${GRAPEVINE_NPM}" ci --no-audit --no-fund --no-update-notifier --loglevel=error
    COMMAND "${CMAKE_COMMAND}" -E touch "${web_modules}"
    DEPENDS "${web}/package-lock.json"
    WORKING_DIRECTORY "${web}" COMMENT "Fetching what the console's pages are made of" VERBATIM)
add_custom_command(OUTPUT "${pages_folder}/index.html"
    COMMAND "${GRAPEVINE_NPM}" run --silent build -- --logLevel warn --emptyOutDir --outDir "${pages_folder}"
    DEPENDS "${web_modules}" ${web_sources}
    WORKING_DIRECTORY "${web}" COMMENT "Building the console's pages" VERBATIM)
add_custom_target(pages ALL DEPENDS "${pages_folder}/index.html")
install(DIRECTORY "${pages_folder}" DESTINATION "${CMAKE_INSTALL_DATADIR}/grapevine" COMPONENT programs)

if(GRAPEVINE_TESTS)
    add_dependencies(unit_tests pages)
    add_test(NAME web COMMAND "${GRAPEVINE_NPM}" test --silent WORKING_DIRECTORY "${web}")
    set_tests_properties(web PROPERTIES LABELS unit TIMEOUT 300)
    add_test(NAME web_style COMMAND "${GRAPEVINE_NPM}" exec -- prettier --check --log-level warn .
        WORKING_DIRECTORY "${web}")
    set_tests_properties(web_style PROPERTIES LABELS style TIMEOUT 120)
endif()
