// Memory of an idle QUIC connection: heap and resident bytes of many idle connections between two endpoints in one
// process, divided by the number of connection ends. No sockets, so nothing but the endpoint is counted.

#include "bench/clocks.hpp"
#include "bench/figures.hpp"
#include "bench/quic_pair.hpp"

namespace grapevine::bench {
namespace {

constexpr double kKib = 1024.0;
constexpr double kBudgetKib = 40.0;  // Heap of one end.
// The same stack driven bare: ngtcp2 1.11 and GnuTLS 3.7.9, mutual raw keys, one end of an idle connection.
constexpr double kBareStackKib = 37.6;

int run(const Arguments& arguments) {
    Figures figures("memory", arguments);
    const std::size_t connections = arguments.number("--connections");
    QuicPair pair(wide_config(connections));
    // The first connections pay for what is made once.
    constexpr std::size_t kWarmUp = 8;
    for (std::size_t i = 0; i < kWarmUp; ++i)
        if (!pair.connect()) figures.fail("a handshake failed");
    pair.run_for(std::chrono::seconds(30));
    const double heap_before = heap_bytes();
    const double resident_before = resident_bytes();
    for (std::size_t i = 0; i < connections; ++i)
        if (!pair.connect()) figures.fail("a handshake failed");
    const double heap_fresh = heap_bytes();
    pair.run_for(std::chrono::seconds(60));
    if (pair.closed() != 0 || pair.connected() != 2 * (connections + kWarmUp)) figures.fail("connections were lost");
    const double ends = 2.0 * static_cast<double>(connections);
    figures.add("connections", static_cast<double>(connections), "");
    figures.add("heap_kib_per_end_after_handshake", (heap_fresh - heap_before) / ends / kKib, "KiB");
    const double heap = (heap_bytes() - heap_before) / ends / kKib;
    figures.at_most("heap_kib_per_end_idle", heap, kBudgetKib, "KiB");
    figures.add("resident_kib_per_end_idle", (resident_bytes() - resident_before) / ends / kKib, "KiB");
    figures.add("ratio_to_bare_stack", heap / kBareStackKib, "");
    return figures.finish();
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    return run(parse_arguments(argc, argv, {false, false, {{"--connections", 1000}}}));
}
