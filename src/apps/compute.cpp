#include <grapevine/node.hpp>

int main(int argc, char** argv) {
    return grapevine::node_main(
        {.type = "compute",
         .cpu_budget_millicores = 1000,
         .memory_budget_kib = 512 * 1024,
         .on_start = [](grapevine::Node& node) { return node.serve("", grapevine::echo_handler()); }},
        argc, argv);
}
