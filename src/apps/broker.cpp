#include <grapevine/node.hpp>

int main(int argc, char** argv) {
    return grapevine::node_main(
        {.type = "broker",
         .cpu_budget_millicores = 500,
         .memory_budget_kib = 256 * 1024,
         .on_start = [](grapevine::Node& node) { return node.serve("", grapevine::echo_handler()); }},
        argc, argv);
}
