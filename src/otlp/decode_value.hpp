#pragma once

// AnyValue and KeyValue to what a row keeps of them.
//
// Rules
//  1. Texts stay as they are; all else becomes JSON (RFC 8259), which stays valid JSON when it is cut: elements that do
//     not fit into text_bytes_max are left out, strings in it are shortened.
//  2. An array or map within depth_max others is null instead.

#include <string>
#include <string_view>

#include "otlp/decode_common.hpp"

namespace grapevine::otlp {

struct RowValue {
    std::string value;
    bool is_text = true;
};
RowValue read_value(Intake& intake, std::string_view bytes);

// Appends one KeyValue; one without a key, or beyond attributes_max, is cut.
void read_attribute(Intake& intake, std::string_view bytes, RowAttributes& out);

}  // namespace grapevine::otlp
