// Any bytes as the texts of a log record: the line is bounded and, as JSON, parses.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/utf8.hpp"
#include "io/json.hpp"
#include "io/log_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace grapevine;
    const std::string text(reinterpret_cast<const char*>(data), size);
    telemetry::LogRecord record;
    record.site = text.substr(0, size / 4);
    record.body = text;
    for (std::size_t at = 0; at < size; at += 64)
        record.attributes.push_back({"key", text.substr(at)});
    for (const io::LogFormat format : {io::LogFormat::human, io::LogFormat::json}) {
        const std::string line = io::log_line(format, record, size);
        GRAPEVINE_ASSERT(line.size() <= io::kLogLineBytesMax && line.back() == '\n', "a line is bounded and ends");
        GRAPEVINE_ASSERT(line.find('\n') == line.size() - 1 && base::is_utf8(line), "one line of valid UTF-8");
        if (format == io::LogFormat::json)
            GRAPEVINE_ASSERT(io::parse_json_object("line", line).has_value(), "JSON whatever was said");
    }
    return 0;
}
