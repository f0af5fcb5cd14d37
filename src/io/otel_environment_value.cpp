#include "io/otel_environment_value.hpp"

#include <algorithm>
#include <charconv>

#include "base/utf8.hpp"

namespace grapevine::io {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != 0x7f; });
}

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(by);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::optional<std::uint64_t> parse_otel_number(std::string_view text) {
    text = trim_blanks(text);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> parse_otel_ratio(std::string_view text) {
    text = trim_blanks(text);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (!(value >= 0.0 && value <= 1.0)) return std::nullopt;
    return value;
}

std::vector<std::string> parse_otel_list(std::string_view text) {
    std::vector<std::string> words;
    for (const std::string_view part : split(text, ','))
        if (const std::string_view word = trim_blanks(part); !word.empty()) words.push_back(lower_case(word));
    return words;
}

std::optional<std::string> decode_percent(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

base::Result<OtelPairs> parse_otel_pairs(std::string_view text, std::size_t pairs_max) {
    OtelPairs pairs;
    std::size_t number = 0;
    for (const std::string_view part : split(text, ',')) {
        ++number;
        const std::string_view pair = trim_blanks(part);
        if (pair.empty()) continue;  // A comma at the end.
        const std::string where = "pair " + std::to_string(number) + ": ";
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) return base::invalid(where + "has no '='");
        const auto key = decode_percent(trim_blanks(pair.substr(0, equals)));
        const auto value = decode_percent(trim_blanks(pair.substr(equals + 1)));
        if (!key || !value) return base::invalid(where + "'%' must be followed by two hex digits");
        if (key->empty()) return base::invalid(where + "has no key");
        if (!base::is_utf8(*key) || !base::is_utf8(*value)) return base::invalid(where + "is not UTF-8");
        if (pairs.size() == pairs_max) return base::invalid("more than " + std::to_string(pairs_max) + " pairs");
        pairs.emplace_back(*key, *value);
    }
    return pairs;
}

namespace {

// "host", "host:port", "1.2.3.4:port", "[v6]:port" into `url`, which has its default port.
base::Status parse_authority(std::string_view text, OtelUrl& url) {
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return base::invalid("'[' has no ']'");
        url.host = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (!text.empty() && text.front() != ':') return base::invalid("']' is followed by no port");
        port = text;
    } else {
        const std::size_t colon = text.find(':');
        url.host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    }
    constexpr std::size_t kHostBytesMax = 255;
    if (url.host.empty() || url.host.size() > kHostBytesMax) return base::invalid("has no host, or one over 255 bytes");
    if (port.size() <= 1) return {};  // "host:" is allowed (RFC 3986, section 3.2.3).
    const auto number = parse_otel_number(port.substr(1));
    if (!number || *number == 0 || *number > 65535) return base::invalid("the port is not a number from 1 to 65535");
    url.port = static_cast<std::uint16_t>(*number);
    return {};
}

}  // namespace

base::Result<OtelUrl> parse_otel_url(std::string_view text) {
    text = trim_blanks(text);
    OtelUrl url;
    const std::size_t colon = text.find("://");
    const std::string scheme = lower_case(text.substr(0, colon == std::string_view::npos ? 0 : colon));
    if (scheme != "http" && scheme != "https") return base::invalid("must begin with http:// or https://");
    if (!is_visible(text)) return base::invalid("has a blank, a control character or a letter outside ASCII");
    url.https = scheme == "https";
    url.port = url.https ? 443 : 80;
    text = text.substr(colon + 3);
    text = text.substr(0, text.find('#'));
    const std::size_t path = std::min(text.find('/'), text.find('?'));
    const std::string_view authority = text.substr(0, path);
    if (authority.find('@') != std::string_view::npos)
        return base::invalid("has a user or password, which belong into the headers");
    if (auto status = parse_authority(authority, url); !status) return tl::unexpected(status.error());
    url.path = path == std::string_view::npos ? std::string() : std::string(text.substr(path));
    if (!url.path.starts_with('/')) url.path.insert(0, 1, '/');
    url.has_path = url.path != "/";
    return url;
}

}  // namespace grapevine::io
