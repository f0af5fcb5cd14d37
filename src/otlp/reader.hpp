#pragma once

// A protobuf message being read, field by field, with errors that name the field and end the reading.
//
// Rules
//  1. The first error ends the reading of this message and of all that share the Problem: next() says false, values are
//     zero. Whoever reads needs to look at the Problem once, at the end.
//  2. A known field of another wire type than it has is an error (the official parsers take it for an unknown field,
//     and so lose it in silence).
//  3. Strings are valid UTF-8 (proto3). Groups, which proto3 does not have, are errors.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include "otlp/fields.hpp"

namespace grapevine::otlp {

// "span.name: not UTF-8"; empty: none.
struct Problem {
    std::string text;
    [[nodiscard]] bool found() const { return !text.empty(); }
};

// `name` and the names of fields have static storage; `bytes` and `problem` outlive it.
class Message {
public:
    Message(std::string_view name, std::string_view bytes, Problem& problem)
        : name_(name), reader_(bytes.data(), bytes.size()), problem_(problem) {}

    // On to the next field; false at the end and after an error. Each field has to be read or skipped.
    bool next();
    template <typename Field>
    [[nodiscard]] Field field() const {
        return static_cast<Field>(reader_.tag());
    }
    void skip();
    std::uint64_t fixed64(std::string_view field);
    std::uint64_t varint(std::string_view field);
    double real(std::string_view field);
    std::string_view bytes(std::string_view field);  // Also of a message.
    std::string_view text(std::string_view field);
    // One element of a repeated fixed64 or double field, or, packed, all of them. Appends.
    void fixed64_list(std::string_view field, std::vector<std::uint64_t>& out);
    void real_list(std::string_view field, std::vector<double>& out);

private:
    [[nodiscard]] bool has_type(protozero::pbf_wire_type type, std::string_view field);
    void fail(std::string_view field, std::string_view why);
    template <typename T>
    void read_list(std::string_view field, std::vector<T>& out);
    template <typename Read>
    auto guarded(std::string_view field, const Read& read) -> decltype(read());

    std::string_view name_;
    protozero::pbf_reader reader_;
    Problem& problem_;
};

}  // namespace grapevine::otlp
