#include "admission/calendar.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>

#include "base/encoding.hpp"
#include "wire/admission.hpp"

namespace grapevine::admission {

namespace {

std::string padded(std::uint64_t value, std::size_t digits) {
    std::string text = std::to_string(value);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

// The digits of `text` at the places of the letters n of `form`; everything else must be as `form` has it.
bool fits(std::string_view text, std::string_view form) {
    const auto same = [](char c, char wanted) { return wanted == 'n' ? c >= '0' && c <= '9' : c == wanted; };
    return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), same);
}

unsigned number_at(std::string_view text, std::size_t at, std::size_t digits) {
    unsigned value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);  // Digits alone: fits() has looked.
    return value;
}

std::optional<std::uint64_t> day_start(std::string_view text) {
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number_at(text, 0, 4))),
                                           std::chrono::month(number_at(text, 5, 2)),
                                           std::chrono::day(number_at(text, 8, 2))};
    if (!date.ok()) return std::nullopt;
    const auto days = std::chrono::sys_days(date).time_since_epoch().count();
    if (days < 0) return std::nullopt;
    return static_cast<std::uint64_t>(days) * 86'400;
}

std::optional<std::uint64_t> day_seconds(std::string_view text) {
    const unsigned hour = number_at(text, 0, 2);
    const unsigned minute = number_at(text, 3, 2);
    const unsigned second = number_at(text, 6, 2);
    if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return std::uint64_t{hour} * 3600 + minute * 60 + second;
}

}  // namespace

base::Result<std::uint64_t> parse_utc(std::string_view text) {
    const bool whole = fits(text, "nnnn-nn-nnTnn:nn:nnZ");
    if (!whole && !fits(text, "nnnn-nn-nn"))
        return base::invalid("'" + base::printable(text, 40) +
                             "' is no time: must be like 2027-01-15 or 2027-01-15T08:00:00Z, in UTC");
    const auto day = day_start(text);
    const auto seconds = whole ? day_seconds(text.substr(11)) : std::optional<std::uint64_t>(0);
    if (!day || !seconds) return base::invalid("'" + std::string(text) + "' is not in the calendar");
    return *day + *seconds;
}

std::string utc_text(std::uint64_t unix_s) {
    constexpr std::uint64_t kDay = 86'400;
    const std::uint64_t shown = std::min(unix_s, wire::kExpiryMax);
    const std::chrono::sys_days day{std::chrono::days(static_cast<int>(shown / kDay))};
    const std::chrono::year_month_day date{day};
    const std::uint64_t second = shown % kDay;
    return padded(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4) + "-" +
           padded(static_cast<unsigned>(date.month()), 2) + "-" + padded(static_cast<unsigned>(date.day()), 2) + "T" +
           padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2) + ":" + padded(second % 60, 2) + "Z";
}

}  // namespace grapevine::admission
