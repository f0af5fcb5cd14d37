#include <span>
#include <string>
#include <vector>

#include "apps/grapevine/command.hpp"

int main(int argc, char** argv) {
    std::vector<std::string> words;
    if (argc > 1) {
        words.assign(argv + 1, argv + argc);
    }
    return grapevine::apps::run_program(words);
}
