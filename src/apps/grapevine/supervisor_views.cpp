#include "apps/grapevine/supervisor_views.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "grapevine/node_main_json.hpp"
#include "io/control_request.hpp"
#include "io/control_view.hpp"

namespace grapevine::apps {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kLastWords = 10;  // Lines.

std::uint64_t milliseconds_between(base::TimePoint from, base::TimePoint to) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

std::string_view name(Wish wish) {
    switch (wish) {
        case Wish::stop: return "stop";
        case Wish::kill: return "kill";
        case Wish::restart: return "restart";
        case Wish::none: break;
    }
    return {};
}

boost::json::value wish_value(Wish wish) {
    return wish == Wish::none ? boost::json::value(nullptr) : boost::json::value(name(wish));
}

bool has_process(const Child& child) {
    return child.alive() && child.state != ChildState::waiting;
}

boost::json::value text_or_null(const std::string& text) {
    return text.empty() ? boost::json::value(nullptr) : boost::json::value(cli::json_text(text));
}

object answer_of(const std::optional<base::Error>& error) {
    object out;
    out["ok"] = !error.has_value();
    if (error) {
        object detail;
        detail["code"] = boost::json::string_view(io::name(error->code));
        detail["message"] = cli::json_text(error->message);
        out["error"] = std::move(detail);
    }
    return out;
}

array objects_of(const std::vector<const Child*>& children, base::TimePoint now) {
    array out;
    for (const Child* child : children) {
        out.emplace_back(child_object(*child, now));
    }
    return out;
}

std::string_view word_of(Cluster::Event event, const Child& child) {
    switch (event) {
        case Cluster::Event::started: return child.restarts > 0 ? "restart" : "spawn";
        case Cluster::Event::ready: return "ready";
        case Cluster::Event::stopping: return "stopping";
        case Cluster::Event::wedged: return "wedged";
        case Cluster::Event::resumed: return "resumed";
        case Cluster::Event::ended: return "ended";
        case Cluster::Event::converged:
        case Cluster::Event::diverged:
        case Cluster::Event::boot_failed: break;
    }
    return {};
}

}  // namespace

object child_object(const Child& child, base::TimePoint now) {
    object out;
    out["name"] = cli::json_text(label(child));
    out["mesh"] = child.spec.mesh;
    out["type"] = child.spec.type;
    out["id"] = text_or_null(child.endpoint_id);
    out["pid"] = nullptr;
    if (has_process(child)) {
        out["pid"] = child.pid;
    }
    out["state"] = boost::json::string_view(name(child.state));
    out["data_dir"] = cli::json_text(child.spec.data_dir.string());
    out["started_ago_ms"] = nullptr;
    if (child.pid != 0) {
        out["started_ago_ms"] = milliseconds_between(child.started, now);
    }
    out["ended_ago_ms"] = nullptr;
    out["how"] = nullptr;
    if (!child.alive()) {
        out["ended_ago_ms"] = milliseconds_between(child.ended, now);
        out["how"] = cli::json_text(describe_end(child));
    }
    out["asked"] = wish_value(child.wish);
    out["restarts"] = child.restarts;
    out["cpu_millicores"] = child.spec.budgets.cpu_millicores;
    out["memory_kib"] = child.spec.budgets.memory_kib;
    return out;
}

std::string encode_list(const Cluster& cluster, const io::ControlServer& server, base::TimePoint now) {
    object out = answer_of({});
    out["run_dir"] = cli::json_text(cluster.spec().root.string());
    out["converged"] = cluster.converged();
    out["nodes_max"] = Supervisor::kChildrenMax;
    out["nodes"] = objects_of(cluster.nodes().children(), now);
    out["control"] = io::control_object(server);
    return boost::json::serialize(out);
}

std::string encode_node(const Child& child, base::TimePoint now) {
    object out = answer_of({});
    out["node"] = child_object(child, now);
    return boost::json::serialize(out);
}

std::string encode_nodes(const std::vector<const Child*>& nodes, const std::optional<base::Error>& error,
                         base::TimePoint now) {
    object out = answer_of(error);
    array list;
    for (const Child* child : nodes) {
        object row = child_object(*child, now);
        if (error && !child->alive()) {
            row["log"] = cli::json_texts(last_words(*child));
        }
        list.emplace_back(std::move(row));
    }
    out["nodes"] = std::move(list);
    return boost::json::serialize(out);
}

std::string encode_bootstrap(const std::vector<const Child*>& started, const std::vector<const Child*>& present,
                             base::TimePoint now) {
    object out = answer_of({});
    out["started"] = objects_of(started, now);
    out["present"] = objects_of(present, now);
    return boost::json::serialize(out);
}

std::string encode_logs(const Child& child, const LogTail& tail, base::TimePoint now) {
    object out = answer_of({});
    out["node"] = child_object(child, now);
    out["lines"] = cli::json_texts(tail.lines);
    return boost::json::serialize(out);
}

std::string encode_log_line(const Child& child, const std::optional<std::string>& line) {
    object out;
    out["event"] = "line";
    out["name"] = cli::json_text(label(child));
    out["text"] = nullptr;
    if (line) {
        out["text"] = cli::json_text(*line);
    }
    return boost::json::serialize(out);
}

std::optional<std::string> encode_event(Cluster::Event event, const Child* child, base::WallTime wall) {
    const std::string_view word = child != nullptr ? word_of(event, *child) : std::string_view{};
    if (word.empty()) {
        return std::nullopt;
    }
    object out;
    out["event"] = boost::json::string_view(word);
    out["unix_ms"] = wall.unix_ms;
    out["name"] = cli::json_text(label(*child));
    out["mesh"] = child->spec.mesh;
    out["type"] = child->spec.type;
    out["id"] = text_or_null(child->endpoint_id);
    out["pid"] = child->pid;
    out["data_dir"] = cli::json_text(child->spec.data_dir.string());
    out["restarts"] = child->restarts;
    out["asked"] = wish_value(child->wish);
    if (event == Cluster::Event::ended) {
        out["how"] = cli::json_text(describe_end(*child));
    }
    return boost::json::serialize(out);
}

std::vector<std::string> last_words(const Child& child) {
    return read_log_tail(child.spec.data_dir / "node.log", kLastWords).lines;
}

}  // namespace grapevine::apps
