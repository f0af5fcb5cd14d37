#include "admission/calendar.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "wire/admission.hpp"

namespace grapevine::admission {

namespace {

std::string padded(std::uint64_t value, std::size_t digits) {
    std::string text = std::to_string(value);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

}  // namespace

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
