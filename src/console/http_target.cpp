#include "console/http_target.hpp"

#include <optional>

namespace grapevine::console {
namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
    return std::nullopt;
}

enum class Plus : bool { literal, space };

std::optional<std::string> decoded(std::string_view text, Plus plus) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
            const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
            if (!high || !low || *high * 16U + *low == 0) {
                return std::nullopt;
            }
            out += static_cast<char>(*high * 16U + *low);
            i += 2;
        }
    }
    return out;
}

base::Status parse_parameters(std::string_view text, HttpTarget& out) {
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view item = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (item.empty()) {
            continue;
        }
        const std::size_t equals = item.find('=');
        auto name = decoded(item.substr(0, equals), Plus::space);
        auto value = decoded(equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1),  //
                             Plus::space);
        if (!name || !value) {
            return base::invalid("target: a broken escape in the query");
        }
        if (out.parameters.size() == HttpTarget::kParametersMax) {
            return base::invalid("target: more than " + std::to_string(HttpTarget::kParametersMax) + " parameters");
        }
        out.parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return {};
}

}  // namespace

base::Result<HttpTarget> HttpTarget::parse(std::string_view text) {
    if (text.size() > kBytesMax) {
        return base::invalid("target: longer than " + std::to_string(kBytesMax) + " bytes");
    }
    if (!text.starts_with('/') || text.find('\0') != std::string_view::npos) {
        return base::invalid("target: is no absolute path");
    }
    const std::size_t question = text.find('?');
    auto path = decoded(text.substr(0, question), Plus::literal);
    if (!path) {
        return base::invalid("target: a broken escape in the path");
    }
    HttpTarget out;
    out.path = std::move(*path);
    if (question != std::string_view::npos) {
        if (auto parsed = parse_parameters(text.substr(question + 1), out); !parsed) {
            return tl::unexpected(parsed.error());
        }
    }
    return out;
}

}  // namespace grapevine::console
