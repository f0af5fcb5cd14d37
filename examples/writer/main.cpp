// A node that writes to the brokers of another mesh, and says how that goes:
//   writer --mesh mesh1 --seed TICKET
// $WRITER_TO is the name (mesh2.broker), $WRITER_RATE the messages a second (1000).

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <grapevine/grapevine.hpp>

namespace {

std::string variable(const char* name, const char* fallback) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : fallback;
}

double milliseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

void show(const grapevine::ProducerReport& report) {
    const auto acknowledged = report.count(grapevine::Delivery::Ending::acknowledged);
    std::fprintf(stderr, "%.0f/s  p50 %.2f ms  p99 %.2f ms  %llu of %llu acknowledged, %llu under way\n",
                 report.acknowledged_per_s, milliseconds(report.interval.p50), milliseconds(report.interval.p99),
                 static_cast<unsigned long long>(acknowledged), static_cast<unsigned long long>(report.submitted),
                 static_cast<unsigned long long>(report.unanswered));
}

}  // namespace

int main(int argc, char** argv) {
    std::unique_ptr<grapevine::Producer> producer;
    grapevine::NodePreset preset;
    preset.type = "writer";
    preset.on_start = [&producer](grapevine::Node& node) -> grapevine::Status {
        grapevine::ProducerOptions options;
        options.name = variable("WRITER_TO", "mesh2.broker");
        options.rate = static_cast<std::uint32_t>(std::strtoul(variable("WRITER_RATE", "1000").c_str(), nullptr, 10));
        auto started = grapevine::Producer::start(node, options, show, show);
        if (!started) {
            return tl::unexpected(started.error());
        }
        producer = std::move(*started);
        return {};
    };
    return grapevine::node_main(preset, argc, argv);
}
