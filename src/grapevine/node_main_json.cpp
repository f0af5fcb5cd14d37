#include "grapevine/node_main_json.hpp"

#include <boost/json/serialize.hpp>

#include "base/utf8.hpp"

namespace grapevine::cli {

boost::json::string json_text(std::string_view text) {
    const base::SafeText valid(text);
    return boost::json::string(valid.view().data(), valid.view().size());
}

boost::json::array json_texts(const std::vector<std::string>& texts) {
    boost::json::array out;
    for (const std::string& text : texts) {
        out.emplace_back(json_text(text));
    }
    return out;
}

std::string json_line(const boost::json::object& object) {
    return boost::json::serialize(object) + "\n";
}

}  // namespace grapevine::cli
