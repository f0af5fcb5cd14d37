#include "apps/grapevine/event_words.hpp"

#include <array>

#include "apps/grapevine/json_rows.hpp"
#include "base/encoding.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

struct Word {
    std::string_view event;
    std::string_view words;
};

constexpr std::array<Word, 6> kPlain{{{"joined", "joined"},
                                      {"left", "left"},
                                      {"stale", "went stale"},
                                      {"expelled", "was put out of the directory"},
                                      {"mesh_appeared", "appeared"},
                                      {"mesh_gone", "is gone"}}};
constexpr std::array<std::string_view, 3> kLeftOut{"updated", "neighbor_up", "neighbor_down"};

std::string asked_words(const object& event) {
    const std::string asked = text_in(event, "asked");
    return asked == "kill" ? " is killed" : asked == "restart" ? " is restarted" : " is stopped";
}

std::string process_of(const object& event) {
    return ", process " + std::to_string(number_in(event, "pid"));
}

std::string accusers_of(const object& event, const NameOf& name_of) {
    std::string out;
    const boost::json::value* list = event.if_contains("accusers");
    if (list != nullptr && list->is_array()) {
        for (const boost::json::value& id : list->get_array()) {
            out += id.is_string() ? (out.empty() ? ", accused by " : ", ") + name_of(std::string(id.get_string())) : "";
        }
    }
    return out;
}

// Whom it is about: a node by name or id, a mesh, a kind of the ledger.
std::string subject_of(const object& event, const NameOf& name_of) {
    const std::string name = text_in(event, "name");
    if (!name.empty()) {
        return base::printable(name);
    }
    for (const std::string_view member : {"mesh", "kind"}) {
        const std::string text = text_in(event, member);
        if (!text.empty()) {
            return std::string(member) + " " + base::printable(text);
        }
    }
    const std::string id = text_in(event, "id");
    return id.empty() ? std::string{} : name_of(id);
}

std::string spaced(std::string_view name) {
    std::string out(name);
    for (char& c : out) {
        c = c == '_' ? ' ' : c;
    }
    return base::printable(out);
}

}  // namespace

std::string supervisor_event_words(const object& event) {
    const std::string kind = text_in(event, "event");
    const std::string name = base::printable(text_in(event, "name"));
    if (kind == "spawn") {
        return name + " is started" + process_of(event);
    }
    if (kind == "restart") {
        return name + " is started again" + process_of(event);
    }
    if (kind == "ready") {
        return name + " is ready" + process_of(event);
    }
    if (kind == "stopping") {
        return name + asked_words(event);
    }
    if (kind == "ended") {
        return name + " ended, " + base::printable(text_in(event, "how"), 400);
    }
    return name + (kind == "resumed" ? " goes on" : " is " + spaced(kind));
}

std::string node_event_words(const object& event, const NameOf& name_of) {
    const std::string kind = text_in(event, "event");
    for (const std::string_view left_out : kLeftOut) {
        if (kind == left_out) {
            return {};
        }
    }
    const std::string subject = subject_of(event, name_of);
    for (const Word& word : kPlain) {
        if (kind == word.event) {
            return subject + " " + std::string(word.words) + accusers_of(event, name_of);
        }
    }
    if (kind == "died") {
        return subject + " died" + accusers_of(event, name_of);
    }
    if (kind == "suspected" || kind == "refuted") {
        const std::string accuser = name_of(text_in(event, "accuser"));
        return kind == "refuted" ? subject + " refuted what " + accuser + " said of it"
                                 : subject + " is suspected by " + accuser + ": " + spaced(text_in(event, "reason"));
    }
    const std::string text = text_in(event, "text") + text_in(event, "law") + text_in(event, "reason");
    return spaced(kind) + (subject.empty() ? "" : ": " + subject) +
           (text.empty() ? "" : ": " + base::printable(text, 400));
}

}  // namespace grapevine::apps
