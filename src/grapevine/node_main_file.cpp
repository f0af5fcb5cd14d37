#include "grapevine/node_main_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <toml++/toml.h>

#include "base/encoding.hpp"
#include "base/lines.hpp"
#include "grapevine/node_main_flags.hpp"

namespace grapevine::cli {
namespace {

std::string place(const std::string& path, const toml::node& node) {
    return path + ":" + std::to_string(node.source().begin.line);
}

std::optional<std::string> scalar(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    if (const auto* number = node.as_integer()) {
        return std::to_string(number->get());
    }
    if (const auto* truth = node.as_boolean()) {
        return truth->get() ? "true" : "false";
    }
    return std::nullopt;
}

base::Result<FileValue> value_of(const std::string& path, const std::string& key, const toml::node& node) {
    FileValue value;
    value.line = node.source().begin.line;
    const std::string where = place(path, node) + ": " + key;
    if (auto single = scalar(node)) {
        value.items.push_back(std::move(*single));
        return value;
    }
    const toml::array* array = node.as_array();
    if (array == nullptr || array->size() > kConfigListMax) {
        return base::invalid(where + ": must be a string, a number, a truth value, or an array of at most " +
                             std::to_string(kConfigListMax) + " strings");
    }
    for (const toml::node& item : *array) {
        if (!item.is_string()) {
            return base::invalid(where + ": every item of the array must be a string");
        }
        value.items.push_back(item.as_string()->get());
    }
    return value;
}

base::Result<FileValues> values_of(const toml::table& table, const std::string& path,
                                   std::span<const std::string_view> keys) {
    FileValues out;
    for (const auto& [name, node] : table) {
        const std::string key(name.str());
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            const std::string_view near = closest(key, keys);
            return base::invalid(place(path, node) + ": " + base::printable(key) + ": unknown key" +
                                 (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
        }
        auto value = value_of(path, key, node);
        if (!value) {
            return tl::unexpected(value.error());
        }
        out.emplace(key, std::move(*value));
    }
    return out;
}

struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

base::Result<FileValues> parse_config(std::string_view text, const std::string& path,
                                      std::span<const std::string_view> keys) {
    if (const auto line = base::first_longer_line(text, kConfigLineBytesMax)) {
        return base::invalid(path + ":" + std::to_string(*line) + ": a line of more than " +
                             std::to_string(kConfigLineBytesMax) + " bytes");
    }
    try {
        return values_of(toml::parse(text, path), path, keys);
    } catch (const toml::parse_error& error) {
        return base::invalid(path + ":" + std::to_string(error.source().begin.line) + ": " +
                             base::printable(error.description(), 160));
    } catch (const std::logic_error& error) {
        return base::invalid(path + ": " + base::printable(error.what(), 160));
    }
}

base::Result<FileValues> read_config_file(const std::filesystem::path& path, std::span<const std::string_view> keys) {
    const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "re"));
    if (!file) {
        return base::fail(path.string() + ": " + std::strerror(errno));
    }
    std::string text(kConfigFileBytesMax + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        return base::fail(path.string() + ": " + std::strerror(errno));
    }
    if (text.size() > kConfigFileBytesMax) {
        return base::invalid(path.string() + ": larger than " + std::to_string(kConfigFileBytesMax) + " bytes");
    }
    return parse_config(text, path.string(), keys);
}

}  // namespace grapevine::cli
