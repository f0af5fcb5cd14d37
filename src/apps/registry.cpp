#include <grapevine/node.hpp>

int main(int argc, char** argv) {
    return grapevine::node_main(
        {.type = "registry",
         .cpu_budget_millicores = 250,
         .memory_budget_kib = 128 * 1024,
         .on_start = [](grapevine::Node& node) { return node.serve("", grapevine::echo_handler()); }},
        argc, argv);
}
