#pragma once

// What the decoders of the three signals share: the limits and counts of one request, and the way down to its items.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/decode.hpp"
#include "otlp/reader.hpp"

namespace grapevine::otlp {

// One request being decoded.
class Intake {
public:
    explicit Intake(const DecodeLimits& limits) : limits_(limits) {}

    [[nodiscard]] const DecodeLimits& limits() const { return limits_; }
    [[nodiscard]] Problem& problem() { return problem_; }
    [[nodiscard]] const Problem& problem() const { return problem_; }

    // Whether one more item may come; refuses it otherwise.
    bool has_room();
    // Takes an item that needs so many bytes in memory; refuses it if that is too much.
    bool admit(std::size_t bytes);
    // `item` is its name, if it has one.
    void refuse(std::string_view what, std::string_view item, std::string_view why);
    void cut(std::uint64_t count) { cut_ += count; }

    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    [[nodiscard]] std::uint64_t cut() const { return cut_; }
    [[nodiscard]] const std::string& reason() const { return reason_; }

private:
    const DecodeLimits& limits_;
    Problem problem_;
    std::size_t items_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t cut_ = 0;
    std::string reason_;
};

// `text` within limits.text_bytes_max.
std::string limited(Intake& intake, std::string_view text);

// In hex; empty if it has another length or is all zero.
template <std::size_t Bytes>
std::string hex_id(std::string_view bytes);
extern template std::string hex_id<8>(std::string_view bytes);
extern template std::string hex_id<16>(std::string_view bytes);
inline constexpr std::size_t kTraceIdBytes = 16;
inline constexpr std::size_t kSpanIdBytes = 8;

void read_resource(Intake& intake, std::string_view bytes, ResourceRow& out);

// Nearly what a row holds beside itself.
std::size_t bytes_of(const RowAttributes& attributes);

base::Status check_body(std::string_view signal, std::string_view body, const DecodeLimits& limits);

// The items of one resource; read_item(Intake&, bytes, resource index, rows) appends what becomes of one of them.
template <typename Row, typename ReadItem>
void read_resource_items(Intake& intake, std::string_view bytes, Decoded<Row>& out, const ReadItem& read_item) {
    ResourceRow resource;
    const std::size_t rows_before = out.rows.size();
    Message message("resource_items", bytes, intake.problem());
    while (message.next()) {
        switch (message.field<ResourceItemsField>()) {
            case ResourceItemsField::resource: read_resource(intake, message.bytes("resource"), resource); break;
            case ResourceItemsField::scopes: {
                Message scope("scope_items", message.bytes("scopes"), intake.problem());
                while (scope.next()) {
                    if (scope.field<ScopeItemsField>() == ScopeItemsField::items) {
                        read_item(intake, scope.bytes("items"), out.resources.size(), out.rows);
                    } else {
                        scope.skip();
                    }
                }
                break;
            }
            default: message.skip();
        }
    }
    // A resource without rows is of no use to anybody, and would be a way to fill memory.
    if (out.rows.size() > rows_before) out.resources.push_back(std::move(resource));
}

template <typename Row, typename ReadItem>
base::Result<Decoded<Row>> decode_request(std::string_view signal, std::string_view body, const DecodeLimits& limits,
                                          const ReadItem& read_item) {
    if (auto checked = check_body(signal, body, limits); !checked) return tl::unexpected(checked.error());
    Intake intake(limits);
    Decoded<Row> out;
    Message request("request", body, intake.problem());
    while (request.next()) {
        if (request.field<RequestField>() == RequestField::resources) {
            read_resource_items(intake, request.bytes("resources"), out, read_item);
        } else {
            request.skip();
        }
    }
    if (intake.problem().found()) return base::invalid("OTLP " + std::string(signal) + ": " + intake.problem().text);
    out.refused = intake.refused();
    out.cut = intake.cut();
    out.reason = intake.reason();
    return out;
}

}  // namespace grapevine::otlp
