// Answers of a node's control socket, as `grapevine up` reads them: any line is refused with a reason, or gives the ids
// that stand in it.

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/node_view.hpp"
#include "base/assert.hpp"
#include "base/bytes.hpp"

using namespace grapevine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line = base::as_text({data, size});
    for (const char* list : {"nodes", "neighbors"}) {
        const auto ids = apps::decode_ids(line, list);
        if (!ids) {
            GRAPEVINE_ASSERT(ids.error().message.starts_with("node: "), "a refusal says why");
            continue;
        }
        boost::json::array items;
        for (const std::string& id : *ids)
            items.emplace_back(boost::json::object{{"id", id}});
        const auto again = apps::decode_ids(boost::json::serialize(boost::json::object{{list, items}}), list);
        GRAPEVINE_ASSERT(again && *again == *ids, "ids survive their encoding");
    }
    return 0;
}
