#include "apps/grapevine/top/draw.hpp"

#include <algorithm>
#include <utility>

#include "apps/grapevine/top/table.hpp"
#include "apps/grapevine/top/text.hpp"

namespace grapevine::apps {
namespace {

using Room = TopPart::Room;

constexpr std::size_t kReportEvents = 20;
constexpr std::size_t kEventsTitled = 3;  // Lines from which on they have a title.
constexpr std::size_t kFixedLines = 4;    // Title, the line above the table, its header, keys.

std::string counted(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string verdict_words(const TopPicture& picture) {
    switch (picture.verdict()) {
        case Verdict::critical: return "CRITICAL";
        case Verdict::warning: return "WARNING";
        case Verdict::unknown: return picture.meshes().empty() ? "NOTHING IS KNOWN" : "NOT ALL IS KNOWN";
        case Verdict::info: return "well, with a note";
        case Verdict::well: return "all is well";
    }
    return "";
}

// "!! critical", so that one severity differs from another without its colour.
std::string marked(console::Severity severity) {
    switch (severity) {
        case console::Severity::critical: return "!! critical";
        case console::Severity::warning: return " ! warning";
        case console::Severity::unknown: return " ? unknown";
        case console::Severity::info: return "   info";
    }
    return "";
}

int rank_of(const console::MeshRow& mesh) {
    return mesh.split ? 0 : !mesh.known ? 1 : mesh.suspected > 0 ? 2 : 3;
}

// Of more lines than there is room for, the first, and how many are left out.
void append_some(std::vector<TopLine>& out, std::vector<TopLine> lines, std::size_t room, const char* hint,
                 std::size_t columns) {
    const std::size_t shown = lines.size() <= room ? lines.size() : room > 1 ? room - 1 : room;
    const std::size_t hidden = lines.size() - shown;
    for (std::size_t i = 0; i < shown; ++i) {
        out.push_back(std::move(lines[i]));
    }
    if (hidden > 0 && room > 1) {
        out.push_back(line_of_parts({{"   ... and " + std::to_string(hidden) + " more" + hint, Look::dim}}, columns));
    }
}

// Above the table: which nodes, and in which order.
TopLine nodes_line(const TopModel& model, std::size_t columns) {
    if (model.typed()) {
        return line_of_parts(
            {{"/" + *model.typed() + "_", Look::bold}, {model.trouble_of_filter(), Look::warn, 0, Room::flexible}},
            columns);
    }
    const std::size_t all = model.picture().nodes().size();
    const std::size_t shown = model.rows().size();
    const std::string count =
        shown == all ? counted(all, "node", "nodes") : std::to_string(shown) + " of " + counted(all, "node", "nodes");
    std::string order = std::string(model.sort() == TopSort::worst ? "" : "by ") + std::string(name(model.sort())) +
                        (model.sort() == TopSort::worst ? " first" : "") + (model.is_reversed() ? ", reversed" : "");
    const bool narrowed = !model.filter().empty() || !model.only_mesh().empty();
    return line_of_parts(
        {{count, Look::bold},
         {std::move(order), Look::dim, 2},
         {model.only_mesh().empty() ? "" : "only mesh " + model.only_mesh(), Look::warn},
         {model.filter().empty() ? "" : "filter " + model.filter().text(), Look::warn, 0, Room::flexible},
         {narrowed ? "Esc shows all" : "", Look::dim, 1}},
        columns);
}

TopLine keys_line(const TopModel& model, std::size_t columns) {
    if (model.typed()) {
        return line_of_parts({{"Enter keeps", Look::dim}, {"Esc leaves it as it was", Look::dim}}, columns);
    }
    if (model.page() != TopPage::nodes) {
        return line_of_parts({{"q back", Look::dim},
                              {"arrows scroll", Look::dim, 1},
                              {model.paused() ? "p goes on" : "p pause", Look::dim, 2},
                              {"Q quit", Look::dim, 3}},
                             columns);
    }
    return line_of_parts({{"q quit", Look::dim},
                          {"? help", Look::dim},
                          {"/ filter", Look::dim, 3},
                          {"s sort", Look::dim, 4},
                          {"m mesh", Look::dim, 5},
                          {"Enter details", Look::dim, 2},
                          {"t timeline", Look::dim, 6},
                          {"a alerts", Look::dim, 7},
                          {model.paused() ? "p goes on" : "p pause", Look::dim, 1}},
                         columns);
}

TopLine pause_line(const TopModel& model, std::size_t columns) {
    const std::string when = clock_of(model.paused()->wall.unix_ms, *model.paused());
    return bar_of_parts({{" PAUSED at " + when, Look::loud},
                         {"p goes on", Look::loud},
                         {model.is_stale() ? "this is old: more happened since" : "", Look::loud, 1}},
                        columns, Look::loud);
}

std::string why_empty(const TopModel& model) {
    return model.picture().nodes().empty() ? "no node of this user runs on this machine; `grapevine up` starts some"
                                           : "no node passes the filter";
}

// How many lines each part of the page of nodes gets.
struct Shares {
    std::size_t meshes = 0, sources = 0, alerts = 0, nodes = 0, events = 0;
};

Shares shares_of(std::size_t rows, std::size_t meshes, std::size_t sources, std::size_t alerts) {
    Shares out;
    out.events = rows / 5;
    const std::size_t above = rows * 2 / 5;
    out.sources = std::min(sources, std::max<std::size_t>(above / 2, 1));
    out.meshes = std::min(meshes, std::max<std::size_t>(above / 3, 1));
    const std::size_t taken = out.sources + out.meshes;
    out.alerts = std::min(alerts, above > taken ? above - taken : 1);
    const std::size_t all = taken + out.alerts + out.events;
    out.nodes = rows > all ? rows - all : 0;
    return out;
}

void append_nodes(std::vector<TopLine>& out, const TopModel& model, std::size_t room, std::size_t columns) {
    TopTable table = table_of(model, model.first(), room, columns, Choice::marked);
    out.push_back(std::move(table.header));
    if (table.rows.empty() && room > 0) {
        table.rows.push_back(line_of_parts({{"  " + why_empty(model), Look::dim, 0, Room::flexible}}, columns));
    }
    const std::size_t end = out.size() + room;
    out.insert(out.end(), std::make_move_iterator(table.rows.begin()), std::make_move_iterator(table.rows.end()));
    out.resize(end);
}

std::vector<TopLine> nodes_page(TopModel& model, const TopSize& size, std::size_t rows) {
    const TopPicture& picture = model.picture();
    std::vector<TopLine> sources = source_lines(picture, size.columns);
    std::vector<TopLine> meshes = mesh_lines(picture, size.columns);
    std::vector<TopLine> alerts = alert_lines(picture, size.columns);
    const std::size_t free = rows > kFixedLines - 2 ? rows - (kFixedLines - 2) : 0;
    const Shares shares = shares_of(free, meshes.size(), sources.size(), alerts.size());
    model.fit(shares.nodes, 0);
    std::vector<TopLine> out;
    append_some(out, std::move(meshes), shares.meshes, " meshes", size.columns);
    append_some(out, std::move(sources), shares.sources, " sources are down", size.columns);
    append_some(out, std::move(alerts), shares.alerts, " alerts (a shows all)", size.columns);
    out.push_back(nodes_line(model, size.columns));
    append_nodes(out, model, shares.nodes, size.columns);
    if (shares.events >= kEventsTitled) {
        out.push_back(line_of_parts({{"events", Look::bold}, {"newest first", Look::dim}}, size.columns));
    }
    for (const console::TimelineEvent* event : model.events()) {
        if (out.size() >= rows) {
            break;
        }
        out.push_back(event_line(*event, picture.at(), size.columns));
    }
    return out;
}

std::vector<TopLine> text_page(TopModel& model, const TopSize& size, std::size_t rows) {
    std::vector<TopLine> lines;
    switch (model.page()) {
        case TopPage::details: lines = details_lines(model, size.columns); break;
        case TopPage::timeline: lines = timeline_lines(model, size.columns); break;
        case TopPage::alerts:
            lines = source_lines(model.picture(), size.columns);
            for (TopLine& line : alert_lines(model.picture(), size.columns)) {
                lines.push_back(std::move(line));
            }
            if (lines.empty()) {
                lines.push_back(line_of_parts({{"no alerts"}}, size.columns));
            }
            break;
        case TopPage::help:
        case TopPage::nodes: lines = help_lines(size.columns); break;
    }
    model.fit(rows, lines.size());
    const auto first = lines.begin() + static_cast<std::ptrdiff_t>(std::min(model.first(), lines.size()));
    const auto count = std::min<std::ptrdiff_t>(lines.end() - first, static_cast<std::ptrdiff_t>(rows));
    return {std::make_move_iterator(first), std::make_move_iterator(first + count)};
}

}  // namespace

TopLine title_line(const TopModel& model, std::size_t columns) {
    const TopPicture& picture = model.picture();
    const std::size_t alerts = picture.alerts().size();
    return line_of_parts({{"grapevine top", Look::title, 3},
                          {"fabric " + picture.fabric(), Look::plain, 4},
                          {clock_of(picture.at().wall.unix_ms, picture.at()), Look::plain, 2},
                          {verdict_words(picture), look_of(picture.verdict())},
                          {alerts == 0 ? "" : counted(alerts, "alert", "alerts"), Look::plain, 1}},
                         columns);
}

std::vector<TopLine> mesh_lines(const TopPicture& picture, std::size_t columns) {
    std::vector<const std::pair<const std::string, console::MeshRow>*> meshes;
    std::size_t longest = 0;
    for (const auto& mesh : picture.meshes()) {
        meshes.push_back(&mesh);
        longest = std::max(longest, display_width(harmless(mesh.first)));
    }
    std::sort(meshes.begin(), meshes.end(), [](const auto* a, const auto* b) {
        return std::pair(rank_of(a->second), a->first) < std::pair(rank_of(b->second), b->first);
    });
    std::vector<TopLine> out;
    for (const auto* mesh : meshes) {
        const console::MeshRow& row = mesh->second;
        const Look look = row.split ? Look::bad : row.known ? Look::good : Look::unknown;
        out.push_back(
            line_of_parts({{"mesh", Look::dim, 3},
                           {filled_to(harmless(mesh->first), std::min(longest, columns / 3)), Look::bold},
                           {row.split   ? "SPLIT"
                            : row.known ? "whole"
                                        : "unknown",
                            look},
                           {row.known ? counted(row.members, "member", "members") : "members not known", Look::plain},
                           {row.suspected == 0 ? "" : std::to_string(row.suspected) + " suspected", Look::warn},
                           {since_of(row.since_unix_ms, picture.at()), Look::dim, 1},
                           {lasting_of(row.since_unix_ms, picture.at()), Look::dim, 2}},
                          columns));
    }
    return out;
}

std::vector<TopLine> source_lines(const TopPicture& picture, std::size_t columns) {
    std::vector<TopLine> out;
    for (const auto& [source, row] : picture.sources()) {
        if (row.state == console::SourceState::down) {
            out.push_back(line_of_parts({{" ? source " + source + " is down", Look::unknown},
                                         {row.text, Look::plain, 0, Room::flexible},
                                         {since_of(row.since_unix_ms, picture.at()), Look::dim, 1},
                                         {lasting_of(row.since_unix_ms, picture.at()), Look::dim, 2}},
                                        columns));
        }
    }
    return out;
}

std::vector<TopLine> alert_lines(const TopPicture& picture, std::size_t columns) {
    std::vector<TopLine> out;
    for (const TopAlert& alert : picture.alerts()) {
        if (alert.row.kind != "source_down") {
            out.push_back(line_of_parts({{marked(alert.row.severity), look_of(alert.row.severity)},
                                         {alert.row.text, Look::plain, 0, Room::flexible},
                                         {since_of(alert.row.since_unix_ms, picture.at()), Look::dim, 1},
                                         {lasting_of(alert.row.since_unix_ms, picture.at()), Look::dim, 2}},
                                        columns));
        }
    }
    return out;
}

TopLine event_line(const console::TimelineEvent& event, const console::Moment& at, std::size_t columns) {
    const Look look = event.kind == "died" || event.kind == "law_broken"                             ? Look::bad
                      : event.kind == "suspected" || event.kind == "ended" || event.kind == "wedged" ? Look::warn
                                                                                                     : Look::plain;
    return line_of_parts({{clock_of(event.unix_ms, at), Look::dim, 1}, {event.text, look, 0, Room::flexible}}, columns);
}

std::vector<TopLine> screen_of(TopModel& model, const TopSize& size) {
    const std::size_t above = model.paused() ? 2 : 1;
    const std::size_t rows = size.rows > above + 1 ? size.rows - above - 1 : 0;
    std::vector<TopLine> out{title_line(model, size.columns)};
    if (model.paused()) {
        out.push_back(pause_line(model, size.columns));
    }
    std::vector<TopLine> page =
        model.page() == TopPage::nodes ? nodes_page(model, size, rows) : text_page(model, size, rows);
    page.resize(rows);
    out.insert(out.end(), std::make_move_iterator(page.begin()), std::make_move_iterator(page.end()));
    out.push_back(keys_line(model, size.columns));
    out.resize(size.rows);
    return out;
}

std::vector<TopLine> report_of(const TopModel& model, std::size_t columns) {
    const TopPicture& picture = model.picture();
    std::vector<TopLine> out{title_line(model, columns)};
    for (auto* lines : {mesh_lines, source_lines, alert_lines}) {
        for (TopLine& line : lines(picture, columns)) {
            out.push_back(std::move(line));
        }
    }
    out.push_back(nodes_line(model, columns));
    TopTable table = table_of(model, 0, model.rows().size(), columns, Choice::unmarked);
    if (table.rows.empty()) {
        table.rows.push_back(line_of_parts({{"  " + why_empty(model)}}, columns));
    } else {
        out.push_back(std::move(table.header));
    }
    out.insert(out.end(), std::make_move_iterator(table.rows.begin()), std::make_move_iterator(table.rows.end()));
    std::size_t events = 0;
    for (const console::TimelineEvent* event : model.events()) {
        if (events++ == kReportEvents) {
            break;
        }
        out.push_back(event_line(*event, picture.at(), columns));
    }
    return out;
}

}  // namespace grapevine::apps
