#include "telemetry/filter.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace grapevine::telemetry {

namespace {

constexpr std::array<std::string_view, 6> kLevelNames{"off", "error", "warn", "info", "debug", "trace"};
constexpr std::array<std::string_view, kTargets> kTargetNames{"node", "peer",    "gossip",   "directory", "paths",
                                                              "sync", "mesh",    "delivery", "fabric",    "quic",
                                                              "io",   "control", "ledger",   "telemetry", "app"};

std::optional<Target> parse_target(std::string_view text) {
    const auto it = std::find(kTargetNames.begin(), kTargetNames.end(), text);
    if (it == kTargetNames.end()) return std::nullopt;
    return static_cast<Target>(it - kTargetNames.begin());
}

template <typename Names>
std::string listed(const Names& names) {
    std::string all;
    for (const std::string_view one : names)
        all += (all.empty() ? "" : ", ") + std::string(one);
    return all;
}

tl::unexpected<base::Error> no_level(std::string_view word) {
    return base::invalid("'" + base::printable(word) + "': no level; there are " + listed(kLevelNames));
}

// The default first, because exceptions from it may come in any order.
struct Words {
    std::optional<Level> all;
    std::array<std::optional<Level>, kTargets> exceptions{};
};

base::Status take(Words& words, std::string_view word) {
    const std::size_t equals = word.find('=');
    const auto level = parse_level(equals == std::string_view::npos ? word : word.substr(equals + 1));
    if (!level) return no_level(equals == std::string_view::npos ? word : word.substr(equals + 1));
    if (equals == std::string_view::npos) {
        if (words.all) return base::invalid("'" + base::printable(word) + "': a second default level");
        words.all = level;
        return {};
    }
    const std::string_view text = word.substr(0, equals);
    const auto target = parse_target(text);
    if (!target) return base::invalid("'" + base::printable(text) + "': no target; there are " + listed(kTargetNames));
    auto& exception = words.exceptions[static_cast<std::size_t>(*target)];
    if (exception) return base::invalid("'" + base::printable(text) + "': comes twice");
    exception = level;
    return {};
}

}  // namespace

std::string_view name(Level level) {
    return kLevelNames[static_cast<std::size_t>(level)];
}
std::string_view name(Target target) {
    return kTargetNames[static_cast<std::size_t>(target)];
}

std::optional<Level> parse_level(std::string_view text) {
    const auto it = std::find(kLevelNames.begin(), kLevelNames.end(), text);
    if (it == kLevelNames.end()) return std::nullopt;
    return static_cast<Level>(it - kLevelNames.begin());
}

base::Result<Filter> Filter::parse(std::string_view text) {
    if (text.size() > kTextMax)
        return base::invalid("'" + base::printable(text, 20) + "...': over " + std::to_string(kTextMax) + " bytes");
    Words words;
    while (true) {
        const std::size_t comma = text.find(',');
        if (auto taken = take(words, text.substr(0, comma)); !taken) return tl::unexpected(taken.error());
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    Filter filter(words.all.value_or(Level::info));
    for (std::size_t i = 0; i < kTargets; ++i)
        if (words.exceptions[i]) filter.limits_[i] = *words.exceptions[i];
    return filter;
}

std::string Filter::text() const {
    std::array<std::size_t, kLevelNames.size()> uses{};
    for (const Level level : limits_)
        ++uses[static_cast<std::size_t>(level)];
    const auto all = static_cast<Level>(std::max_element(uses.begin(), uses.end()) - uses.begin());
    std::string text(name(all));
    for (std::size_t i = 0; i < kTargets; ++i)
        if (limits_[i] != all) text += "," + std::string(kTargetNames[i]) + "=" + std::string(name(limits_[i]));
    return text;
}

}  // namespace grapevine::telemetry
