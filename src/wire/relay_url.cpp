// RelayUrl::parse: the normal form of an http or https URL as far as a relay's URL needs it (WHATWG URL, section 4).

#include <charconv>
#include <cstdint>
#include <optional>

#include "base/encoding.hpp"
#include "wire/addr.hpp"

namespace grapevine::wire {

namespace {

struct Scheme {
    std::string_view prefix;
    std::uint16_t default_port;
};
constexpr Scheme kHttp{"http://", 80};
constexpr Scheme kHttps{"https://", 443};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool only_visible_ascii(std::string_view text) {
    for (const char c : text) {
        if (c <= 0x20 || c >= 0x7f || c == '\\') return false;
    }
    return true;
}

bool host_is_well_formed(std::string_view host) {
    if (host.starts_with('[')) return host.size() > 2 && host.find(']') == host.size() - 1;
    return !host.empty() && host.find_first_of(":[]<>^|%") == std::string_view::npos;
}

// ":<port>" in normal form, or nothing for an empty or default port; nullopt when it is no port.
std::optional<std::string> normal_port(std::string_view text, const Scheme& scheme) {
    if (text.empty()) return std::string();
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port == scheme.default_port ? std::string() : ':' + std::to_string(port);
}

std::optional<std::string> normal_authority(std::string_view authority, const Scheme& scheme) {
    const std::size_t at = authority.rfind('@');
    const std::size_t start = at == std::string_view::npos ? 0 : at + 1;
    const std::string_view place = authority.substr(start);
    const std::size_t colon = place.find(':', place.starts_with('[') ? place.find(']') : 0);
    const std::string_view host = place.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? std::string_view() : place.substr(colon + 1);
    const auto suffix = normal_port(port, scheme);
    if (!host_is_well_formed(host) || !suffix) return std::nullopt;
    return std::string(authority.substr(0, start)) + lower(host) + *suffix;
}

std::optional<std::string> normal_url(std::string_view text, const Scheme& scheme) {
    const std::string_view rest = text.substr(scheme.prefix.size());
    const std::size_t end = rest.find_first_of("/?#");
    const auto authority = normal_authority(rest.substr(0, end), scheme);
    if (!authority) return std::nullopt;
    std::string path(end == std::string_view::npos ? std::string_view() : rest.substr(end));
    if (!path.starts_with('/')) path.insert(path.begin(), '/');
    return std::string(scheme.prefix) + *authority + path;
}

}  // namespace

base::Result<RelayUrl> RelayUrl::parse(std::string_view text) {
    const auto refuse = [&](std::string_view rule) {
        return base::invalid("relay url '" + base::printable(text) + "': " + std::string(rule));
    };
    if (text.size() > kRelayUrlBytesMax)
        return refuse("longer than " + std::to_string(kRelayUrlBytesMax) + " characters");
    if (!only_visible_ascii(text)) return refuse("must be visible ASCII");
    const std::string head = lower(text.substr(0, kHttps.prefix.size()));
    const bool https = head.starts_with(kHttps.prefix);
    if (!https && !head.starts_with(kHttp.prefix)) return refuse("must begin with http:// or https://");
    auto normal = normal_url(text, https ? kHttps : kHttp);
    if (!normal) return refuse("must be http[s]://HOST[:PORT][/PATH]");
    if (normal->size() > kRelayUrlBytesMax)
        return refuse("longer than " + std::to_string(kRelayUrlBytesMax) + " characters");
    return RelayUrl{*std::move(normal)};
}

}  // namespace grapevine::wire
