#include "directory/names.hpp"

#include <algorithm>
#include <iterator>

#include "wire/names.hpp"

namespace grapevine::directory {

namespace {

std::size_t common_digits(const base::EndpointId& a, const base::EndpointId& b) {
    std::size_t i = 0;
    while (i < base::kIdBytes && a.bytes[i] == b.bytes[i])
        ++i;
    if (i == base::kIdBytes) return 2 * i;
    const bool high_equal = (a.bytes[i] >> 4U) == (b.bytes[i] >> 4U);
    return 2 * i + (high_equal ? 1 : 0);
}

}  // namespace

void Names::erase(const std::string& type, const base::EndpointId& id) {
    const auto ids = by_type_.find(type);
    if (ids == by_type_.end()) return;
    ids->second.erase(id);
    if (ids->second.empty()) by_type_.erase(ids);
}

// Ids are ordered, so only an id's two neighbours in that order can share most digits with it.
std::string Names::name_of(std::string_view mesh, const std::string& type, const base::EndpointId& id) const {
    std::size_t digits = wire::kNameDigits;
    if (const auto ids = by_type_.find(type); ids != by_type_.end()) {
        const auto at = ids->second.lower_bound(id);
        if (at != ids->second.begin()) digits = std::max(digits, common_digits(*std::prev(at), id) + 1);
        const auto after = at != ids->second.end() && *at == id ? std::next(at) : at;
        if (after != ids->second.end()) digits = std::max(digits, common_digits(*after, id) + 1);
    }
    return std::string(mesh) + "." + type + "." + id.short_hex(digits);
}

std::vector<base::EndpointId> Names::matching(std::string_view type, std::string_view digits, std::size_t limit) const {
    std::vector<base::EndpointId> result;
    const auto ids = by_type_.find(type);
    if (ids == by_type_.end()) return result;
    for (auto at = ids->second.lower_bound(first_with(digits)); at != ids->second.end(); ++at) {
        if (result.size() >= limit || !wire::begins_with(*at, digits)) break;
        result.push_back(*at);
    }
    return result;
}

std::vector<base::EndpointId> Names::of_type(std::string_view type) const {
    const auto ids = by_type_.find(type);
    if (ids == by_type_.end()) return {};
    return {ids->second.begin(), ids->second.end()};
}

base::EndpointId first_with(std::string_view digits) {
    std::string padded(digits.substr(0, 2 * base::kIdBytes));
    padded.resize(2 * base::kIdBytes, '0');
    const auto id = base::EndpointId::parse(padded);
    return id ? *id : base::EndpointId{};
}

}  // namespace grapevine::directory
