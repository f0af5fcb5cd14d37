#include "telemetry/record_packing.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/assert.hpp"

namespace grapevine::telemetry {

namespace {

// Each object by its bytes, text and lists after their count. One function a type writes as well as reads, with
// `Writer` or `Reader`, so that the two cannot come apart.
class Writer {
public:
    explicit Writer(base::Bytes& out) : out_(out) {}

    template <typename T>
    void plain(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        append(static_cast<const void*>(&value), sizeof(T));  // NOLINT(bugprone-sizeof-expression): also pointers.
    }
    void text(const std::string& value) {
        plain(static_cast<std::uint32_t>(value.size()));
        append(value.data(), value.size());
    }
    void value(const Value& value) {
        plain(static_cast<std::uint8_t>(value.index()));
        std::visit(
            [this](const auto& held) {
                if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::string>)
                    text(held);
                else
                    plain(held);
            },
            value);
    }
    template <typename T>
    void count(const std::vector<T>& list) {
        plain(static_cast<std::uint32_t>(list.size()));
    }

private:
    void append(const void* data, std::size_t size) {
        const auto* bytes = static_cast<const std::uint8_t*>(data);
        out_.insert(out_.end(), bytes, bytes + size);
    }
    base::Bytes& out_;
};

class Reader {
public:
    explicit Reader(base::ByteView in) : in_(in) {}

    template <typename T>
    void plain(T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        const base::ByteView bytes = next(sizeof(T));  // NOLINT(bugprone-sizeof-expression): also pointers.
        std::memcpy(static_cast<void*>(&value), bytes.data(), bytes.size());
    }
    void text(std::string& value) {
        std::uint32_t size = 0;
        plain(size);
        value = base::as_text(next(size));
    }
    void value(Value& value) {
        std::uint8_t index = 0;
        plain(index);
        switch (index) {
            case 0: plain(value.emplace<bool>()); break;
            case 1: plain(value.emplace<std::int64_t>()); break;
            case 2: plain(value.emplace<double>()); break;
            default: text(value.emplace<std::string>());
        }
    }
    template <typename T>
    void count(std::vector<T>& list) {
        std::uint32_t size = 0;
        plain(size);
        list.resize(size);
    }
    [[nodiscard]] bool at_end() const { return in_.empty(); }

private:
    base::ByteView next(std::size_t size) {
        GRAPEVINE_ASSERT(size <= in_.size(), "a packed record is read as it was written");
        const base::ByteView bytes = in_.first(size);
        in_ = in_.subspan(size);
        return bytes;
    }
    base::ByteView in_;
};

template <typename Form, typename List>
void attributes_of(Form& form, List& attributes) {
    form.count(attributes);
    for (auto& attribute : attributes) {
        form.plain(attribute.key);
        form.value(attribute.value);
    }
}

template <typename Form, typename Record>
void fields_of(Form& form, Record& record)
    requires std::is_same_v<std::remove_const_t<Record>, Span>
{
    form.plain(record.spec);
    form.plain(record.trace);
    form.plain(record.id);
    form.plain(record.parent);
    form.plain(record.remote_parent);
    form.plain(record.start_unix_ns);
    form.plain(record.end_unix_ns);
    attributes_of(form, record.attributes);
    form.count(record.links);
    for (auto& link : record.links)
        form.plain(link);
    form.plain(record.status);
    form.text(record.status_text);
}

template <typename Form, typename Record>
void fields_of(Form& form, Record& record)
    requires std::is_same_v<std::remove_const_t<Record>, LogRecord>
{
    form.plain(record.unix_ns);
    form.plain(record.level);
    form.plain(record.target);
    form.text(record.site);
    form.text(record.body);
    attributes_of(form, record.attributes);
    form.plain(record.context);
}

template <typename Record>
void read_whole(base::ByteView packed, Record& out) {
    Reader reader(packed);
    fields_of(reader, out);
    GRAPEVINE_ASSERT(reader.at_end(), "a packed record has no more than its fields");
}

}  // namespace

void pack(const Span& span, base::Bytes& out) {
    Writer writer(out);
    fields_of(writer, span);
}

void pack(const LogRecord& record, base::Bytes& out) {
    Writer writer(out);
    fields_of(writer, record);
}

void unpack(base::ByteView packed, Span& out) {
    read_whole(packed, out);
}

void unpack(base::ByteView packed, LogRecord& out) {
    read_whole(packed, out);
}

}  // namespace grapevine::telemetry
