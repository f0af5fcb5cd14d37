#include "apps/grapevine/collector_query.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>

#include <boost/json.hpp>

#include "apps/grapevine/query.hpp"
#include "base/encoding.hpp"
#include "console/collector_registry.hpp"
#include "io/http_client.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {
namespace {

constexpr std::string_view kDefaultUrl = "http://127.0.0.1:4318";
constexpr std::size_t kAnswerBytesMax = 64U * 1024U * 1024U;
constexpr std::uint64_t kYearSeconds = 365ULL * 24 * 3600;

struct Where {
    std::string url;
    bool named = false;  // By the user, or by a collector that runs.
};

// What the host of a URL may be made of; it becomes a header of the request.
bool is_host(std::string_view host) {
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return c > ' ' && c <= '~' && std::string_view("/?#@[]").find(c) == std::string_view::npos;
    });
}

base::Result<io::HttpServer> parse_url(std::string_view url) {
    const auto wrong = [&] {
        return base::invalid("collector '" + base::printable(url) + "': is no URL like " + std::string(kDefaultUrl));
    };
    io::HttpServer server;
    server.https = url.starts_with("https://");
    if (!server.https && !url.starts_with("http://")) {
        return wrong();
    }
    std::string_view rest = url.substr(server.https ? 8 : 7);
    rest = rest.substr(0, rest.ends_with('/') ? rest.size() - 1 : rest.size());
    server.port = server.https ? 443 : 80;
    const bool bracketed = rest.starts_with('[');
    const std::size_t host_end = bracketed ? rest.find(']') : rest.find(':');
    const std::size_t colon = bracketed && host_end != std::string_view::npos ? host_end + 1 : host_end;
    server.host = rest.substr(bracketed ? 1 : 0, bracketed ? host_end - 1 : host_end);
    if (colon != std::string_view::npos && colon < rest.size()) {
        const auto port = cli::parse_number("port", rest.substr(colon + 1), 1, 65535);
        if (rest[colon] != ':' || !port) {
            return wrong();
        }
        server.port = static_cast<std::uint16_t>(*port);
    }
    const bool closed = !bracketed || host_end != std::string_view::npos;
    return closed && is_host(server.host) ? base::Result<io::HttpServer>(server) : wrong();
}

Where choose(const cli::Parsed& parsed) {
    if (parsed.has("--collector")) {
        return {parsed.text("--collector"), true};
    }
    if (const char* variable = std::getenv("GRAPEVINE_COLLECTOR"); variable != nullptr && *variable != '\0') {
        return {variable, true};
    }
    const auto registry = console::CollectorRegistry::open();
    const auto running = registry ? registry->list() : std::vector<console::CollectorRecord>{};
    if (running.size() > 1) {
        cli::complain("several collectors run; asking the youngest, " + running.front().url +
                      " (--collector chooses another)");
    }
    return running.empty() ? Where{std::string(kDefaultUrl), false} : Where{running.front().url, true};
}

base::Error error_of(const io::HttpError& error, const Where& where) {
    if (error.failure == io::HttpFailure::timeout) {
        return {base::ErrorCode::busy, "collector: " + error.message};
    }
    if (error.failure != io::HttpFailure::connect && error.failure != io::HttpFailure::resolve) {
        return {base::ErrorCode::failed, "collector: " + error.message};
    }
    return {base::ErrorCode::not_found,
            where.named ? "collector: " + error.message : "no collector runs on this machine; try: grapevine collect"};
}

base::Error error_in(const boost::json::object& answer) {
    const boost::json::value* error = answer.if_contains("error");
    std::string code = "failed";
    std::string message = "collector: refused without a reason";
    if (error != nullptr && error->is_object()) {
        const auto text = [&](std::string_view key, std::string fallback) {
            const boost::json::value* value = error->get_object().if_contains(key);
            return value != nullptr && value->is_string() ? std::string(value->get_string()) : fallback;
        };
        code = text("code", code);
        message = text("message", message);
    }
    using base::ErrorCode;
    return {code == "invalid"     ? ErrorCode::invalid
            : code == "not_found" ? ErrorCode::not_found
            : code == "denied"    ? ErrorCode::denied
            : code == "busy"      ? ErrorCode::busy
                                  : ErrorCode::failed,
            message};
}

base::Result<boost::json::object> object_of(const io::HttpAnswer& answer, const std::string& url) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(answer.body, error);
    if (error || !value.is_object()) {
        return base::fail("collector: " + base::printable(url) + " answers, but is no grapevine collector");
    }
    if (answer.status != 200) {
        return tl::unexpected(error_in(value.get_object()));
    }
    return value.get_object();
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

struct Unit {
    std::string_view suffix;
    std::uint64_t size;
};

// A number with one of the units, as a multiple of the smallest.
template <std::size_t count>
std::optional<std::uint64_t> with_unit(std::string_view text, const std::array<Unit, count>& units,
                                       std::uint64_t most) {
    for (const Unit& unit : units) {
        if (text.ends_with(unit.suffix)) {
            const auto number =
                cli::parse_number("", text.substr(0, text.size() - unit.suffix.size()), 1, most / unit.size);
            if (number) {
                return *number * unit.size;
            }
        }
    }
    return std::nullopt;
}

}  // namespace

void append_collector_flags(std::vector<cli::Flag>& flags) {
    flags.push_back({"--collector",
                     cli::Arity::one,
                     "URL",
                     "ask this collector (default: the youngest of yours that runs here, else http://127.0.0.1:4318)",
                     {},
                     "GRAPEVINE_COLLECTOR"});
    flags.push_back({"--timeout", cli::Arity::one, "SECONDS", "give up after this long (default 10)"});
    flags.push_back({"--json", cli::Arity::none, "", "one JSON object, as the collector gives it"});
}

base::Result<std::string> collector_url(const cli::Parsed& parsed) {
    Where where = choose(parsed);
    const auto server = parse_url(where.url);
    return server ? base::Result<std::string>(std::move(where.url)) : tl::unexpected(server.error());
}

base::Result<boost::json::object> ask_collector(const cli::Parsed& parsed, const std::string& target) {
    const auto timeout = query_timeout(parsed);
    if (!timeout) {
        return tl::unexpected(timeout.error());
    }
    const Where where = choose(parsed);
    const auto server = parse_url(where.url);
    if (!server) {
        return tl::unexpected(server.error());
    }
    io::Runtime runtime;
    io::HttpClient client(runtime, *server);
    io::HttpRequest request;
    request.path = target;
    request.timeout = *timeout;
    request.answer_bytes_max = kAnswerBytesMax;
    std::optional<io::HttpResult> result;
    client.request(request, [&](io::HttpResult came) {
        result = std::move(came);
        runtime.stop();
    });
    runtime.run();
    if (!result || !*result) {
        return tl::unexpected(result ? error_of(result->error(), where)
                                     : base::Error{base::ErrorCode::failed, "collector: no answer"});
    }
    return object_of(**result, where.url);
}

std::string path_segment(std::string_view text) {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
        }
    }
    return out;
}

void append_parameter(std::string& target, std::string_view name, std::string_view value) {
    if (!value.empty()) {
        target += (target.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + path_segment(value);
    }
}

base::Result<base::Duration> parse_time(std::string_view flag, std::string_view text) {
    static constexpr std::uint64_t kSecond = 1'000'000;
    static constexpr std::array<Unit, 6> kUnits{
        {{"us", 1}, {"ms", 1000}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", 86400 * kSecond}}};
    const auto microseconds = with_unit(text, kUnits, kYearSeconds * kSecond);
    if (!microseconds) {
        return base::invalid(std::string(flag) + ": '" + base::printable(text) +
                             "' is no time: a number with us, ms, s, m, h or d, at most a year");
    }
    return base::Duration(std::chrono::microseconds(static_cast<std::int64_t>(*microseconds)));
}

base::Result<std::uint64_t> parse_size(std::string_view flag, std::string_view text) {
    static constexpr std::array<Unit, 8> kUnits{{{"KiB", 1ULL << 10U},
                                                 {"MiB", 1ULL << 20U},
                                                 {"GiB", 1ULL << 30U},
                                                 {"kB", 1000},
                                                 {"MB", 1'000'000},
                                                 {"GB", 1'000'000'000},
                                                 {"B", 1},
                                                 {"", 1}}};
    const auto bytes = with_unit(text, kUnits, 1ULL << 50U);
    return bytes ? base::Result<std::uint64_t>(*bytes)
                 : base::invalid(std::string(flag) + ": '" + base::printable(text) +
                                 "' is no size, as in 64MiB, 500MB or 1GiB");
}

}  // namespace grapevine::apps
