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
        ids.insert(*id);
    }
    return ids;
}

NodeView::NodeView(io::Runtime& runtime, std::filesystem::path data_dir, std::function<void()> changed)
    : runtime_(runtime), data_dir_(std::move(data_dir)), changed_(std::move(changed)) {
    open();
}

NodeView::~NodeView() {
    close(watching_);
    close(asking_);
    if (retry_) {
        runtime_.cancel(*retry_);
    }
}

void NodeView::close(Line& line) {
    if (line.watch) {
        runtime_.unwatch(*line.watch);
        line.watch.reset();
    }
    line.client.reset();
}

bool NodeView::connect(Line& line, std::string_view request, void (NodeView::*readable)()) {
    close(line);
    auto client = io::ControlClient::connect(data_dir_, kDeadline);
    if (!client || !client->send(request, kDeadline)) {
        return false;
    }
    line.client.emplace(std::move(*client));
    const auto watch = runtime_.watch(line.client->fd(), [this, readable] { (this->*readable)(); });
    if (!watch) {
        line.client.reset();
        return false;
    }
    line.watch = *watch;
    return true;
}

void NodeView::open() {
    if (!connect(watching_, R"({"op":"watch"})", &NodeView::on_watch)) {
        retry();
        return;
    }
    neighbors_known_ = false;
    ask();
}

void NodeView::retry() {
    close(watching_);
    if (!retry_) {
        retry_ = runtime_.at(runtime_.now() + kRetry, base::Duration::zero(), [this] {
            retry_.reset();
            open();
        });
    }
}

void NodeView::ask() {
    if (asking_.client) {
        dirty_ = true;
        return;
    }
    dirty_ = false;
    const std::string_view request = neighbors_known_ ? R"({"op":"ls"})" : R"({"op":"status"})";
    if (!connect(asking_, request, &NodeView::on_answer)) {
        retry();
    }
}

// All lines of a burst make one question. A refreshed digest ("updated") changes nothing of what is shown here, and
// asking for each would keep an idle node busy.
void NodeView::on_watch() {
    bool changed = false;
    for (;;) {
        const auto line = watching_.client->try_line();
        if (!line) {
            retry();
            return;
        }
        if (!*line) {
            break;
        }
        changed = on_event(**line) || changed;
    }
    if (changed) {
        ask();
    }
}

// Whether the directory may have changed.
bool NodeView::on_event(std::string_view line) {
    const auto object = io::parse_json_object("event", line);
    const std::string kind = object ? io::string_member(*object, "event").value_or("") : std::string{};
    const std::string id = object ? io::string_member(*object, "id").value_or("") : std::string{};
    if (kind == "neighbor_up") {
        neighbors_.insert(id);
    } else if (kind == "neighbor_down") {
        neighbors_.erase(id);
    }
    return kind == "joined" || kind == "left" || kind == "died" || kind == "stale";
}

void NodeView::take_answer(std::string_view line) {
    auto ids = decode_ids(line, neighbors_known_ ? "nodes" : "neighbors");
    if (!ids) {
        return;
    }
    if (neighbors_known_) {
        directory_ = std::move(*ids);
    } else {
        neighbors_ = std::move(*ids);
        dirty_ = true;  // The directory is still to be asked for.
    }
    neighbors_known_ = true;
}

void NodeView::on_answer() {
    const auto line = asking_.client->try_line();
    if (line && !*line) {
        return;
    }
    if (line) {
        take_answer(**line);
    }
    close(asking_);
    if (!line) {
        retry();
    } else if (dirty_) {
        ask();
    }
    changed_();
}

}  // namespace grapevine::apps
