// The pages of `grapevine top` that are text: one node, the timeline, help.

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "apps/grapevine/top/draw.hpp"

namespace grapevine::apps {
namespace {

using Room = TopPart::Room;

constexpr std::size_t kLabel = 12;
constexpr std::size_t kEventsOfNode = 20;

// A label, and what it labels below one another.
class Sheet {
public:
    explicit Sheet(std::size_t columns) : columns_(columns) {}
    void add(const std::string& label, std::string text, Look look = Look::plain) {
        std::string head = label + std::string(kLabel - std::min(kLabel, label.size()), ' ');
        out_.push_back(
            line_of_parts({{std::move(head), Look::dim}, {std::move(text), look, 0, Room::flexible}}, columns_));
    }
    // Each with the label or its space before it.
    void add_all(const std::string& label, const std::vector<std::string>& texts) {
        for (std::size_t i = 0; i < texts.size(); ++i) {
            add(i == 0 ? label : std::string(), texts[i]);
        }
    }
    void add_line(TopLine line) { out_.push_back(std::move(line)); }
    [[nodiscard]] std::vector<TopLine> take() { return std::move(out_); }

private:
    std::size_t columns_;
    std::vector<TopLine> out_;
};

std::string state_words(const TopPicture& picture, const TopNode& node) {
    std::string out = std::string(console::name(node.row.state)) + " " +
                      since_of(node.row.since_unix_ms, picture.at()) + " " +
                      lasting_of(node.row.since_unix_ms, picture.at());
    for (std::size_t i = 0; i < node.row.suspected_by.size(); ++i) {
        out += (i == 0 ? ", suspected by " : ", ") + picture.name_of(node.row.suspected_by[i]);
    }
    return out;
}

std::string process_words(const TopNode& node) {
    const std::string_view word = console::name(node.row.process);
    return word.empty() ? (node.row.here ? "runs on this machine" : "not on this machine, or nobody says")
                        : std::string(word);
}

std::string digest_words(const TopPicture& picture, const TopNode& node) {
    const console::Digest& digest = node.row.digest;
    if (digest.sequence == 0) {
        return "none was heard";
    }
    return "sequence " + std::to_string(digest.sequence) + ", " + span_of(age_ms(digest, picture.at())) + " ago, by " +
           std::string(console::name(digest.via)) + ", in the words of " + picture.name_of(digest.source);
}

std::string messages_words(const TopNode& node) {
    const console::Digest& digest = node.row.digest;
    return "in " + std::to_string(digest.messages_received) + " (" + rate_of(node.received_per_s) + "/s), out " +
           std::to_string(digest.messages_sent) + " (" + rate_of(node.sent_per_s) + "/s)";
}

// Both ends' words, seen from `own`.
std::string link_words(const base::EndpointId& own, const TopPicture::Link& link, const std::string& other) {
    const bool is_a = link.id.a == own;
    const auto side = [&](console::Ends ends) {
        return ends == console::Ends::both                                         ? std::string("both say it")
               : (ends == console::Ends::a) == is_a && ends != console::Ends::none ? std::string("only it says so")
                                                                                   : "only " + other + " says so";
    };
    std::string eager;
    switch (link.row.eager) {
        case console::Eager::both: eager = "eager both ways"; break;
        case console::Eager::neither: eager = "lazy both ways"; break;
        case console::Eager::a: eager = is_a ? "eager from it" : "eager to it"; break;
        case console::Eager::b: eager = is_a ? "eager to it" : "eager from it"; break;
        case console::Eager::unknown: eager = "not known whether eager"; break;
    }
    return other + "  " + side(link.row.said_by) + ", " + eager;
}

std::vector<std::string> neighbor_words(const TopPicture& picture, const TopNode& node) {
    std::vector<std::string> out;
    for (const TopPicture::Link& link : picture.links_of(node.id)) {
        const base::EndpointId& other = link.id.a == node.id ? link.id.b : link.id.a;
        out.push_back(link_words(node.id, link, picture.name_of(other)));
    }
    std::sort(out.begin(), out.end());
    if (out.empty()) {
        out.emplace_back("none is known");
    }
    return out;
}

bool is_about(const console::TimelineEvent& event, const TopNode& node) {
    const std::string hex = node.id.hex();
    return event.node == hex || event.node == node.row.digest.name ||
           std::find(event.who.begin(), event.who.end(), hex) != event.who.end();
}

void add_events(Sheet& sheet, const TopPicture& picture, const TopNode& node, std::size_t columns) {
    std::size_t count = 0;
    for (const console::TimelineEvent& event : picture.events()) {
        if (!is_about(event, node)) {
            continue;
        }
        if (count++ == 0) {
            sheet.add("events", "newest first");
        }
        sheet.add_line(event_line(event, picture.at(), columns));
        if (count == kEventsOfNode) {
            return;
        }
    }
    if (count == 0) {
        sheet.add("events", "none since this began to look");
    }
}

}  // namespace

std::vector<TopLine> details_lines(const TopModel& model, std::size_t columns) {
    const TopNode* node = model.shown();
    if (node == nullptr) {
        return {line_of_parts({{"this node is not known any more", Look::warn}}, columns)};
    }
    const TopPicture& picture = model.picture();
    const console::Digest& digest = node->row.digest;
    Sheet sheet(columns);
    sheet.add_line(line_of_parts({{picture.name_of(node->id), Look::bold, 0, Room::flexible},
                                  {std::string(name(node->trouble)), look_of(node->trouble)}},
                                 columns));
    sheet.add("id", node->id.hex());
    sheet.add("mesh", digest.mesh + ", type " + digest.type);
    sheet.add("state", state_words(picture, *node), look_of(node->trouble));
    sheet.add("process", process_words(*node));
    sheet.add("digest", digest_words(picture, *node));
    sheet.add("started", digest.started_unix_ms == 0 ? "-"
                                                     : clock_of(digest.started_unix_ms, picture.at()) + " " +
                                                           lasting_of(digest.started_unix_ms, picture.at()));
    sheet.add("cpu", cpu_of(digest.load) + (is_over_cpu(digest.load) ? "  beyond its budget" : ""),
              is_over_cpu(digest.load) ? Look::warn : Look::plain);
    sheet.add("memory", memory_of(digest.load) + (is_over_memory(digest.load) ? "  beyond its budget" : ""),
              is_over_memory(digest.load) ? Look::warn : Look::plain);
    sheet.add("messages", messages_words(*node));
    sheet.add_all("addresses", digest.addrs.empty() ? std::vector<std::string>{"none is known"} : digest.addrs);
    sheet.add_all("neighbours", neighbor_words(picture, *node));
    add_events(sheet, picture, *node, columns);
    return sheet.take();
}

std::vector<TopLine> timeline_lines(const TopModel& model, std::size_t columns) {
    std::vector<TopLine> out;
    for (const console::TimelineEvent* event : model.events()) {
        out.push_back(event_line(*event, model.picture().at(), columns));
    }
    if (out.empty()) {
        out.push_back(line_of_parts({{"nothing happened since this began to look", Look::dim}}, columns));
    }
    return out;
}

std::vector<TopLine> help_lines(std::size_t columns) {
    static constexpr std::array<std::pair<const char*, const char*>, 25> kHelp{{
        {"arrows, j k", "one row or line"},
        {"PgUp, PgDn", "a page"},
        {"Home, End", "the first, the last (g, G)"},
        {"Enter", "details of the chosen node"},
        {"s, S", "next, previous column to sort by"},
        {"r", "reverse the order"},
        {"/", "filter: words that all must hold"},
        {"", "  mesh:NAME, type:NAME"},
        {"", "  state:trouble, state:well, or one of dead,"},
        {"", "  suspected, wedged, over, unknown, ended,"},
        {"", "  starting, left; its beginning is enough"},
        {"", "  a part of a name or address, an id"},
        {"m", "only one mesh, then the next"},
        {"t", "the timeline"},
        {"a", "all alerts"},
        {"p", "pause: what is shown stands still"},
        {"Esc", "back; on the table show all nodes"},
        {"Ctrl-L", "draw all anew"},
        {"q", "back, or quit; Q quits"},
        {"", ""},
        {"!612/500m", "uses more than its budget"},
        {"-", "nobody says: IN/S and OUT/S take two"},
        {"", "  digests of a node"},
        {"AGE", "of the node's newest digest"},
        {"unknown", "what cannot be known now: never well"},
    }};
    std::vector<TopLine> out;
    for (const auto& [key, words] : kHelp) {
        std::string head(key);
        head.resize(kLabel, ' ');
        out.push_back(line_of_parts({{std::move(head), Look::bold}, {words, Look::plain, 0, Room::flexible}}, columns));
    }
    return out;
}

}  // namespace grapevine::apps
