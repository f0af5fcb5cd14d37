// `grapevine events`: what the supervisor of `grapevine up` does, and what its meshes say about it.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/event_words.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/supervisor_query.hpp"
#include "apps/grapevine/telemetry_view.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

enum class Form : std::uint8_t { words, json };

// A node as the supervisor told of it last.
struct Known {
    std::string mesh;
    std::string name;
    std::string id;
    bool ready = false;
};

// Follows the supervisor, and of each mesh one node that is ready: another one as soon as that is not any more.
class Events {
public:
    static constexpr base::Duration kDeadline = std::chrono::milliseconds(500);  // Of a connect or a send.
    static constexpr base::Duration kRetry = std::chrono::milliseconds(500);
    static constexpr std::size_t kKnownMax = 2048;  // Nodes; those that ended are remembered for their names.

    Events(io::ControlClient& supervisor, Form form) : supervisor_(supervisor), form_(form) {}

    int run() {
        for (const std::string_view request : {R"({"op":"watch"})", R"({"op":"list"})"}) {
            if (const auto sent = supervisor_.send(request, kDeadline); !sent) {
                return fail_query(sent.error());
            }
        }
        const auto watch = runtime_.watch(supervisor_.fd(), [this] { on_supervisor(); });
        if (!watch) {
            return cli::fail_with(watch.error());
        }
        runtime_.run();
        runtime_.unwatch(*watch);
        for (auto& [mesh, observer] : observers_) {
            runtime_.unwatch(observer.watch);
        }
        return code_;
    }

private:
    struct Observer {
        std::string data_dir;
        io::ControlClient client;
        io::WatchId watch;
    };

    void end(int code) {
        code_ = code;
        runtime_.stop();
    }

    void on_supervisor() {
        for (;;) {
            const auto line = supervisor_.try_line();
            if (!line) {
                return end(cli::fail_with(line.error()));
            }
            if (!*line) {
                return;
            }
            if (const auto told = io::parse_json_object("supervisor", **line)) {
                take(*told);
            }
        }
    }

    void take(const object& told) {
        if (told.contains("event")) {
            show("supervisor", told, supervisor_event_words(told));
            learn(told, text_in(told, "event"));
        } else if (!is_ok(told)) {
            return end(fail_query(error_in(told)));
        } else if (told.contains("watching")) {
            show_watching("supervisor", "its nodes");
        }
        for_each_row(told, "nodes", [this](const object& node) { learn(node, text_in(node, "state")); });
        observe_all();
    }

    void learn(const object& node, const std::string& state) {
        const std::string data_dir = text_in(node, "data_dir");
        if (known_.size() >= kKnownMax && !known_.contains(data_dir)) {
            std::erase_if(known_, [](const auto& item) { return !item.second.ready; });
        }
        known_[data_dir] = {text_in(node, "mesh"), text_in(node, "name"), text_in(node, "id"),
                            state == "ready" || state == "resumed"};
    }

    void observe_all() {
        std::erase_if(observers_, [this](auto& item) {
            const auto node = known_.find(item.second.data_dir);
            const bool gone = node == known_.end() || !node->second.ready;
            if (gone) {
                runtime_.unwatch(item.second.watch);
            }
            return gone;
        });
        for (const auto& [data_dir, node] : known_) {
            if (node.ready && !observers_.contains(node.mesh)) {
                observe(data_dir, node.mesh);
            }
        }
    }

    void observe(const std::string& data_dir, const std::string& mesh) {
        auto client = io::ControlClient::connect(data_dir, kDeadline);
        if (!client || !client->send(R"({"op":"watch"})", kDeadline)) {
            return retry();
        }
        const auto watch = runtime_.watch(client->fd(), [this, mesh] { on_node(mesh); });
        if (watch) {
            observers_.emplace(mesh, Observer{data_dir, std::move(*client), *watch});
        }
    }

    void retry() {
        if (!retry_) {
            retry_ = runtime_.at(runtime_.now() + kRetry, base::Duration::zero(), [this] {
                retry_.reset();
                observe_all();
            });
        }
    }

    void on_node(const std::string& mesh) {
        const auto found = observers_.find(mesh);
        if (found == observers_.end()) {
            return;
        }
        for (;;) {
            const auto line = found->second.client.try_line();
            if (!line) {
                runtime_.unwatch(found->second.watch);
                observers_.erase(found);
                return retry();
            }
            if (!*line) {
                return;
            }
            if (const auto told = io::parse_json_object("node", **line)) {
                take_from_node(known_[found->second.data_dir], *told);
            }
        }
    }

    void take_from_node(const Known& node, const object& told) {
        if (told.contains("event")) {
            object event = told;
            const std::string id = text_in(event, "id");
            if (text_in(event, "name").empty() && !id.empty()) {
                event["name"] = name_of(id);  // A node does not name any more who is gone.
            }
            show(node.name, event, node_event_words(event, [this](const std::string& of) { return name_of(of); }));
        } else if (is_ok(told)) {
            show_watching(node.name, node.mesh);
        }
    }

    // From here on this source is heard.
    void show_watching(const std::string& source, const std::string& what) {
        object event;
        event["event"] = "watching";
        event["unix_ms"] = runtime_.wall_now().unix_ms;
        show(source, event, "tells of " + what);
    }

    [[nodiscard]] std::string name_of(const std::string& id) const {
        for (const auto& [data_dir, node] : known_) {
            if (node.id == id) {
                return node.name;
            }
        }
        return id.substr(0, 10);
    }

    void show(const std::string& source, const object& event, const std::string& words) {
        std::string line;
        if (form_ == Form::json) {
            object out;
            out["source"] = cli::json_text(source);
            for (const auto& member : event) {
                out[member.key()] = member.value();
            }
            line = cli::json_line(out);
        } else if (!words.empty()) {
            const auto us = static_cast<std::int64_t>(number_in(event, "unix_ms")) * 1000;
            line = clock_text(us) + "  " + source + "  " + words + "\n";
        }
        if (!line.empty() && print(line) != 0) {
            end(0);
        }
    }

    io::Runtime runtime_;
    io::ControlClient& supervisor_;
    Form form_;
    int code_ = 0;
    std::map<std::string, Known> known_;         // By data directory, which stays when a node is restarted.
    std::map<std::string, Observer> observers_;  // By mesh.
    std::optional<io::TaskId> retry_;
};

int run(const cli::Parsed& parsed) {
    auto supervisor = SupervisorClient::connect(parsed);
    if (!supervisor) {
        return fail_query(supervisor.error());
    }
    return Events(supervisor->line(), parsed.has("--json") ? Form::json : Form::words).run();
}

}  // namespace

Command events_command() {
    Command command;
    command.name = "events";
    command.summary = "print what happens under a running grapevine up, as it happens";
    command.details =
        "What the supervisor does to nodes, and what one running node of each mesh says of its mesh: who joined, left, "
        "is suspected, died and by whose word. One line each, with its time and who says it, until Ctrl-C.";
    command.codes = kSupervisorCodes;
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object a line, with its source; more of them"}};
    append_supervisor_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
