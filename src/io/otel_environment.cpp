#include "io/otel_environment.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "base/utf8.hpp"
#include "io/http_client.hpp"
#include "io/otel_environment_value.hpp"
#include "io/tls_stream.hpp"

namespace grapevine::io {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kDelayMsMax = 24ULL * 3600 * 1000;
constexpr std::uint64_t kTimeoutMsMax = 10ULL * 60 * 1000;
// What a queue may occupy, by its length: 256 KiB of spans and 64 KiB of log records where nobody asked for another,
// which is some 850 spans of a mesh and 250 records. A node whose receiver is away for hours is to stay within its
// memory, and there spans say more than lines of the log.
constexpr std::size_t kBytesASpan = 128;
constexpr std::size_t kBytesALog = 32;
constexpr std::size_t kQueueBytesMin = 64 * 1024;

struct SignalName {
    std::string_view upper;  // "TRACES"
    std::string_view path;   // "v1/traces"
};
constexpr SignalName kTraces{"TRACES", "v1/traces"};
constexpr SignalName kMetrics{"METRICS", "v1/metrics"};
constexpr SignalName kLogs{"LOGS", "v1/logs"};

struct Variable {
    std::string name;
    std::string value;
};

class Reader {
public:
    using Environment = std::function<const char*(const char*)>;
    explicit Reader(const Environment& environment) : environment_(environment) {}
    OtelEnvironment read();

private:
    std::optional<Variable> get(const std::string& name);
    std::optional<Variable> get(SignalName signal, std::string_view what);
    std::optional<Variable> first_of(std::initializer_list<const char*> names);
    void warn(const Variable& variable, std::string_view rule);
    void warn_secret(const Variable& variable, std::string_view rule);

    std::optional<std::uint64_t> number(const std::optional<Variable>& variable, std::uint64_t low, std::uint64_t high);
    void read_count(std::initializer_list<const char*> names, std::size_t low, std::size_t high, std::size_t& out);
    void read_duration(const char* name, std::uint64_t low, std::uint64_t high, base::Duration& out);

    enum class Choice : std::uint8_t { unset, otlp, off };
    Choice exporter(SignalName signal);
    void read_target(SignalName signal, SignalTarget& out);
    bool read_endpoint(SignalName signal, SignalTarget& out);
    void read_headers(SignalName signal, SignalTarget& out);
    void read_protocol(SignalName signal);
    void read_compression(SignalName signal, SignalTarget& out);
    bool read_files(SignalName signal, SignalTarget& out);
    void read_timeout(SignalName signal, const char* processor, SignalTarget& out);

    void read_sampler(telemetry::Sampler& out);
    void read_batches();
    void read_limits(telemetry::RecorderConfig& out);
    void read_resource();
    void read_unsupported();
    void expect(const char* name, std::initializer_list<std::string_view> fine, std::string_view rule);

    const Environment& environment_;
    OtelEnvironment result_;
};

std::optional<Variable> Reader::get(const std::string& name) {
    const char* value = environment_(name.c_str());
    if (value == nullptr || trim_blanks(value).empty()) return std::nullopt;
    Variable variable{name, std::string(trim_blanks(value))};
    if (variable.value.size() <= kOtelValueBytesMax) return variable;
    warn_secret(variable, "is longer than 64 KiB and is ignored");
    return std::nullopt;
}

std::optional<Variable> Reader::get(SignalName signal, std::string_view what) {
    auto own = get("OTEL_EXPORTER_OTLP_" + std::string(signal.upper) + '_' + std::string(what));
    return own ? own : get("OTEL_EXPORTER_OTLP_" + std::string(what));
}

std::optional<Variable> Reader::first_of(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (auto variable = get(name)) return variable;
    return std::nullopt;
}

void Reader::warn(const Variable& variable, std::string_view rule) {
    constexpr std::size_t kShownMax = 80;
    std::string shown = variable.value.substr(0, kShownMax);
    for (char& c : shown)
        if (c < ' ' || c == 0x7f) c = '?';
    warn_secret({variable.name + "='" + shown + (variable.value.size() > kShownMax ? "...'" : "'"), {}}, rule);
}

void Reader::warn_secret(const Variable& variable, std::string_view rule) {
    std::string line = variable.name + ": " + std::string(rule);
    if (std::find(result_.warnings.begin(), result_.warnings.end(), line) == result_.warnings.end())
        result_.warnings.push_back(std::move(line));
}

std::optional<std::uint64_t> Reader::number(const std::optional<Variable>& variable, std::uint64_t low,
                                            std::uint64_t high) {
    if (!variable) return std::nullopt;
    const auto value = parse_otel_number(variable->value);
    if (!value) {
        warn(*variable, "is not a whole number; the default is used");
        return std::nullopt;
    }
    if (*value < low || *value > high)
        warn(*variable,
             "must be from " + std::to_string(low) + " to " + std::to_string(high) + "; the nearer bound is used");
    return std::clamp(*value, low, high);
}

void Reader::read_count(std::initializer_list<const char*> names, std::size_t low, std::size_t high, std::size_t& out) {
    if (const auto value = number(first_of(names), low, high)) out = static_cast<std::size_t>(*value);
}

void Reader::read_duration(const char* name, std::uint64_t low, std::uint64_t high, base::Duration& out) {
    if (const auto value = number(get(name), low, high)) out = milliseconds(*value);
}

Reader::Choice Reader::exporter(SignalName signal) {
    const auto variable = get("OTEL_" + std::string(signal.upper) + "_EXPORTER");
    if (!variable) return Choice::unset;
    Choice choice = Choice::off;
    for (const std::string& word : parse_otel_list(variable->value)) {
        if (word == "otlp")
            choice = Choice::otlp;
        else if (word != "none")
            warn(*variable, "only otlp and none are supported; others are ignored");
    }
    return choice;
}

void Reader::read_target(SignalName signal, SignalTarget& out) {
    const Choice choice = exporter(signal);
    if (choice == Choice::off) return;
    if (choice == Choice::unset && !get(signal, "ENDPOINT")) return;
    if (!read_endpoint(signal, out) || !read_files(signal, out)) return;
    read_headers(signal, out);
    read_protocol(signal);
    read_compression(signal, out);
    out.enabled = true;
}

// A signal's own endpoint is used as it is; below the general one lies the signal's path.
bool Reader::read_endpoint(SignalName signal, SignalTarget& out) {
    const std::string own_name = "OTEL_EXPORTER_OTLP_" + std::string(signal.upper) + "_ENDPOINT";
    const auto own = get(own_name);
    const Variable variable =
        own ? *own : get("OTEL_EXPORTER_OTLP_ENDPOINT").value_or(Variable{own_name, "http://localhost:4318"});
    const auto url = parse_otel_url(variable.value);
    if (!url) {
        const std::string off = url.error().message + "; " + lower_case(signal.upper) + " are not exported";
        variable.value.find('@') != std::string::npos ? warn_secret(variable, off) : warn(variable, off);
        return false;
    }
    out.https = url->https;
    out.host = url->host;
    out.port = url->port;
    if (!own && url->path.find('?') != std::string::npos)
        warn_secret(variable, "its query is ignored, because the signal's path comes after it");
    std::string base_path = own ? url->path : url->path.substr(0, url->path.find('?'));
    if (!own) {
        if (!base_path.ends_with('/')) base_path += '/';
        base_path += signal.path;
    }
    out.path = std::move(base_path);
    return true;
}

void Reader::read_headers(SignalName signal, SignalTarget& out) {
    const auto variable = get(signal, "HEADERS");
    if (!variable) return;
    const auto pairs = parse_otel_pairs(variable->value, kOtelHeadersMax);
    if (!pairs) return warn_secret(*variable, pairs.error().message + "; no header is sent");
    std::size_t bytes = 0, number = 0;
    for (const auto& [key, value] : *pairs) {
        ++number;
        bytes += key.size() + value.size() + 4;
        if (!is_http_header(key, value))
            warn_secret(*variable, "pair " + std::to_string(number) + " cannot be an HTTP header and is left out");
        else if (is_http_client_header(key))
            warn_secret(*variable, "pair " + std::to_string(number) + ": the header is the exporter's own; left out");
        else
            out.headers.emplace_back(key, value);
    }
    if (bytes <= kOtelHeaderBytesMax) return;
    out.headers.clear();
    warn_secret(*variable, "is longer than 8 KiB; no header is sent");
}

void Reader::read_protocol(SignalName signal) {
    const auto variable = get(signal, "PROTOCOL");
    if (variable && lower_case(variable->value) != "http/protobuf")
        warn(*variable, "the only protocol is http/protobuf, which is used (its usual port is 4318)");
}

void Reader::read_compression(SignalName signal, SignalTarget& out) {
    const auto variable = get(signal, "COMPRESSION");
    if (!variable) return;
    const std::string word = lower_case(variable->value);
    out.gzip = word == "gzip";
    if (word != "gzip" && word != "none") warn(*variable, "must be gzip or none; none is used");
}

bool Reader::read_files(SignalName signal, SignalTarget& out) {
    if (const auto file = get(signal, "CERTIFICATE")) out.ca_file = file->value;
    if (const auto file = get(signal, "CLIENT_CERTIFICATE")) out.client_certificate_file = file->value;
    if (const auto file = get(signal, "CLIENT_KEY")) out.client_key_file = file->value;
    if (!out.https) return true;
    const auto status = check_tls_files({out.ca_file, out.client_certificate_file, out.client_key_file});
    if (status) return true;
    warn_secret({"OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE, _CLIENT_KEY", {}},
                status.error().message + "; " + lower_case(signal.upper) + " are not exported");
    return false;
}

void Reader::read_timeout(SignalName signal, const char* processor, SignalTarget& out) {
    base::Duration processor_limit = std::chrono::seconds(30);
    if (const auto value = number(get(signal, "TIMEOUT"), 1, kTimeoutMsMax)) out.timeout = milliseconds(*value);
    read_duration(processor, 1, kTimeoutMsMax, processor_limit);
    out.timeout = std::min(out.timeout, processor_limit);
}

void Reader::read_sampler(telemetry::Sampler& out) {
    using Root = telemetry::Sampler::Root;
    const auto variable = get("OTEL_TRACES_SAMPLER");
    if (!variable) return;
    std::string word = lower_case(variable->value);
    constexpr std::string_view kParent = "parentbased_";
    const bool parent_based = word.starts_with(kParent);
    if (parent_based) word.erase(0, kParent.size());
    if (word != "always_on" && word != "always_off" && word != "traceidratio")
        return warn(*variable, "is not supported; parentbased_always_on is used");
    out.parent_based = parent_based;
    out.root = word == "always_on" ? Root::always_on : word == "always_off" ? Root::always_off : Root::ratio;
    const auto argument = get("OTEL_TRACES_SAMPLER_ARG");
    if (out.root != Root::ratio || !argument) return;
    if (const auto ratio = parse_otel_ratio(argument->value))
        out.ratio = *ratio;
    else
        warn(*argument, "is not a number from 0 to 1; 1 is used");
}

void Reader::read_batches() {
    ExportConfig& config = result_.config;
    read_duration("OTEL_BSP_SCHEDULE_DELAY", 0, kDelayMsMax, config.span_delay);
    read_duration("OTEL_BLRP_SCHEDULE_DELAY", 0, kDelayMsMax, config.log_delay);
    read_duration("OTEL_METRIC_EXPORT_INTERVAL", 100, kDelayMsMax, config.metric_interval);
    read_count({"OTEL_BSP_MAX_QUEUE_SIZE"}, 1, kOtelQueueMax, config.recorder.spans_max);
    read_count({"OTEL_BLRP_MAX_QUEUE_SIZE"}, 1, kOtelQueueMax, config.recorder.logs_max);
    telemetry::RecorderConfig& recorder = config.recorder;
    recorder.spans_bytes_max = std::max(kQueueBytesMin, recorder.spans_max * kBytesASpan);
    recorder.logs_bytes_max = std::max(kQueueBytesMin, recorder.logs_max * kBytesALog);
    config.span_batch_max = std::min(config.span_batch_max, config.recorder.spans_max);
    config.log_batch_max = std::min(config.log_batch_max, config.recorder.logs_max);
    read_count({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE"}, 1, config.recorder.spans_max, config.span_batch_max);
    read_count({"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"}, 1, config.recorder.logs_max, config.log_batch_max);
}

void Reader::read_limits(telemetry::RecorderConfig& out) {
    read_count({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"}, 0, 1024, out.attributes_max);
    read_count({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"}, 0, 64 * 1024,
               out.attribute_bytes_max);
    read_count({"OTEL_SPAN_LINK_COUNT_LIMIT"}, 0, 1024, out.links_max);
}

void Reader::read_resource() {
    ExportConfig& config = result_.config;
    if (const auto variable = get("OTEL_RESOURCE_ATTRIBUTES")) {
        if (auto pairs = parse_otel_pairs(variable->value, kOtelAttributesMax))
            config.resource = std::move(*pairs);
        else
            warn(*variable, pairs.error().message + "; all of it is ignored");
    }
    const auto named = std::find_if(config.resource.begin(), config.resource.end(),
                                    [](const auto& pair) { return pair.first == "service.name"; });
    if (named != config.resource.end()) config.service_name = named->second;
    std::erase_if(config.resource, [](const auto& pair) { return pair.first == "service.name"; });
    const auto name = get("OTEL_SERVICE_NAME");
    if (name && base::is_utf8(name->value))
        config.service_name = name->value;
    else if (name)
        warn_secret(*name, "is not UTF-8; the node's type is used");
}

void Reader::expect(const char* name, std::initializer_list<std::string_view> fine, std::string_view rule) {
    const auto variable = get(name);
    if (!variable) return;
    const std::string value = lower_case(variable->value);
    if (std::find(fine.begin(), fine.end(), value) == fine.end()) warn(*variable, rule);
}

// Rule 6.
void Reader::read_unsupported() {
    expect("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", {"cumulative"}, "only cumulative is supported");
    expect("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", {"explicit_bucket_histogram"},
           "only explicit_bucket_histogram is supported");
    expect("OTEL_METRICS_EXEMPLAR_FILTER", {"trace_based"}, "only trace_based is supported");
    for (const char* name : {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"})
        expect(name, {}, "log records have no limits of their own; those of spans hold");
    for (const char* name : {"OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"})
        expect(name, {}, "files are not supported; the variables hold");
}

OtelEnvironment Reader::read() {
    ExportConfig& config = result_.config;
    read_sampler(config.recorder.sampler);
    read_batches();
    read_limits(config.recorder);
    read_resource();
    read_unsupported();
    const auto disabled = get("OTEL_SDK_DISABLED");
    if (disabled && lower_case(disabled->value) == "true") return std::move(result_);
    if (disabled && lower_case(disabled->value) != "false") warn(*disabled, "must be true or false; false is used");
    read_target(kTraces, config.traces);
    read_target(kMetrics, config.metrics);
    read_target(kLogs, config.logs);
    read_timeout(kTraces, "OTEL_BSP_EXPORT_TIMEOUT", config.traces);
    read_timeout(kMetrics, "OTEL_METRIC_EXPORT_TIMEOUT", config.metrics);
    read_timeout(kLogs, "OTEL_BLRP_EXPORT_TIMEOUT", config.logs);
    return std::move(result_);
}

}  // namespace

OtelEnvironment read_otel_environment(const std::function<const char*(const char*)>& environment) {
    return Reader(environment).read();
}

}  // namespace grapevine::io
