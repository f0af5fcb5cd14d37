#include <grapevine/node.hpp>

int main(int argc, char** argv) {
    return grapevine::node_main({.type = "gateway", .cpu_budget_millicores = 250, .memory_budget_kib = 128 * 1024},
                                argc, argv);
}
