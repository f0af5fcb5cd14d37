#include "console/http_message.hpp"

#include <algorithm>
#include <cctype>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/socket_addr.hpp"
#include "base/utf8.hpp"

namespace grapevine::console {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string_view reason_code(unsigned status) {
    switch (status) {
        case 400:
        case 405:
        case 409:
        case 415: return "invalid";
        case 401:
        case 403: return "denied";
        case 404:
        case 410: return "not_found";
        case 413:
        case 429:
        case 431: return "exhausted";
        case 408:
        case 504: return "timed_out";
        case 503: return "busy";
        default: return "failed";
    }
}

}  // namespace

std::string media_type(std::string_view value) {
    std::string type = lower(value.substr(0, value.find(';')));
    type.erase(0, std::min(type.find_first_not_of(" \t"), type.size()));
    type.erase(type.find_last_not_of(" \t") + 1);
    return type;
}

bool is_local_host(std::string_view host) {
    const bool bracketed = host.starts_with('[');
    const std::size_t colon = bracketed ? host.find(':', host.find(']')) : host.find(':');
    const std::string name = lower(host.substr(0, colon));
    return name == "localhost" || base::SocketAddr::parse(name + ":1").has_value();
}

std::string_view HttpRequest::parameter(std::string_view name) const {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const auto& parameter) { return parameter.first == name; });
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

HttpResponse http_error(unsigned status, std::string_view message, std::string_view field) {
    boost::json::object error;
    error["code"] = reason_code(status);
    error["message"] = base::repaired_utf8(message);
    if (!field.empty()) {
        error["field"] = base::repaired_utf8(field);
    }
    boost::json::object body;
    body["error"] = std::move(error);
    HttpResponse out;
    out.status = status;
    out.body = boost::json::serialize(body);
    return out;
}

}  // namespace grapevine::console
