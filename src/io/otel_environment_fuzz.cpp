// OTEL_* variables: any text is read into a configuration within its bounds, with warnings that are one line each.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "io/otel_environment.hpp"
#include "io/otel_environment_value.hpp"

using namespace grapevine;

namespace {

// File names are left out: a fuzzer must not read what it finds.
constexpr std::array kNames{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                            "OTEL_EXPORTER_OTLP_HEADERS",  "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
                            "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_COMPRESSION",
                            "OTEL_EXPORTER_OTLP_TIMEOUT",  "OTEL_TRACES_EXPORTER",
                            "OTEL_METRICS_EXPORTER",       "OTEL_TRACES_SAMPLER",
                            "OTEL_TRACES_SAMPLER_ARG",     "OTEL_BSP_SCHEDULE_DELAY",
                            "OTEL_BSP_MAX_QUEUE_SIZE",     "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
                            "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_RESOURCE_ATTRIBUTES",
                            "OTEL_SERVICE_NAME",           "OTEL_ATTRIBUTE_COUNT_LIMIT",
                            "OTEL_SPAN_LINK_COUNT_LIMIT",  "OTEL_SDK_DISABLED"};

// Lines of a byte that chooses the variable and its value.
std::map<std::string, std::string> make_variables(std::string_view text) {
    std::map<std::string, std::string> variables;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        if (!line.empty()) {
            std::string value(line.substr(1));
            std::erase(value, '\0');
            variables[kNames[static_cast<unsigned char>(line.front()) % kNames.size()]] = value;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return variables;
}

void check_target(const io::SignalTarget& target) {
    if (!target.enabled || target.https) return;
    GRAPEVINE_ASSERT(!target.host.empty() && target.port != 0, "an enabled signal has somewhere to go");
    GRAPEVINE_ASSERT(target.path.starts_with('/'), "a path is absolute");
    GRAPEVINE_ASSERT(target.headers.size() <= io::kOtelHeadersMax, "headers are bounded");
    for (const auto& [key, value] : target.headers)
        GRAPEVINE_ASSERT((key + value).find_first_of("\r\n") == std::string::npos, "a header is one line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = base::as_text({data, size});
    const auto variables = make_variables(text);
    const auto result = io::read_otel_environment([&](const char* name) -> const char* {
        const auto it = variables.find(name);
        return it == variables.end() ? nullptr : it->second.c_str();
    });
    const io::ExportConfig& config = result.config;
    for (const auto* target : {&config.traces, &config.metrics, &config.logs})
        check_target(*target);
    GRAPEVINE_ASSERT(config.span_batch_max >= 1 && config.span_batch_max <= config.recorder.spans_max, "batches fit");
    GRAPEVINE_ASSERT(config.recorder.spans_max <= io::kOtelQueueMax, "queues are bounded");
    GRAPEVINE_ASSERT(config.recorder.sampler.ratio >= 0 && config.recorder.sampler.ratio <= 1, "a ratio");
    for (const std::string& line : result.warnings)
        GRAPEVINE_ASSERT(line.find('\n') == std::string::npos, "a warning is one line");
    if (const auto url = io::parse_otel_url(text); url)
        GRAPEVINE_ASSERT(!url->host.empty() && url->path.starts_with('/'), "a URL has a host and a path");
    return 0;
}
