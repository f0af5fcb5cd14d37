#include "apps/grapevine/load_view.hpp"

#include <cmath>

#include "apps/grapevine/query.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

const object* member(const object& from, const char* name) {
    const boost::json::value* value = from.if_contains(name);
    return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

double number(const object& from, const char* name) {
    const boost::json::value* value = from.if_contains(name);
    if (value == nullptr || !value->is_number()) {
        return 0;
    }
    boost::json::error_code error;
    const double out = value->to_number<double>(error);
    return error || !std::isfinite(out) ? 0 : out;
}

std::uint64_t whole(const object& from, const char* name) {
    return io::unsigned_member(from, name).value_or(0);
}

std::string milliseconds_text(double microseconds) {
    return short_number(microseconds / 1000.0) + " ms";
}

std::string share_text(std::uint64_t part, std::uint64_t all) {
    return all == 0 ? "-" : short_number(100.0 * static_cast<double>(part) / static_cast<double>(all)) + " %";
}

}  // namespace

LoadView read_load(const object& line) {
    LoadView out;
    out.elapsed_ms = whole(line, "elapsed_ms");
    out.due = whole(line, "due");
    out.submitted = whole(line, "submitted");
    out.unanswered = whole(line, "unanswered");
    out.acknowledged_per_s = number(line, "acknowledged_per_s");
    if (const object* ended = member(line, "ended")) {
        out.acknowledged = whole(*ended, "acknowledged");
        for (const auto& entry : *ended) {
            out.ended += whole(*ended, std::string(entry.key()).c_str());
        }
    }
    if (const object* latency = member(line, "latency_us")) {
        out.p50_us = number(*latency, "p50");
        out.p90_us = number(*latency, "p90");
        out.p99_us = number(*latency, "p99");
        out.p999_us = number(*latency, "p999");
        out.max_us = number(*latency, "max");
    }
    if (const object* latency = member(line, "whole_latency_us")) {
        out.whole_p50_us = number(*latency, "p50");
        out.whole_p99_us = number(*latency, "p99");
    }
    return out;
}

std::optional<base::Error> error_of(const object& answer) {
    return is_ok(answer) ? std::nullopt : std::optional(error_in(answer));
}

std::string load_progress(const object& line) {
    const LoadView view = read_load(line);
    return duration_text(view.elapsed_ms) + "  " + short_number(view.acknowledged_per_s) + "/s  p50 " +
           milliseconds_text(view.p50_us) + "  p99 " + milliseconds_text(view.p99_us) + "  " +
           std::to_string(view.acknowledged) + " acknowledged  " + std::to_string(view.unanswered) + " under way";
}

std::vector<std::string> load_lines(const Terminal& terminal, const object& answer) {
    const LoadView view = read_load(answer);
    std::vector<std::string> out{std::to_string(view.submitted) + " submitted in " + duration_text(view.elapsed_ms) +
                                     ", " + short_number(view.acknowledged_per_s) + " acknowledged a second",
                                 "latency  p50 " + milliseconds_text(view.p50_us) + "  p90 " +
                                     milliseconds_text(view.p90_us) + "  p99 " + milliseconds_text(view.p99_us) +
                                     "  p99.9 " + milliseconds_text(view.p999_us) + "  max " +
                                     milliseconds_text(view.max_us)};
    std::vector<std::vector<Cell>> rows;
    if (const object* ended = member(answer, "ended")) {
        for (const auto& entry : *ended) {
            const std::string name(entry.key());
            const std::uint64_t count = whole(*ended, name.c_str());
            if (count > 0) {
                const Tint tint = name == "acknowledged" ? Tint::good : Tint::warn;
                rows.push_back({{name, tint}, {std::to_string(count)}, {share_text(count, view.submitted)}});
            }
        }
    }
    const std::uint64_t lost = whole(answer, "lost");
    rows.push_back({{"lost", lost == 0 ? Tint::plain : Tint::bad}, {std::to_string(lost)}, {"-"}});
    if (view.due > view.submitted) {
        rows.push_back({{"never submitted", Tint::bad}, {std::to_string(view.due - view.submitted)}, {"-"}});
    }
    for (std::string& line :
         table_lines(terminal, {{"OUTCOME"}, {"MESSAGES", Align::right}, {"SHARE", Align::right}}, std::move(rows))) {
        out.push_back(std::move(line));
    }
    return out;
}

}  // namespace grapevine::apps
