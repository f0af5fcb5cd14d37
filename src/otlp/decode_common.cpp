#include "otlp/decode_common.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/utf8.hpp"
#include "otlp/decode_value.hpp"

namespace grapevine::otlp {

std::string_view ResourceRow::find(std::string_view key) const {
    const auto at = std::find_if(attributes.begin(), attributes.end(),
                                 [&](const RowAttribute& attribute) { return attribute.key == key; });
    return at == attributes.end() ? std::string_view{} : std::string_view(at->value);
}

bool Intake::has_room() {
    if (items_ < limits_.items_max) return true;
    refuse("request", {}, "more than " + std::to_string(limits_.items_max) + " items");
    return false;
}

bool Intake::admit(std::size_t bytes) {
    if (!has_room()) return false;
    if (bytes > limits_.decoded_bytes_max - bytes_) {
        refuse("request", {}, "more than " + std::to_string(limits_.decoded_bytes_max) + " bytes when decoded");
        return false;
    }
    ++items_;
    bytes_ += bytes;
    return true;
}

void Intake::refuse(std::string_view what, std::string_view item, std::string_view why) {
    ++refused_;
    if (!reason_.empty()) return;
    reason_ = std::string(what);
    if (!item.empty()) reason_ += " '" + base::printable(item) + "'";
    reason_.append(": ").append(why);
}

std::string limited(Intake& intake, std::string_view text) {
    const std::string_view kept = base::cut_utf8(text, intake.limits().text_bytes_max);
    intake.cut(text.size() - kept.size());
    return std::string(kept);
}

template <std::size_t Bytes>
std::string hex_id(std::string_view bytes) {
    const auto is_zero = [](char byte) { return byte == 0; };
    if (bytes.size() != Bytes || std::all_of(bytes.begin(), bytes.end(), is_zero)) return {};
    return base::hex_encode(base::as_bytes(bytes));
}
template std::string hex_id<8>(std::string_view bytes);
template std::string hex_id<16>(std::string_view bytes);

void read_resource(Intake& intake, std::string_view bytes, ResourceRow& out) {
    Message message("resource", bytes, intake.problem());
    while (message.next()) {
        if (message.field<ResourceField>() == ResourceField::attributes) {
            read_attribute(intake, message.bytes("attributes"), out.attributes);
        } else {
            message.skip();
        }
    }
}

std::size_t bytes_of(const RowAttributes& attributes) {
    std::size_t bytes = 0;
    for (const RowAttribute& attribute : attributes) {
        bytes += sizeof attribute + attribute.key.size() + attribute.value.size();
    }
    return bytes;
}

base::Status check_body(std::string_view signal, std::string_view body, const DecodeLimits& limits) {
    if (body.size() <= limits.body_bytes_max) return {};
    return base::fail(base::ErrorCode::exhausted, "OTLP " + std::string(signal) + ": a body of " +
                                                      std::to_string(body.size()) + " bytes, more than " +
                                                      std::to_string(limits.body_bytes_max));
}

}  // namespace grapevine::otlp
