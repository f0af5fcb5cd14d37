#include "apps/grapevine/top/filter.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace grapevine::apps {
namespace {

constexpr std::array kTroubles{Trouble::dead,        Trouble::suspected, Trouble::wedged,
                               Trouble::over_budget, Trouble::unknown,   Trouble::ended,
                               Trouble::changing,    Trouble::well,      Trouble::left};

// ASCII alone: what else names hold is compared as it is.
std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); });
    return out;
}

bool begins(std::string_view name, std::string_view beginning) {
    return name.starts_with(beginning);
}

bool is_state(std::string_view word) {
    return begins("trouble", word) || begins("well", word) ||
           std::any_of(kTroubles.begin(), kTroubles.end(),
                       [&](Trouble trouble) { return begins(name(trouble), word); });
}

bool holds(const std::string& state, Trouble trouble) {
    return begins(name(trouble), state) || (trouble == Trouble::well && begins("well", state)) ||
           (trouble != Trouble::well && trouble != Trouble::left && begins("trouble", state));
}

bool all_are(const std::vector<std::string>& wanted, const std::string& value) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) { return one == value; });
}

bool has_word(const TopNode& node, const std::string& word) {
    const console::Digest& digest = node.row.digest;
    return lower(digest.name).find(word) != std::string::npos || node.id.hex().starts_with(word) ||
           std::any_of(digest.addrs.begin(), digest.addrs.end(),
                       [&](const std::string& addr) { return lower(addr).find(word) != std::string::npos; });
}

}  // namespace

base::Result<TopFilter> TopFilter::parse(std::string_view text) {
    if (text.size() > kBytesMax) {
        return base::invalid("filter: longer than " + std::to_string(kBytesMax) + " bytes");
    }
    TopFilter out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = text.find_first_not_of(' ', at);
        if (begin == std::string_view::npos) {
            break;
        }
        at = std::min(text.find(' ', begin), text.size());
        const std::string word(text.substr(begin, at - begin));
        out.text_ += (out.text_.empty() ? "" : " ") + word;
        if (word.starts_with("mesh:")) {
            out.meshes_.push_back(word.substr(5));
        } else if (word.starts_with("type:")) {
            out.types_.push_back(word.substr(5));
        } else if (word.starts_with("state:")) {
            out.states_.push_back(word.substr(6));
            if (!is_state(out.states_.back())) {
                return base::invalid(
                    "filter: state: is one of trouble, well, dead, suspected, wedged, over, unknown, ended, starting, "
                    "left");
            }
        } else {
            out.words_.push_back(lower(word));
        }
    }
    return out;
}

bool TopFilter::passes(const TopNode& node) const {
    const auto in_state = [&](const std::string& state) { return holds(state, node.trouble); };
    const auto found = [&](const std::string& word) { return has_word(node, word); };
    return all_are(meshes_, node.row.digest.mesh) && all_are(types_, node.row.digest.type) &&
           std::all_of(states_.begin(), states_.end(), in_state) && std::all_of(words_.begin(), words_.end(), found);
}

bool TopFilter::passes(const console::TimelineEvent& event) const {
    const std::string text = lower(event.text);
    return all_are(meshes_, event.mesh) && std::all_of(words_.begin(), words_.end(), [&](const std::string& word) {
               return text.find(word) != std::string::npos;
           });
}

}  // namespace grapevine::apps
