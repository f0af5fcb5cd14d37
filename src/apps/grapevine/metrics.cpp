// `grapevine metrics`: which metrics a collector has, and one of them with its newest values and their course.

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>

#include "apps/grapevine/collector_query.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/telemetry_view.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::size_t kTextShown = 60;
constexpr std::size_t kSparkColumns = 30;
constexpr std::size_t kSparkColumnsNarrow = 12;
constexpr std::size_t kWide = 110;

int print_list(const object& answer) {
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    std::vector<std::vector<Cell>> rows;
    for (const object* metric : objects_in(answer, "metrics")) {
        rows.push_back({{text_in(*metric, "name").substr(0, kTextShown), Tint::bold},
                        {text_in(*metric, "unit").substr(0, 12)},
                        {text_in(*metric, "kind")},
                        {std::to_string(integer_in(*metric, "resources"))},
                        {std::to_string(integer_in(*metric, "series"))},
                        {ago_text(integer_in(*metric, "last_unix_us"))},
                        {text_in(*metric, "description").substr(0, kTextShown), Tint::dim}});
    }
    if (rows.empty()) {
        return print("no metrics; a node that exports here sends them at its metric interval\n");
    }
    const std::vector<Column> columns{{"METRIC"},
                                      {"UNIT", Align::left, 1},
                                      {"KIND", Align::left, 3},
                                      {"NODES", Align::right},
                                      {"SERIES", Align::right, 4},
                                      {"LAST", Align::right, 2},
                                      {"MEANING", Align::left, 5}};
    return print_lines(table_lines(terminal, columns, rows));
}

struct Sample {
    double seconds = 0;
    double value = 0;
    double count = 0;
};

std::vector<Sample> history_of(const object& series) {
    std::vector<Sample> out;
    const boost::json::value* history = series.if_contains("history");
    if (history == nullptr || !history->is_array()) {
        return out;
    }
    const auto number = [](const boost::json::value& value) {
        boost::json::error_code error;
        const auto got = value.is_number() ? value.to_number<double>(error) : 0.0;
        return error ? 0.0 : got;
    };
    for (const boost::json::value& item : history->get_array()) {
        if (item.is_array() && item.get_array().size() == 3) {
            const auto& point = item.get_array();
            out.push_back({number(point[0]) / 1e6, number(point[1]), number(point[2])});
        }
    }
    return out;
}

// What a series did between its samples: a gauge its values, a counter its rate a second, a histogram its mean. A
// counter that went back began anew.
std::vector<double> course_of(const std::string& kind, bool monotonic, const std::vector<Sample>& history) {
    std::vector<double> out;
    for (std::size_t i = 0; i < history.size(); ++i) {
        if (kind == "gauge" || (kind == "sum" && !monotonic)) {
            out.push_back(history[i].value);
        } else if (i > 0) {
            const Sample& from = history[i - 1];
            const double over = kind == "sum" ? history[i].seconds - from.seconds : history[i].count - from.count;
            const double gained = history[i].value - from.value;
            out.push_back(over > 0 && gained >= 0 ? gained / over : 0.0);
        }
    }
    return out;
}

// The value below which `part` of a histogram's items lie, as if each bucket were filled evenly.
double quantile(const object& series, double part) {
    std::vector<double> bounds, buckets;
    for (const auto& [key, out] : {std::pair<std::string_view, std::vector<double>*>{"bounds", &bounds},
                                   std::pair<std::string_view, std::vector<double>*>{"buckets", &buckets}}) {
        const boost::json::value* list = series.if_contains(key);
        for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->get_array().size(); ++i) {
            boost::json::error_code error;
            const boost::json::value& item = list->get_array()[i];
            out->push_back(item.is_number() ? item.to_number<double>(error) : 0.0);
        }
    }
    double wanted = part * real_in(series, "count");
    for (std::size_t i = 0; i < buckets.size() && i < bounds.size(); ++i) {
        if (wanted <= buckets[i]) {
            const double low = i == 0 ? 0.0 : bounds[i - 1];
            return low + (buckets[i] > 0 ? wanted / buckets[i] : 0.0) * (bounds[i] - low);
        }
        wanted -= buckets[i];
    }
    return has_number(series, "max") ? real_in(series, "max") : bounds.empty() ? 0.0 : bounds.back();
}

std::string attributes_text(const object& series) {
    const boost::json::value* attributes = series.if_contains("attributes");
    if (attributes == nullptr || !attributes->is_object() || attributes->get_object().empty()) {
        return "";
    }
    std::string out;
    for (const auto& [key, value] : attributes->get_object()) {
        out += (out.empty() ? "" : " ") + std::string(key) + "=" +
               (value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value));
    }
    return base::printable(out, kTextShown);
}

struct Row {
    std::vector<Cell> cells;
    std::string spark;
};

std::string node_of(const object& series) {
    for (const char* key : {"node", "service", "instance"}) {
        if (std::string text = text_in(series, key); !text.empty()) {
            return text.substr(0, kTextShown);
        }
    }
    return "-";
}

Row row_of(const Pen& pen, const object& metric, const object& series, std::size_t spark_columns) {
    const std::string kind = text_in(metric, "kind");
    const std::string unit = text_in(metric, "unit");
    const auto course = course_of(kind, flag_in(metric, "monotonic"), history_of(series));
    Row row;
    row.cells = {{node_of(series)}, {attributes_text(series), Tint::dim}};
    if (kind == "histogram") {
        const double count = real_in(series, "count");
        row.cells.push_back({amount_text(count, "1")});
        row.cells.push_back({count > 0 ? amount_text(real_in(series, "value") / count, unit) : "-"});
        row.cells.push_back({count > 0 ? amount_text(quantile(series, 0.5), unit) : "-"});
        row.cells.push_back({count > 0 ? amount_text(quantile(series, 0.99), unit) : "-"});
    } else {
        row.cells.push_back({amount_text(real_in(series, "value"), unit), Tint::bold});
        if (kind == "sum" && flag_in(metric, "monotonic")) {
            row.cells.push_back({course.empty() ? "-" : amount_text(course.back(), unit) + "/s"});
        }
    }
    row.cells.push_back({ago_text(integer_in(series, "unix_us")), Tint::dim});
    row.spark = sparkline(pen, course, spark_columns);
    return row;
}

std::vector<Column> columns_for(const object& metric) {
    const std::string kind = text_in(metric, "kind");
    std::vector<Column> columns{{"NODE"}, {"ATTRIBUTES", Align::left, 2}};
    if (kind == "histogram") {
        for (const char* title : {"COUNT", "MEAN", "P50", "P99"}) {
            columns.push_back({title, Align::right});
        }
    } else {
        columns.push_back({"VALUE", Align::right});
        if (kind == "sum" && flag_in(metric, "monotonic")) {
            columns.push_back({"RATE", Align::right});
        }
    }
    columns.push_back({"LAST", Align::right, 3});
    return columns;
}

int print_metric(const object& metric) {
    const Pen pen = pen_for(STDOUT_FILENO);
    const std::size_t spark_columns = pen.terminal.columns >= kWide ? kSparkColumns : kSparkColumnsNarrow;
    std::vector<std::vector<Cell>> cells;
    std::vector<std::string> sparks;
    for (const object* series : objects_in(metric, "series")) {
        Row row = row_of(pen, metric, *series, spark_columns);
        cells.push_back(std::move(row.cells));
        sparks.push_back(std::move(row.spark));
    }
    const std::string unit = text_in(metric, "unit");
    std::vector<std::string> lines{tinted(pen.terminal, Tint::bold, text_in(metric, "name")) + "  " +
                                   text_in(metric, "kind") + (unit.empty() ? "" : " in " + unit) + "  " +
                                   tinted(pen.terminal, Tint::dim, text_in(metric, "description"))};
    if (cells.empty()) {
        lines.emplace_back("no values in this time");
        return print_lines(lines);
    }
    // The courses are no ASCII, which table_lines() takes for granted: they stand behind the table.
    Terminal narrower = pen.terminal;
    narrower.columns -= std::min(narrower.columns, spark_columns + 2);
    std::vector<std::string> table = table_lines(narrower, columns_for(metric), cells);
    std::size_t width = 0;
    for (const std::string& line : table) {
        width = std::max(width, columns_of(line));
    }
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::string gap(width + 2 - columns_of(table[i]), ' ');
        lines.push_back(table[i] + (i == 0 ? "" : gap + painted(pen, 0, sparks[i - 1])));
    }
    return print_lines(lines);
}

int run(const cli::Parsed& parsed) {
    const auto since = parse_time("--since", parsed.text("--since", "10m"));
    if (!since) {
        return cli::fail_with(since.error());
    }
    std::string target = "/api/metrics";
    if (!parsed.positionals.empty()) {
        target += "/" + path_segment(parsed.positionals[0]);
        append_parameter(target, "since_s",
                         std::to_string(std::max<std::int64_t>(*since / std::chrono::seconds(1), 1)));
        for (const char* name : {"service", "mesh", "node"}) {
            append_parameter(target, name, parsed.text("--" + std::string(name)));
        }
    }
    const auto answer = ask_collector(parsed, target);
    if (!answer) {
        return fail_query(answer.error());
    }
    if (parsed.has("--json")) {
        return print(cli::json_line(*answer));
    }
    return parsed.positionals.empty() ? print_list(*answer) : print_metric(*answer);
}

}  // namespace

Command metrics_command() {
    Command command;
    command.name = "metrics";
    command.arguments = "NAME";
    command.arguments_max = 1;
    command.summary = "list the metrics that a collector has, or show one with its course";
    command.details =
        "With NAME a line a node: the newest value and how it went; of counters the rate a second, of histograms the "
        "mean of what came, with quantiles from the buckets.";
    command.codes = kCollectorCodes;
    command.flags = {{"--since", cli::Arity::one, "TIME", "how far back, as in 10m", "10m"},
                     {"--service", cli::Arity::one, "NAME", "of this service (node type)"},
                     {"--mesh", cli::Arity::one, "NAME", "in this mesh"},
                     {"--node", cli::Arity::one, "NAME", "of this node (name or id)"}};
    append_collector_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
