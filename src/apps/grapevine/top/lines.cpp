#include "apps/grapevine/top/lines.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "apps/grapevine/top/text.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kFlexibleMin = 12;
constexpr std::size_t kDropEarly = 2;

std::string formatted(const char* format, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, value);  // NOLINT: each format takes one double.
    return text.data();
}

std::size_t width_of_parts(const std::vector<TopPart>& parts) {
    std::size_t width = 0;
    for (const TopPart& part : parts) {
        width += display_width(part.text) + kGap;
    }
    return width > kGap ? width - kGap : 0;
}

// Cuts the flexible part as far as it may be.
void bend(std::vector<TopPart>& parts, std::size_t columns) {
    const std::size_t width = width_of_parts(parts);
    const auto part = std::find_if(parts.begin(), parts.end(),
                                   [](const TopPart& one) { return one.room == TopPart::Room::flexible; });
    if (part == parts.end() || width <= columns) {
        return;
    }
    const std::size_t own = display_width(part->text);
    const std::size_t least = std::min(own, std::max(kFlexibleMin, own / 2));
    const std::size_t over = width - columns;
    if (own >= least + over) {
        part->text = cut_to(part->text, own - over);
    }
}

// Whether one went, of those that may go at least so early.
bool drop_one(std::vector<TopPart>& parts, std::size_t least) {
    const auto victim = std::max_element(parts.begin(), parts.end(),
                                         [](const TopPart& a, const TopPart& b) { return a.drop < b.drop; });
    if (victim == parts.end() || victim->drop < least) {
        return false;
    }
    parts.erase(victim);
    return true;
}

std::string over_budget(bool over, std::string text) {
    return over ? "!" + std::move(text) : std::move(text);
}

}  // namespace

std::string plain_text(const TopLine& line) {
    std::string out;
    for (const TopSpan& span : line) {
        out += span.text;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

std::size_t width_of(const TopLine& line) {
    std::size_t width = 0;
    for (const TopSpan& span : line) {
        width += display_width(span.text);
    }
    return width;
}

TopLine line_of_parts(std::vector<TopPart> parts, std::size_t columns) {
    std::erase_if(parts, [](const TopPart& part) { return part.text.empty(); });
    for (TopPart& part : parts) {
        part.text = harmless(part.text);
    }
    while (width_of_parts(parts) > columns && drop_one(parts, kDropEarly)) {
    }
    bend(parts, columns);
    while (width_of_parts(parts) > columns && drop_one(parts, 1)) {
        bend(parts, columns);
    }
    TopLine line;
    std::size_t width = 0;
    for (TopPart& part : parts) {
        const std::size_t gap = line.empty() ? 0 : kGap;
        if (width + gap >= columns) {
            break;
        }
        if (gap > 0) {
            line.push_back({std::string(gap, ' ')});
        }
        part.text = cut_to(part.text, columns - width - gap);
        width += gap + display_width(part.text);
        line.push_back({std::move(part.text), part.look});
    }
    return line;
}

TopLine bar_of_parts(std::vector<TopPart> parts, std::size_t columns, Look look) {
    std::string text = plain_text(line_of_parts(std::move(parts), columns));
    return {{filled_to(text, columns), look}};
}

std::string squeezed_to(std::string_view text, std::size_t columns) {
    const std::string safe = harmless(text);
    const std::size_t width = display_width(safe);
    if (width <= columns || columns < 5) {
        return cut_to(safe, columns);
    }
    const std::string head = cut_to(safe, (columns + 1) / 2);  // With its "~".
    const std::size_t tail_max = columns - display_width(head);
    std::string_view tail = safe;
    while (display_width(tail) > tail_max) {
        do {
            tail.remove_prefix(1);
        } while (!tail.empty() && (static_cast<unsigned char>(tail[0]) & 0xC0U) == 0x80U);
    }
    return head + std::string(tail);
}

Look look_of(Trouble trouble) {
    switch (trouble) {
        case Trouble::dead: return Look::bad;
        case Trouble::suspected:
        case Trouble::wedged:
        case Trouble::over_budget:
        case Trouble::ended: return Look::warn;
        case Trouble::unknown: return Look::unknown;
        case Trouble::changing: return Look::bold;
        case Trouble::well: return Look::good;
        case Trouble::left: return Look::dim;
    }
    return Look::plain;
}

Look look_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::critical: return Look::bad;
        case Verdict::warning: return Look::warn;
        case Verdict::unknown: return Look::unknown;
        case Verdict::info: return Look::plain;
        case Verdict::well: return Look::good;
    }
    return Look::plain;
}

Look look_of(console::Severity severity) {
    switch (severity) {
        case console::Severity::critical: return Look::bad;
        case console::Severity::warning: return Look::warn;
        case console::Severity::unknown: return Look::unknown;
        case console::Severity::info: return Look::plain;
    }
    return Look::plain;
}

std::string clock_of(std::uint64_t unix_ms, const console::Moment& at) {
    const auto then_s = static_cast<std::time_t>(unix_ms / 1000);
    const auto now_s = static_cast<std::time_t>(at.wall.unix_ms / 1000);
    std::tm then{};
    std::tm now{};
    ::localtime_r(&then_s, &then);
    ::localtime_r(&now_s, &now);
    const bool same_day = then.tm_yday == now.tm_yday && then.tm_year == now.tm_year;
    std::array<char, 48> text{};
    return std::strftime(text.data(), text.size(), same_day ? "%H:%M:%S" : "%m-%d %H:%M", &then) == 0 ? "-"
                                                                                                      : text.data();
}

std::string span_of(std::uint64_t milliseconds) {
    const std::uint64_t seconds = milliseconds / 1000;
    return seconds < 120       ? std::to_string(seconds) + " s"
           : seconds < 7200    ? std::to_string(seconds / 60) + " min"
           : seconds < 172'800 ? std::to_string(seconds / 3600) + " h"
                               : std::to_string(seconds / 86'400) + " d";
}

std::string since_of(std::uint64_t unix_ms, const console::Moment& at) {
    return "since " + clock_of(unix_ms, at);
}

std::string lasting_of(std::uint64_t unix_ms, const console::Moment& at) {
    return "(" + span_of(at.wall.unix_ms > unix_ms ? at.wall.unix_ms - unix_ms : 0) + ")";
}

std::uint64_t age_ms(const console::Digest& digest, const console::Moment& at) {
    return at.now > digest.heard ? static_cast<std::uint64_t>((at.now - digest.heard) / std::chrono::milliseconds(1))
                                 : 0;
}

std::string size_of_kib(std::uint64_t kib) {
    const double mib = static_cast<double>(kib) / 1024.0;
    return kib < 1000     ? std::to_string(kib) + "K"
           : mib < 9.95   ? formatted("%.1fM", mib)
           : mib < 1000   ? formatted("%.0fM", mib)
           : mib < 10'188 ? formatted("%.1fG", mib / 1024.0)
                          : formatted("%.0fG", mib / 1024.0);
}

std::string cpu_of(const console::Load& load) {
    const std::string used = std::to_string(load.cpu_millicores);
    return load.cpu_budget_millicores == 0
               ? used + "m"
               : over_budget(is_over_cpu(load), used + "/" + std::to_string(load.cpu_budget_millicores) + "m");
}

std::string memory_of(const console::Load& load) {
    std::string used = size_of_kib(load.memory_kib);
    if (load.memory_budget_kib == 0) {
        return used;
    }
    const std::string budget = size_of_kib(load.memory_budget_kib);
    if (used.back() == budget.back()) {
        used.pop_back();
    }
    return over_budget(is_over_memory(load), used + "/" + budget);
}

std::string rate_of(const std::optional<double>& per_second) {
    if (!per_second) {
        return "-";
    }
    const double value = *per_second;
    return value == 0       ? "0"
           : value < 9.95   ? formatted("%.1f", value)
           : value < 9999.5 ? formatted("%.0f", value)
           : value < 999e3  ? formatted("%.0fk", value / 1e3)
                            : formatted("%.1fM", value / 1e6);
}

}  // namespace grapevine::apps
