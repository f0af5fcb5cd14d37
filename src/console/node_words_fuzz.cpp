// What nodes and the supervisor say on their sockets. The first byte chooses which decoder.
//
// What is accepted has what the world relies on: an id, a name and a mesh of each row, bounded lists, ages in the past.
// All of it goes through a world, which stays within its bounds.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/node_words.hpp"
#include "console/supervisor_socket.hpp"
#include "console/world.hpp"
#include "io/json.hpp"

using namespace grapevine;

namespace {

constexpr console::Moment kAt{base::TimePoint(std::chrono::hours(24 * 365)), {1'700'000'000'000}};

console::World world_with_viewer() {
    console::World world(1, kAt);
    world.on_viewer({}, "m", kAt);
    world.on_directory({}, {}, kAt);
    return world;
}

void directory(std::string_view line) {
    const auto rows = console::decode_directory(line, kAt.now);
    if (!rows) {
        GRAPEVINE_ASSERT(!rows.error().message.empty(), "a refusal says why");
        return;
    }
    for (const console::DirectoryRow& row : *rows) {
        GRAPEVINE_ASSERT(!row.digest.name.empty() && !row.digest.mesh.empty(), "a row has a name and a mesh");
        GRAPEVINE_ASSERT(row.digest.heard <= kAt.now, "it was said before now");
        GRAPEVINE_ASSERT(row.digest.neighbors.size() <= console::kIdsOfRowMax, "lists are bounded");
    }
    auto world = world_with_viewer();
    world.on_directory({}, *rows, kAt);
    GRAPEVINE_ASSERT(world.nodes().size() <= rows->size(), "a node a row at most");
}

void event(const boost::json::object& object) {
    const auto event = console::decode_event(object);
    if (!event) return;
    GRAPEVINE_ASSERT(event->who.size() <= console::kIdsOfRowMax, "lists are bounded");
    auto world = world_with_viewer();
    world.on_event({}, *event, kAt);
    GRAPEVINE_ASSERT(world.timeline().size() <= 1, "an event makes at most one");
}

void process(const boost::json::object& object) {
    const auto process = console::decode_process(object);
    if (!process) return;
    GRAPEVINE_ASSERT(!process->name.empty() && process->state != console::ProcessState::none, "a process is something");
    auto world = world_with_viewer();
    world.on_process(*process, kAt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view line = base::as_text({data + 1, size - 1});
    if (data[0] % 5 == 0) directory(line);
    if (data[0] % 5 == 1) {
        const auto neighbors = console::decode_neighbors(line);
        GRAPEVINE_ASSERT(!neighbors || neighbors->size() <= console::kIdsOfRowMax, "lists are bounded");
    }
    if (data[0] % 5 == 4) {
        const auto answer = console::decode_supervisor_answer(line);
        GRAPEVINE_ASSERT(answer || !answer.error().message.empty(), "a refusal says why");
    }
    const auto object = io::parse_json_object("line", line);
    if (object && data[0] % 5 == 2) event(*object);
    if (object && data[0] % 5 == 3) process(*object);
    return 0;
}
