// Round trips over raw UDP on loopback between two threads that block: the floor of a request's latency.

#include "bench/figures.hpp"
#include "bench/raw_udp.hpp"

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    const Arguments arguments = parse_arguments(argc, argv, {false, false, {{"--count", 20000}, {"--bytes", 200}}});
    Figures figures("udp_echo", arguments);
    raw_udp_echo_us(arguments.number("--bytes"), arguments.number("--count") / 10);  // Warm.
    const auto times = raw_udp_echo_us(arguments.number("--bytes"), arguments.number("--count"));
    if (times.empty()) figures.fail("nothing came back");
    figures.add("p50_us", median(times), "us");
    figures.add("p99_us", percentile(times, 0.99), "us");
    return figures.finish();
}
