// The compiled half of toml++: every other unit sees only its declarations.
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
