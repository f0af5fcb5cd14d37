#pragma once

// Which nodes are shown: words, all of which must hold. `mesh:NAME` and `type:NAME` are compared whole; `state:` takes
// a name of Trouble, `trouble` (whatever is not well, and has not left) or `well`; any other word is a part of the name
// or of an address, or the beginning of the id, whatever its case.

#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/top/picture.hpp"
#include "base/result.hpp"

namespace grapevine::apps {

class TopFilter {
public:
    static constexpr std::size_t kBytesMax = 200;

    TopFilter() = default;
    // Errors: a state that there is not, naming those that there are; longer than kBytesMax.
    static base::Result<TopFilter> parse(std::string_view text);

    [[nodiscard]] bool passes(const TopNode& node) const;
    // Of an event its mesh, and the words in its text; the other terms say nothing of events.
    [[nodiscard]] bool passes(const console::TimelineEvent& event) const;
    [[nodiscard]] bool empty() const { return text_.empty(); }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    std::vector<std::string> meshes_, types_, states_, words_;
};

}  // namespace grapevine::apps
