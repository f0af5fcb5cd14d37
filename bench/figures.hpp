#pragma once

// What every benchmark prints: figures, ratios to a floor of the same run, budgets, and with --json one object.
//
// Exit code: 0, or 1 when a budget is missed and --enforce was given, or when the measurement itself failed.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace grapevine::bench {

// The value below which a fraction `p` of the samples lies (nearest rank). 0 for none.
inline double percentile(std::vector<double> samples, double p) {
    if (samples.empty()) return 0.0;
    std::sort(samples.begin(), samples.end());
    const double rank = p * static_cast<double>(samples.size());
    const auto index = static_cast<std::size_t>(rank);
    return samples[std::min(index, samples.size() - 1)];
}

inline double median(std::vector<double> samples) {
    return percentile(std::move(samples), 0.5);
}

struct Arguments {
    bool json = false;
    bool enforce = false;
    std::vector<std::pair<std::string, std::uint64_t>> numbers;

    [[nodiscard]] std::uint64_t number(std::string_view flag) const {
        for (const auto& [name, value] : numbers)
            if (name == flag) return value;
        return 0;
    }
};

[[noreturn]] inline void usage(const std::string& program, const Arguments& defaults, std::string_view offender) {
    std::fprintf(stderr, "%s: unknown or incomplete option '%.*s'\nOptions: --json --enforce", program.c_str(),
                 static_cast<int>(offender.size()), offender.data());
    for (const auto& [name, value] : defaults.numbers)
        std::fprintf(stderr, " %s N (%llu)", name.c_str(), static_cast<unsigned long long>(value));
    std::fputc('\n', stderr);
    std::exit(2);
}

// `defaults.numbers` names the flags that take a number, with their defaults.
inline Arguments parse_arguments(int argc, char** argv, Arguments defaults) {
    Arguments out = defaults;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--json") {
            out.json = true;
        } else if (word == "--enforce") {
            out.enforce = true;
        } else {
            const auto found = std::find_if(out.numbers.begin(), out.numbers.end(),
                                            [&](const auto& entry) { return entry.first == word; });
            if (found == out.numbers.end() || i + 1 == argc) usage(argv[0], defaults, word);
            const std::string_view text = argv[++i];
            const auto parsed = std::from_chars(text.data(), text.data() + text.size(), found->second);
            if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) usage(argv[0], defaults, word);
        }
    }
    return out;
}

class Figures {
public:
    Figures(std::string name, const Arguments& arguments) : name_(std::move(name)), arguments_(arguments) {
        double load = 0;
        if (::getloadavg(&load, 1) == 1) add("load_average", load, "");
    }

    void add(const std::string& what, double value, std::string_view unit) {
        if (!arguments_.json)
            std::printf("%-44s %12.3f %.*s\n", what.c_str(), value, static_cast<int>(unit.size()), unit.data());
        json_ += (json_.empty() ? "" : ", ") + ("\"" + what + "\": ") + number(value);
    }
    void at_most(const std::string& what, double value, double limit, std::string_view unit) {
        add(what, value, unit);
        judge(what, value <= limit, limit, "at most", unit);
    }
    void at_least(const std::string& what, double value, double limit, std::string_view unit) {
        add(what, value, unit);
        judge(what, value >= limit, limit, "at least", unit);
    }
    // The measurement itself went wrong.
    void fail(std::string_view why) {
        std::fprintf(stderr, "%s: %.*s\n", name_.c_str(), static_cast<int>(why.size()), why.data());
        failed_ = true;
    }

    // Prints the JSON object where asked, and gives the exit code.
    int finish() {
        if (arguments_.json)
            std::printf("{\"bench\": \"%s\", %s, \"within_budget\": %s}\n", name_.c_str(), json_.c_str(),
                        missed_ == 0 && !failed_ ? "true" : "false");
        return failed_ || (arguments_.enforce && missed_ > 0) ? 1 : 0;
    }

private:
    void judge(const std::string& what, bool met, double limit, const char* relation, std::string_view unit) {
        missed_ += met ? 0 : 1;
        if (!arguments_.json)
            std::printf("  %s: budget %s %.3f %.*s\n", met ? "PASS" : "OVER", relation, limit,
                        static_cast<int>(unit.size()), unit.data());
        json_ += ", \"" + what + "_budget\": " + number(limit);
    }
    static std::string number(double value) {
        char text[64];
        std::snprintf(text, sizeof text, "%.6g", value);
        return text;
    }

    std::string name_;
    Arguments arguments_;
    std::string json_;
    int missed_ = 0;
    bool failed_ = false;
};

}  // namespace grapevine::bench
