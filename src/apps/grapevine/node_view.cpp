#include "apps/grapevine/node_view.hpp"

#include <boost/json.hpp>

#include "io/json.hpp"

namespace grapevine::apps {

base::Result<IdSet> decode_ids(std::string_view line, std::string_view list) {
    const auto object = io::parse_json_object("node", line);
    if (!object) {
        return tl::unexpected(object.error());
    }
    const boost::json::value* items = object->if_contains(list);
    if (items == nullptr || !items->is_array()) {
        return base::fail("node: no '" + std::string(list) + "' in the answer");
    }
    IdSet ids;
    for (const boost::json::value& item : items->get_array()) {
        const auto id = item.is_object() ? io::string_member(item.get_object(), "id") : std::nullopt;
        if (!id) {
            return base::fail("node: an item of '" + std::string(list) + "' without an id");
        }
        if (io::string_member(item.get_object(), "type") != kObserverType) {
            ids.insert(*id);
        }
    }
    return ids;
}

NodeView::NodeView(io::Runtime& runtime, std::filesystem::path data_dir, std::function<void()> changed)
    : changed_(std::move(changed)),
      follower_(runtime, std::move(data_dir),
                {[this] {
                     follower_.ask(Question::status);
                     follower_.ask(Question::directory);
                 },
                 [this](const boost::json::object& event) { on_event(event); },
                 [this](Question question, std::string_view line) { on_answer(question, line); },
                 [](const base::Error&) {}}) {}

// A refreshed digest ("updated") changes nothing of what is shown here, and asking for each would keep an idle node
// busy.
void NodeView::on_event(const boost::json::object& event) {
    const std::string kind = io::string_member(event, "event").value_or("");
    const std::string id = io::string_member(event, "id").value_or("");
    if (kind == "neighbor_up") {
        neighbors_.insert(id);
    } else if (kind == "neighbor_down") {
        neighbors_.erase(id);
    } else if (kind == "joined" || kind == "left" || kind == "died" || kind == "stale") {
        follower_.ask(Question::directory);
    }
}

void NodeView::on_answer(Question question, std::string_view line) {
    auto ids = decode_ids(line, question == Question::directory ? "nodes" : "neighbors");
    if (ids && question == Question::directory) {
        directory_ = std::move(*ids);
    } else if (ids) {
        neighbors_ = std::move(*ids);
    }
    changed_();
}

}  // namespace grapevine::apps
