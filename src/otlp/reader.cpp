#include "otlp/reader.hpp"

#include <bit>
#include <cstddef>

#include <protozero/exception.hpp>

#include "base/utf8.hpp"

namespace grapevine::otlp {

void Message::fail(std::string_view field, std::string_view why) {
    if (problem_.found()) return;
    problem_.text = std::string(name_);
    if (!field.empty()) problem_.text.append(".").append(field);
    problem_.text.append(": ").append(why);
}

// The library's exceptions stop here.
template <typename Read>
auto Message::guarded(std::string_view field, const Read& read) -> decltype(read()) {
    if (problem_.found()) return {};
    try {
        return read();
    } catch (const protozero::end_of_buffer_exception&) {
        fail(field, "truncated");
    } catch (const protozero::varint_too_long_exception&) {
        fail(field, "a varint of more than ten bytes");
    } catch (const protozero::unknown_pbf_wire_type_exception&) {
        fail(field, "a field of a wire type that does not exist");
    } catch (const protozero::invalid_tag_exception&) {
        fail(field, "a field of a number that does not exist");
    } catch (const protozero::exception& error) {
        fail(field, error.what());
    }
    return {};
}

bool Message::next() {
    return guarded({}, [this] { return reader_.next(); });
}

void Message::skip() {
    guarded("unknown field", [this] {
        reader_.skip();
        return true;
    });
}

bool Message::has_type(protozero::pbf_wire_type type, std::string_view field) {
    if (reader_.wire_type() == type) return true;
    fail(field, "wrong wire type " + std::to_string(static_cast<unsigned>(reader_.wire_type())));
    return false;
}

std::uint64_t Message::fixed64(std::string_view field) {
    if (!has_type(protozero::pbf_wire_type::fixed64, field)) return 0;
    return guarded(field, [this] { return reader_.get_fixed64(); });
}

double Message::real(std::string_view field) {
    return std::bit_cast<double>(fixed64(field));
}

std::uint64_t Message::varint(std::string_view field) {
    if (!has_type(protozero::pbf_wire_type::varint, field)) return 0;
    return guarded(field, [this] { return reader_.get_uint64(); });
}

std::string_view Message::bytes(std::string_view field) {
    if (!has_type(protozero::pbf_wire_type::length_delimited, field)) return {};
    return guarded(field, [this] {
        const protozero::data_view view = reader_.get_view();
        return std::string_view(view.data(), view.size());
    });
}

std::string_view Message::text(std::string_view field) {
    const std::string_view view = bytes(field);
    if (base::is_utf8(view)) return view;
    fail(field, "not UTF-8");
    return {};
}

template <typename T>
void Message::read_list(std::string_view field, std::vector<T>& out) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) {
        out.push_back(std::bit_cast<T>(fixed64(field)));
        return;
    }
    const std::string_view packed = bytes(field);
    if (packed.size() % sizeof(T) != 0) return fail(field, "packed values of a wrong length");
    for (std::size_t at = 0; at < packed.size(); at += sizeof(T)) {
        std::uint64_t value = 0;
        for (std::size_t i = sizeof(T); i > 0; --i) {
            value = (value << 8U) | static_cast<std::uint8_t>(packed[at + i - 1]);
        }
        out.push_back(std::bit_cast<T>(value));
    }
}

void Message::fixed64_list(std::string_view field, std::vector<std::uint64_t>& out) {
    read_list(field, out);
}

void Message::real_list(std::string_view field, std::vector<double>& out) {
    read_list(field, out);
}

}  // namespace grapevine::otlp
