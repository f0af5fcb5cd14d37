// bench_delivery_courses [SEEDS]: as many courses of src/stack/storm_testing.hpp, and what became of their messages.
// Exit code 1, and the seed, where a promise was broken.

#include <cstdio>
#include <cstdlib>

#include "stack/storm_testing.hpp"

using namespace grapevine;

int main(int argc, char** argv) {
    const unsigned long long seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
    stack::StormTally all;
    int broken = 0;
    for (unsigned long long seed = 1; seed <= seeds; ++seed) {
        const stack::StormTally course = stack::run_storm(seed);
        for (const auto& violation : course.violations) {
            std::printf("seed %llu: %s\n", seed, violation.c_str());
            broken = 1;
        }
        for (const auto& [ending, count] : course.endings)
            all.endings[ending] += count;
        all.submitted += course.submitted;
        all.handled += course.handled;
        all.crashes += course.crashes;
        all.cuts += course.cuts;
    }
    std::printf("%llu courses: %zu messages, %zu handled, %zu crashes, %zu cuts\n", seeds, all.submitted, all.handled,
                all.crashes, all.cuts);
    for (const auto& [ending, count] : all.endings)
        std::printf("%-16s %zu\n", delivery::name(ending).data(), count);
    return broken;
}
