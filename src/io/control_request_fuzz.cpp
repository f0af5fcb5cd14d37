// Requests of the control socket: any bytes are decoded or refused with a message, and the refusal is one line of JSON.

#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "io/control_request.hpp"
#include "io/node_registry.hpp"
#include "io/supervisor_registry.hpp"

using namespace grapevine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = base::as_text({data, size});
    const auto request = io::decode_control_request(text);
    if (!request) {
        const std::string answer = io::encode_control_error(request.error());
        GRAPEVINE_ASSERT(!request.error().message.empty(), "a refusal says why");
        GRAPEVINE_ASSERT(answer.find('\n') == std::string::npos, "an answer is one line");
    }
    if (const auto record = io::decode_node_record(text); record) {
        const auto again = io::decode_node_record(io::encode(*record));
        GRAPEVINE_ASSERT(again && *again == *record, "a record survives its encoding");
    }
    if (const auto record = io::decode_supervisor_record(text); record) {
        const auto again = io::decode_supervisor_record(io::encode(*record));
        GRAPEVINE_ASSERT(again && *again == *record, "a record survives its encoding");
    }
    return 0;
}
