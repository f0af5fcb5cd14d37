// All decoders. The first byte chooses the signal (bits 0 and 1), tight limits (bit 2), and whether the rest is a body
// or edits of a correct request (bit 3), which get deeper than random bytes do. What decodes keeps every limit and
// promise.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.hpp"
#include "otlp/decode.hpp"
#include "otlp/encode.hpp"
#include "otlp/samples_testing.hpp"

namespace {

using namespace grapevine::otlp;

void require(bool holds) {
    if (!holds) std::abort();
}

DecodeLimits tight() {
    DecodeLimits limits;
    limits.depth_max = 2;
    limits.attributes_max = 3;
    limits.text_bytes_max = 12;
    limits.items_max = 3;
    limits.links_max = 1;
    limits.decoded_bytes_max = 4096;
    return limits;
}

void check_text(const std::string& text, const DecodeLimits& limits) {
    require(text.size() <= limits.text_bytes_max && grapevine::base::is_utf8(text));
}

void check_attributes(const RowAttributes& attributes, const DecodeLimits& limits) {
    require(attributes.size() <= limits.attributes_max);
    for (const RowAttribute& attribute : attributes) {
        check_text(attribute.key, limits);
        check_text(attribute.value, limits);
        require(attribute.is_text || !attribute.value.empty());
    }
}

void check_id(const std::string& hex, std::size_t bytes) {
    require(hex.empty() || hex.size() == 2 * bytes);
}

void check_row(const SpanRow& row, const DecodeLimits& limits) {
    require(row.trace_id.size() == 32 && row.span_id.size() == 16 && row.start_unix_ns <= row.end_unix_ns);
    check_id(row.parent_span_id, 8);
    check_text(row.name, limits);
    check_text(row.status_text, limits);
    require(row.links.size() <= limits.links_max);
}

void check_row(const LogRow& row, const DecodeLimits& limits) {
    check_id(row.trace_id, 16);
    check_id(row.span_id, 8);
    check_text(row.body, limits);
    require(row.severity >= 0 && row.severity <= 24);
}

void check_row(const PointRow& row, const DecodeLimits& limits) {
    require(!row.metric.empty() || limits.text_bytes_max < 4);
    check_text(row.metric, limits);
    check_text(row.unit, limits);
    check_text(row.description, limits);
    require(row.bounds.empty() ? row.buckets.size() <= 1 : row.buckets.size() == row.bounds.size() + 1);
    require(std::is_sorted(row.bounds.begin(), row.bounds.end()));
    check_id(row.exemplar_trace_id, 16);
}

template <typename Result>
void check(const Result& result, const DecodeLimits& limits) {
    if (!result) return require(result.error().message.starts_with("OTLP "));
    require(result->rows.size() <= limits.items_max && result->resources.size() <= result->rows.size());
    require((result->refused == 0) == result->reason.empty());
    for (const auto& resource : result->resources) {
        check_attributes(resource.attributes, limits);
    }
    for (const auto& row : result->rows) {
        require(row.resource < result->resources.size());
        check_attributes(row.attributes, limits);
        check_row(row, limits);
    }
}

const std::string& sample(unsigned signal) {
    const auto resource = testing::resource();
    static const std::array<std::string, 4> kSamples{
        encode_traces(resource, testing::spans()), encode_logs(resource, testing::logs()),
        encode_metrics(resource, testing::metrics(), 1, 2), encode_response({3, "why"})};
    return kSamples[signal];
}

// Three bytes an edit: where, and what is put there.
std::string edited(std::string body, std::string_view edits) {
    for (; edits.size() >= 3; edits.remove_prefix(3)) {
        const std::size_t at = static_cast<std::uint8_t>(edits[0]) * 256U + static_cast<std::uint8_t>(edits[1]);
        body[at % body.size()] = edits[2];
    }
    return body;
}

void decode(unsigned signal, std::string_view body, const DecodeLimits& limits) {
    if (signal == 0) return check(decode_traces(body, limits), limits);
    if (signal == 1) return check(decode_logs(body, limits), limits);
    if (signal == 2) return check(decode_metrics(body, limits), limits);
    const auto response = decode_response(body);
    if (response) require(decode_response(encode_response(*response)) == *response);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const unsigned choice = data[0];
    const unsigned signal = choice & 3U;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const DecodeLimits limits = (choice & 4U) != 0 ? tight() : DecodeLimits{};
    decode(signal, (choice & 8U) != 0 ? edited(sample(signal), rest) : std::string(rest), limits);
    return 0;
}
