#include "console/supervisor_socket.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "io/json.hpp"
#include "io/supervisor_registry.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

constexpr base::Duration kConnect = std::chrono::milliseconds(500);
constexpr const char* kSource = "supervisor";

constexpr std::array<std::pair<std::string_view, ProcessState>, 9> kStates{{
    {"starting", ProcessState::starting},
    {"spawn", ProcessState::starting},
    {"restart", ProcessState::starting},
    {"ready", ProcessState::ready},
    {"resumed", ProcessState::ready},
    {"stopping", ProcessState::stopping},
    {"wedged", ProcessState::wedged},
    {"ended", ProcessState::ended},
    {"waiting", ProcessState::starting},
}};

base::ErrorCode code_of(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, base::ErrorCode>, 5> kCodes{{
        {"invalid", base::ErrorCode::invalid},
        {"not_found", base::ErrorCode::not_found},
        {"exhausted", base::ErrorCode::exhausted},
        {"busy", base::ErrorCode::busy},
        {"denied", base::ErrorCode::denied},
    }};
    const auto found = std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& code) { return code.first == word; });
    return found == kCodes.end() ? base::ErrorCode::failed : found->second;
}

}  // namespace

std::optional<ProcessFact> decode_process(const json::object& object) {
    ProcessFact out;
    out.name = io::string_member(object, "name").value_or("");
    out.mesh = io::string_member(object, "mesh").value_or("");
    out.id = io::string_member(object, "id").value_or("");
    out.event = io::string_member(object, "event").value_or("");
    out.text = io::string_member(object, "how").value_or("");
    const std::string word = out.event.empty() ? io::string_member(object, "state").value_or("") : out.event;
    const auto found = std::find_if(kStates.begin(), kStates.end(),
                                    [&](const auto& state) { return !word.empty() && state.first == word; });
    if (found == kStates.end() || out.name.empty()) {
        return std::nullopt;
    }
    out.state = found->second;
    return out;
}

base::Result<json::object> decode_supervisor_answer(std::string_view line) {
    auto object = io::parse_json_object("supervisor", line);
    if (!object) {
        return object;
    }
    const json::value* ok = object->if_contains("ok");
    if (ok == nullptr || !ok->is_bool()) {
        return base::fail("supervisor: an answer without 'ok'");
    }
    if (!ok->get_bool()) {
        const json::value* error = object->if_contains("error");
        const json::object none;
        const json::object& detail = error != nullptr && error->is_object() ? error->get_object() : none;
        return base::fail(code_of(io::string_member(detail, "code").value_or("")),
                          io::string_member(detail, "message").value_or("supervisor: refused without a word"));
    }
    object->erase("ok");
    return object;
}

SupervisorSocket::~SupervisorSocket() {
    close();
    if (retry_) {
        runtime_.cancel(*retry_);
    }
}

void SupervisorSocket::close() {
    open_ = false;
    if (watch_) {
        runtime_.unwatch(*std::exchange(watch_, std::nullopt));
    }
    client_.reset();
}

void SupervisorSocket::start(Told told) {
    told_ = std::move(told);
    connect();
}

base::Result<std::filesystem::path> SupervisorSocket::find() const {
    if (!given_.empty()) {
        return given_;
    }
    const auto registry = io::SupervisorRegistry::open();
    const auto only =
        registry ? registry->only() : base::Result<io::SupervisorRecord>(tl::unexpected(registry.error()));
    return only ? base::Result<std::filesystem::path>(only->run_dir) : tl::unexpected(only.error());
}

void SupervisorSocket::connect() {
    const auto directory = find();
    if (!directory) {
        lose(directory.error().message);
        return;
    }
    directory_ = *directory;
    auto client = io::ControlClient::connect(directory_, kConnect, io::ControlPeer::supervisor);
    if (!client) {
        lose(client.error().message);
        return;
    }
    for (const char* request : {R"({"op":"watch"})", R"({"op":"list"})"}) {
        if (const auto sent = client->send(request, kConnect); !sent) {
            lose(sent.error().message);
            return;
        }
    }
    client_.emplace(std::move(*client));
    const auto watch = runtime_.watch(client_->fd(), [this] { on_readable(); });
    if (!watch) {
        lose(watch.error().message);
        return;
    }
    watch_ = *watch;
}

void SupervisorSocket::lose(const std::string& why) {
    close();
    why_not_ = why;
    retry_ = runtime_.at(runtime_.now() + retry_after_, retry_after_ / 4, [this] {
        retry_.reset();
        connect();
    });
    retry_after_ = std::min(retry_after_ * 2, given_.empty() ? kRetryMax : kRetryMaxGiven);
    if (expected_ || !given_.empty()) {
        told_.input->on_source(kSource, SourceState::down, why, told_.moment());
        told_.changed();
    }
}

void SupervisorSocket::on_readable() {
    while (client_) {
        const auto line = client_->try_line();
        if (!line) {
            lose(line.error().message);
            return;
        }
        if (!*line) {
            break;
        }
        if (!on_line(**line)) {
            return;
        }
    }
    told_.changed();
}

// The answers to `watch` and `list`, and events. False: it is lost.
bool SupervisorSocket::on_line(std::string_view line) {
    const auto object = io::parse_json_object("supervisor", line);
    if (!object) {
        return true;
    }
    if (object->contains("event")) {
        tell(*object);
        return true;
    }
    const auto answer = decode_supervisor_answer(line);
    if (!answer) {
        lose(answer.error().message);
        return false;
    }
    const json::value* nodes = answer->if_contains("nodes");
    if (nodes == nullptr) {
        return true;
    }
    for (std::size_t i = 0; nodes->is_array() && i < nodes->get_array().size(); ++i) {
        if (const json::object* row = nodes->get_array()[i].if_object()) {
            tell(*row);
        }
    }
    open_ = true;
    expected_ = true;
    retry_after_ = kRetryFirst;
    told_.input->on_source(kSource, SourceState::up, "at " + directory_.string(), told_.moment());
    return true;
}

void SupervisorSocket::tell(const json::object& object) {
    if (const auto process = decode_process(object)) {
        told_.input->on_process(*process, told_.moment());
    }
}

void SupervisorSocket::ask(const json::object& request, const Done& done) {
    if (asks_.size() >= kAsksMax) {
        done(base::fail(base::ErrorCode::busy, "supervisor: too many operations are under way"));
        return;
    }
    auto client = io::ControlClient::connect(directory_, kConnect, io::ControlPeer::supervisor);
    if (!client) {
        done(tl::unexpected(client.error()));
        return;
    }
    const std::uint64_t id = next_ask_++;
    auto asked = io::ControlAsk::start(
        runtime_, std::move(*client), json::serialize(request), kAnswerWithin,
        [this, id, done](const base::Result<std::string>& line) {
            const auto keep = asks_.extract(id);
            done(line ? decode_supervisor_answer(*line) : base::Result<json::object>(tl::unexpected(line.error())));
        });
    if (!asked) {
        done(tl::unexpected(asked.error()));
        return;
    }
    asks_.emplace(id, std::move(*asked));
}

void SupervisorSocket::spawn(const SpawnWish& wish, Done done) {
    json::object request;
    request["op"] = "spawn";
    request["mesh"] = wish.mesh;
    request["type"] = wish.type;
    request["count"] = wish.count;
    if (wish.cpu_millicores > 0) {
        request["cpu_millicores"] = wish.cpu_millicores;
    }
    if (wish.memory_kib > 0) {
        request["memory_kib"] = wish.memory_kib;
    }
    ask(request, done);
}

void SupervisorSocket::act(NodeAction action, const std::string& node, Done done) {
    ask({{"op", std::string(name(action))}, {"node", node}}, done);
}

void SupervisorSocket::bootstrap(const std::vector<MeshWish>& meshes, Done done) {
    json::array list;
    for (const MeshWish& mesh : meshes) {
        json::object types;
        for (const TypeWish& type : mesh.per_mesh) {
            types[type.type] = type.count;
        }
        list.emplace_back(json::object{{"mesh", mesh.mesh}, {"per_mesh", std::move(types)}});
    }
    json::object request;
    request["op"] = "bootstrap";
    request["meshes"] = std::move(list);
    ask(request, done);
}

void SupervisorSocket::log(const std::string& node, std::uint64_t lines, Done done) {
    ask({{"op", "logs"}, {"node", node}, {"lines", lines}}, done);
}

}  // namespace grapevine::console
