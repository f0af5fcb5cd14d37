// Requests of the supervisor's socket: any bytes are decoded or refused with a message, and what is decoded holds
// nothing but valid names and numbers within their bounds.

#include <cstddef>
#include <cstdint>
#include <variant>

#include "apps/grapevine/supervisor_request.hpp"
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/overloaded.hpp"
#include "io/control_request.hpp"
#include "wire/digest.hpp"

using namespace grapevine;

namespace {

void check_place(const std::string& mesh, const std::string& type, std::size_t count) {
    GRAPEVINE_ASSERT(wire::parse_name("mesh", mesh) && wire::parse_name("type", type), "names are names");
    GRAPEVINE_ASSERT(count >= 1 && count <= apps::Supervisor::kChildrenMax, "a count is within its bounds");
}

void check_bootstrap(const apps::BootstrapRequest& request) {
    std::size_t nodes = 0;
    for (const apps::MeshLayout& layout : request.meshes) {
        for (const apps::TypeCount& type : layout.per_mesh) {
            check_place(layout.mesh, type.type, type.count);
            nodes += type.count;
        }
    }
    GRAPEVINE_ASSERT(nodes >= 1 && nodes <= apps::Supervisor::kChildrenMax, "a layout fits");
}

// What is encoded is decoded to the same again.
template <typename Request>
void check_again(const Request& request) {
    const std::string text = apps::encode(request);
    const auto again = apps::decode_supervisor_request(text);
    GRAPEVINE_ASSERT(again && std::holds_alternative<Request>(*again), "a request survives its encoding");
    GRAPEVINE_ASSERT(apps::encode(std::get<Request>(*again)) == text, "a request stays what it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request = apps::decode_supervisor_request(base::as_text({data, size}));
    if (!request) {
        const std::string answer = io::encode_control_error(request.error());
        GRAPEVINE_ASSERT(!request.error().message.empty(), "a refusal says why");
        GRAPEVINE_ASSERT(answer.find('\n') == std::string::npos, "an answer is one line");
        return 0;
    }
    std::visit(base::Overloaded{[](const apps::ListRequest&) {}, [](const apps::EventsRequest&) {},
                                [](const apps::SpawnRequest& wanted) {
                                    check_place(wanted.mesh, wanted.type, wanted.count);
                                    check_again(wanted);
                                },
                                [](const apps::BootstrapRequest& wanted) { check_bootstrap(wanted); },
                                [](const apps::ActionRequest& wanted) { check_again(wanted); },
                                [](const apps::LogsRequest& wanted) {
                                    GRAPEVINE_ASSERT(wanted.lines <= apps::kLogLinesMax, "lines are bounded");
                                    check_again(wanted);
                                }},
               *request);
    return 0;
}
