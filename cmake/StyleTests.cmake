# The style of the tree is a test like any other, and the checker has tests of its own.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(NOT GRAPEVINE_TESTS OR NOT Python3_FOUND)
    return()
endif()
add_test(NAME style COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/scripts/style_check.py")
add_test(NAME style_checker COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/scripts/style_check_test.py")
# An edge that the table does not allow must stop the configuration.
add_test(NAME layer_gate COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/scripts/layer_gate_test.py")
set_tests_properties(style style_checker layer_gate PROPERTIES LABELS style TIMEOUT 60
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
