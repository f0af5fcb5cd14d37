// The compiled half of toml++: every other unit sees only its declarations.
//
// toml++ 3.3 assumes of some input what its parser has not checked ("[" followed by what starts no key): an abort in a
// debug build, undefined behaviour in a release build, out of a file that a user wrote. Here what it assumes is
// checked, and is an exception, which the callers of toml::parse() turn into an error like any other.
#include <stdexcept>

#if defined(__GNUC__) && !defined(__clang__)
// Some of it is noexcept: there the exception ends the program, as the assertion did.
#pragma GCC diagnostic ignored "-Wterminate"
#endif

#define TOML_IMPLEMENTATION
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : throw std::logic_error("no valid TOML"))
#define TOML_ASSERT_ASSUME(expr) TOML_ASSERT(expr)

#include <toml++/toml.h>
