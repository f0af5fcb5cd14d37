#pragma once

// Keys from the bytes that a terminal sends: ECMA-48 control sequences as xterm and its like have them.
//
// Rules
//  1. A sequence that is cut goes on with the next bytes, at most kSequenceMax long; one that is not known is nothing.
//  2. An ESC with nothing behind it in what was read is the key Escape: terminals send a sequence in one piece.
//  3. A pasted or typed character is text if it is printable; other control characters are nothing.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/top/model.hpp"

namespace grapevine::apps {

class TopKeys {
public:
    static constexpr std::size_t kSequenceMax = 32;

    void feed(std::string_view bytes, std::vector<TopKey>& out);

private:
    // How many bytes at the front are one thing; 0: it is cut.
    std::size_t take(std::string_view bytes, std::vector<TopKey>& out);
    std::string rest_;
};

}  // namespace grapevine::apps
