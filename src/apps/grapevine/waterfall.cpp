#include "apps/grapevine/waterfall.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <boost/json.hpp>

#include "base/encoding.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::size_t kDurationColumns = 8;
constexpr std::size_t kNodeColumnsMax = 24;
constexpr std::size_t kBarColumnsMin = 16;
constexpr std::size_t kNarrow = 60;          // Below, the bar has the node's place.
constexpr std::size_t kNameColumnsMin = 12;  // What deep branches leave to a name.
constexpr std::size_t kGap = 2;
constexpr std::size_t kDepthShown = 12;  // Deeper spans stand there too.
constexpr std::size_t kLinksShown = 2;   // Of a span, unless all is asked for.
constexpr std::size_t kLogsShown = 10;   // Of a trace.
constexpr std::size_t kIdShown = 16;
// Times are those of whoever sent the spans. Ten years either way is longer than any trace, has its place in
// kDurationColumns, and sums of such times stay in range.
constexpr std::int64_t kTimeMax = std::int64_t{10} * 365 * 24 * 3600 * 1'000'000'000;
constexpr std::int64_t kSeverityError = 17;  // OTLP: ERROR.
constexpr std::int64_t kSeverityWarn = 13;

std::int64_t time_in(const object& row, std::string_view key) {
    return std::clamp(integer_in(row, key), -kTimeMax, kTimeMax);
}

struct Span {
    const object* row = nullptr;
    std::int64_t start = 0;
    std::int64_t end = 0;
    bool orphan = false;   // Has a parent, which is not here.
    std::string branches;  // "| " and "`-" before the name.
    std::string below;     // What stands before lines that belong to it.
};

struct Layout {
    std::size_t label = 0;
    std::size_t node = 0;  // 0: no such column.
    std::size_t bar = 0;
};

class Waterfall {
public:
    Waterfall(const Pen& pen, const object& trace, Attributes attributes)
        : pen_(pen), trace_(trace), attributes_(attributes) {
        order();
        measure();
    }

    std::vector<std::string> lines() {
        title();
        ruler();
        for (const Span& span : spans_) {
            draw(span);
        }
        logs();
        return std::move(lines_);
    }

private:
    [[nodiscard]] std::string symbol(std::string_view drawn, std::string_view plain) const {
        return std::string(pen_.drawing ? drawn : plain);
    }
    [[nodiscard]] std::string dim(std::string_view text) const { return tinted(pen_.terminal, Tint::dim, text); }

    void order();
    void walk(const std::map<std::string, std::vector<std::size_t>>& children, std::vector<Span>& all,
              std::size_t root);
    void measure();
    void title();
    void ruler();
    void draw(const Span& span);
    void details(const Span& span);
    void detail(const Span& span, const std::string& text);
    void logs();
    [[nodiscard]] std::string bar_of(const Span& span) const;
    [[nodiscard]] std::string drawn_bar(double from, double to) const;
    [[nodiscard]] std::size_t colour_of(const object& row);
    [[nodiscard]] static bool failed(const object& row) { return text_in(row, "status") == "error"; }
    [[nodiscard]] static std::string place_of(const object& row);

    const Pen& pen_;
    const object& trace_;
    Attributes attributes_;
    std::vector<Span> spans_;  // In the order of lines.
    std::int64_t length_ = 1;
    Layout layout_;
    std::set<std::string> places_;
    std::map<std::string, std::size_t> colours_;
    std::vector<std::string> lines_;
};

// The node, or what there is instead.
std::string Waterfall::place_of(const object& row) {
    for (const char* key : {"node", "service", "instance"}) {
        if (std::string text = text_in(row, key); !text.empty()) {
            return text;
        }
    }
    return "?";
}

void Waterfall::order() {
    std::vector<Span> all;
    std::set<std::string> ids;
    std::map<std::string, std::vector<std::size_t>> children;
    for (const object* row : objects_in(trace_, "spans")) {
        const std::int64_t start = time_in(*row, "offset_ns");
        all.push_back({row, start, start + std::max<std::int64_t>(time_in(*row, "duration_ns"), 0), false, {}, {}});
        ids.insert(text_in(*row, "span_id"));
        places_.insert(place_of(*row));
        length_ = std::max(length_, all.back().end);
    }
    std::stable_sort(all.begin(), all.end(), [](const Span& a, const Span& b) { return a.start < b.start; });
    std::vector<std::size_t> roots;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string parent = text_in(*all[i].row, "parent_span_id");
        all[i].orphan = !parent.empty() && !ids.contains(parent);
        if (parent.empty() || all[i].orphan) {
            roots.push_back(i);
        } else {
            children[parent].push_back(i);
        }
    }
    for (const std::size_t root : roots) {
        walk(children, all, root);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {  // In a circle of parents.
        walk(children, all, i);
    }
}

// Depth first, without recursion: a trace may be as deep as it is long.
void Waterfall::walk(const std::map<std::string, std::vector<std::size_t>>& children, std::vector<Span>& all,
                     std::size_t root) {
    struct Step {
        std::size_t span;
        std::size_t depth;
        std::string before;  // The lines of the parent's later siblings.
        bool last;
    };
    std::vector<Step> steps{{root, 0, {}, true}};
    while (!steps.empty()) {
        const Step step = std::move(steps.back());
        steps.pop_back();
        Span& span = all[step.span];
        if (span.row == nullptr) {
            continue;  // Drawn already.
        }
        std::string below;
        if (step.depth > 0) {
            const bool shown = step.depth <= kDepthShown;
            span.branches = step.before + (!shown      ? symbol("… ", "> ")
                                           : step.last ? symbol("└─ ", "`- ")
                                                       : symbol("├─ ", "|- "));
            below = !shown ? step.before : step.before + (step.last ? "   " : symbol("│  ", "|  "));
        }
        const auto found = children.find(text_in(*span.row, "span_id"));
        const bool parent = found != children.end();
        span.below = below + (parent ? symbol("│  ", "|  ") : "   ");
        spans_.push_back(span);
        span.row = nullptr;
        if (!parent) {
            continue;
        }
        for (auto child = found->second.rbegin(); child != found->second.rend(); ++child) {
            steps.push_back({*child, step.depth + 1, below, child == found->second.rbegin()});
        }
    }
}

void Waterfall::measure() {
    const std::size_t width = std::max<std::size_t>(pen_.terminal.columns, 40);
    std::size_t label = 0;
    for (const Span& span : spans_) {
        label =
            std::max(label, columns_of(span.branches) + text_in(*span.row, "name").size() + (span.orphan ? 2U : 0U));
    }
    std::size_t node = 0;
    for (const std::string& place : places_) {
        node = std::max(node, place.size());
    }
    // The node is worth a column where there are several, or where there is room for everything.
    layout_.node = width >= kNarrow && (places_.size() > 1 || width >= 120) ? std::min(node, kNodeColumnsMax) : 0;
    if (layout_.node > 0 && width < 100) {
        layout_.node = std::min<std::size_t>(layout_.node, 18);
    }
    const std::size_t beside = kGap + kDurationColumns + kGap + (layout_.node > 0 ? layout_.node + kGap : 0);
    const std::size_t bar = width < kNarrow ? kBarColumnsMin / 2 : kBarColumnsMin;
    layout_.label = std::min(label, width - beside - bar);
    layout_.bar = width - beside - layout_.label;
}

void Waterfall::title() {
    const std::int64_t errors = integer_in(trace_, "errors");
    std::string name = spans_.empty() ? "no spans" : text_in(*spans_.front().row, "name");
    std::string line = tinted(pen_.terminal, Tint::bold, name) + "  " +
                       nanoseconds_text(time_in(trace_, "duration_ns")) + "  " + std::to_string(spans_.size()) +
                       (spans_.size() == 1 ? " span" : " spans") + " on " + std::to_string(places_.size()) +
                       (places_.size() == 1 ? " node" : " nodes");
    if (errors > 0) {
        line += "  " + tinted(pen_.terminal, Tint::bad, std::to_string(errors) + (errors == 1 ? " error" : " errors"));
    }
    const std::size_t width = std::max<std::size_t>(pen_.terminal.columns, 40);
    lines_.push_back(clipped(line, width));
    std::string origin = "trace " + text_in(trace_, "trace_id");
    if (pen_.terminal.columns >= kNarrow) {
        origin += "  " + clock_text(integer_in(trace_, "start_unix_us"));
    }
    if (places_.size() == 1 && layout_.node == 0) {
        const std::string place = "  " + *places_.begin();
        origin += columns_of(origin) + place.size() <= pen_.terminal.columns ? place : "";
    }
    lines_.push_back(clipped(dim(origin), width));
}

// The scale above the bars: 0, the middle, the end.
void Waterfall::ruler() {
    const std::string middle = nanoseconds_text(length_ / 2);
    const std::string end = nanoseconds_text(length_);
    std::string scale = "0";
    const std::size_t half = layout_.bar / 2;
    if (half > 2 && half + middle.size() + end.size() + 2 < layout_.bar) {
        scale += std::string(half - 1, ' ') + middle;
    }
    if (scale.size() + end.size() < layout_.bar) {
        scale += std::string(layout_.bar - scale.size() - end.size(), ' ') + end;
    }
    lines_.push_back(std::string(layout_.label + kGap + (layout_.node > 0 ? layout_.node + kGap : 0), ' ') +
                     dim(scale));
}

std::size_t Waterfall::colour_of(const object& row) {
    return colours_.try_emplace(place_of(row), colours_.size()).first->second;
}

// From and to in columns. Half a column is the finest that these characters show.
std::string Waterfall::drawn_bar(double from, double to) const {
    const auto halves = [&](double columns) { return static_cast<std::size_t>(std::lround(columns * 2)); };
    const std::size_t total = layout_.bar * 2;
    std::size_t first = std::min(halves(from), total - 1);
    const std::size_t last = std::clamp<std::size_t>(halves(to), first + 1, total);
    std::string out(first / 2, ' ');
    for (std::size_t at = first / 2; at * 2 < last; ++at) {
        const bool left = at * 2 >= first;
        const bool right = at * 2 + 1 < last;
        out += left && right ? "━" : left ? "╸" : "╺";
    }
    return out;
}

std::string Waterfall::bar_of(const Span& span) const {
    const double scale = static_cast<double>(layout_.bar) / static_cast<double>(length_);
    const double from = std::max(0.0, static_cast<double>(span.start) * scale);
    const double to = std::max(0.0, static_cast<double>(span.end) * scale);
    if (pen_.drawing) {
        return drawn_bar(from, to);
    }
    const std::size_t first = std::min(static_cast<std::size_t>(from), layout_.bar - 1);
    const auto last = std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(to)), first + 1, layout_.bar);
    return std::string(first, ' ') + (last - first == 1 ? "|" : std::string(last - first, '='));
}

void Waterfall::draw(const Span& span) {
    const bool bad = failed(*span.row);
    const std::string text = (span.orphan ? symbol("⋯ ", "~ ") : "") + text_in(*span.row, "name");
    const std::size_t deepest = layout_.label - std::min({layout_.label, kNameColumnsMin, text.size()});
    const bool fits = columns_of(span.branches) <= deepest;
    const std::string branches = fits ? span.branches : fitted(span.branches, deepest);
    const std::string name = fitted(text, layout_.label - columns_of(branches));
    std::string line = dim(branches);
    line += bad ? tinted(pen_.terminal, Tint::bad, name) : name;
    line += std::string(kGap, ' ');
    const std::size_t colour = colour_of(*span.row);
    if (layout_.node > 0) {
        line += painted(pen_, colour, fitted(place_of(*span.row), layout_.node)) + std::string(kGap, ' ');
    }
    const std::string bar = fitted(bar_of(span), layout_.bar);
    line += bad ? tinted(pen_.terminal, Tint::bad, bar) : painted(pen_, colour, bar);
    const std::string duration = nanoseconds_text(span.end - span.start);
    line += std::string(kGap + kDurationColumns - std::min(kDurationColumns, duration.size()), ' ') + duration;
    lines_.push_back(line);
    details(span);
}

void Waterfall::detail(const Span& span, const std::string& text) {
    const std::size_t width = std::max<std::size_t>(pen_.terminal.columns, 40);
    const std::size_t before = std::min(columns_of(span.below), width / 2);
    lines_.push_back(dim(fitted(span.below, before)) + text);
}

void Waterfall::details(const Span& span) {
    const std::size_t width = std::max<std::size_t>(pen_.terminal.columns, 40);
    const std::size_t room = width - std::min(columns_of(span.below), width / 2);
    const auto cut = [&](const std::string& text) { return columns_of(text) <= room ? text : fitted(text, room); };
    const bool all = attributes_ == Attributes::shown;
    if (const std::string why = text_in(*span.row, "status_text"); failed(*span.row) && !why.empty()) {
        detail(span, tinted(pen_.terminal, Tint::bad, cut(symbol("✗ ", "! ") + why)));
    }
    const auto links = objects_in(*span.row, "links");
    for (std::size_t i = 0; i < links.size() && (all || i < kLinksShown); ++i) {
        detail(span, dim(cut(symbol("↗ ", "-> ") + "trace " + text_in(*links[i], "trace_id").substr(0, kIdShown) +
                             " span " + text_in(*links[i], "span_id"))));
    }
    if (!all && links.size() > kLinksShown) {
        detail(span, dim(cut("and " + std::to_string(links.size() - kLinksShown) + " more links (--verbose)")));
    }
    const boost::json::value* attributes = span.row->if_contains("attributes");
    if (!all || attributes == nullptr || !attributes->is_object()) {
        return;
    }
    for (const auto& [key, value] : attributes->get_object()) {
        const std::string text = value.is_string() ? text_in(attributes->get_object(), key)
                                                   : base::printable(boost::json::serialize(value), 400);
        detail(span, dim(cut(base::printable(std::string_view(key.data(), key.size())) + " = " + text)));
    }
}

void Waterfall::logs() {
    const auto logs = objects_in(trace_, "logs");
    const std::size_t width = std::max<std::size_t>(pen_.terminal.columns, 40);
    const std::size_t most = attributes_ == Attributes::shown ? logs.size() : std::min(logs.size(), kLogsShown);
    for (std::size_t i = 0; i < most; ++i) {
        const object& log = *logs[i];
        const std::int64_t severity = integer_in(log, "severity");
        const Tint tint = severity >= kSeverityError ? Tint::bad : severity >= kSeverityWarn ? Tint::warn : Tint::dim;
        const std::string line = clock_text(integer_in(log, "unix_us")) + "  " + text_in(log, "severity_text") + "  " +
                                 place_of(log) + "  " + text_in(log, "body");
        lines_.push_back(tinted(pen_.terminal, tint, columns_of(line) <= width ? line : fitted(line, width)));
    }
    if (logs.size() > most) {
        lines_.push_back(dim("and " + std::to_string(logs.size() - most) + " more log lines (--verbose)"));
    }
}

}  // namespace

std::vector<std::string> waterfall_lines(const Pen& pen, const object& trace, Attributes attributes) {
    return Waterfall(pen, trace, attributes).lines();
}

double covered_by_children(const object& trace) {
    const auto spans = objects_in(trace, "spans");
    const auto root = std::find_if(spans.begin(), spans.end(),
                                   [](const object* span) { return text_in(*span, "parent_span_id").empty(); });
    if (root == spans.end() || time_in(**root, "duration_ns") <= 0) {
        return -1;
    }
    const std::int64_t from = time_in(**root, "offset_ns");
    const std::int64_t to = from + time_in(**root, "duration_ns");
    const std::string id = text_in(**root, "span_id");
    std::vector<std::pair<std::int64_t, std::int64_t>> parts;
    for (const object* span : spans) {
        if (text_in(*span, "parent_span_id") == id) {
            const std::int64_t start = time_in(*span, "offset_ns");
            parts.emplace_back(std::max(start, from), std::min(start + time_in(*span, "duration_ns"), to));
        }
    }
    std::sort(parts.begin(), parts.end());
    std::int64_t covered = 0;
    std::int64_t reached = from;
    for (const auto& [start, end] : parts) {
        covered += std::max<std::int64_t>(0, end - std::max(start, reached));
        reached = std::max(reached, end);
    }
    return parts.empty() ? -1 : static_cast<double>(covered) / static_cast<double>(to - from);
}

}  // namespace grapevine::apps
