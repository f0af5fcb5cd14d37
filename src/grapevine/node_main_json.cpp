#include "grapevine/node_main_json.hpp"

#include <boost/json/serialize.hpp>
#include <boost/nowide/utf/convert.hpp>

namespace grapevine::cli {

boost::json::string json_text(std::string_view text) {
    const std::string valid = boost::nowide::utf::convert_string<char>(text.data(), text.data() + text.size());
    return boost::json::string(valid.data(), valid.size());
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
