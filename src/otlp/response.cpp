#include <algorithm>
#include <cstdint>
#include <limits>

#include "otlp/encode.hpp"
#include "otlp/encode_common.hpp"
#include "otlp/reader.hpp"

namespace grapevine::otlp {

namespace {

constexpr std::uint64_t kRejectedMax = std::numeric_limits<std::int64_t>::max();

void read_partial_success(Message message, Problem& problem, PartialSuccess& out) {
    while (message.next()) {
        switch (message.field<PartialSuccessField>()) {
            case PartialSuccessField::rejected: out.rejected = message.varint("rejected"); break;
            case PartialSuccessField::error_message: out.message = message.text("error_message"); break;
            default: message.skip();
        }
        if (out.rejected > kRejectedMax && !problem.found()) problem.text = "partial_success.rejected: negative";
    }
}

}  // namespace

std::string encode_response(const PartialSuccess& response) {
    std::string bytes;
    if (response == PartialSuccess{}) return bytes;
    protozero::pbf_builder<ResponseField> out(bytes);
    protozero::pbf_builder<PartialSuccessField> partial(out, ResponseField::partial_success);
    if (response.rejected != 0) {
        const std::uint64_t rejected = std::min(response.rejected, kRejectedMax);
        partial.add_int64(PartialSuccessField::rejected, static_cast<std::int64_t>(rejected));
    }
    write_text(partial, number(PartialSuccessField::error_message), response.message);
    partial.commit();
    return bytes;
}

base::Result<PartialSuccess> decode_response(std::string_view body) {
    Problem problem;
    PartialSuccess out;
    Message response("response", body, problem);
    while (response.next()) {
        if (response.field<ResponseField>() == ResponseField::partial_success) {
            read_partial_success({"partial_success", response.bytes("partial_success"), problem}, problem, out);
        } else {
            response.skip();
        }
    }
    if (problem.found()) return base::invalid("OTLP " + problem.text);
    return out;
}

}  // namespace grapevine::otlp
