#include "console/static_files.hpp"

#include <array>
#include <system_error>
#include <utility>

#include "io/files.hpp"

namespace grapevine::console {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kTypes{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
}};

bool is_hidden(const fs::path& path) {
    return path.filename().string().starts_with('.');
}

constexpr std::string_view kUnknownType = "application/octet-stream";

}  // namespace

std::string_view content_type_of(std::string_view name) {
    for (const auto& [end, type] : kTypes) {
        if (name.ends_with(end)) {
            return type;
        }
    }
    return kUnknownType;
}

StaticFiles StaticFiles::absent(std::string why) {
    StaticFiles out;
    out.why_absent_ = std::move(why);
    return out;
}

base::Result<StaticFiles> StaticFiles::load(const fs::path& directory) {
    const std::string subject = "pages '" + directory.string() + "': ";
    StaticFiles out;
    std::size_t bytes = 0;
    std::error_code error;
    fs::recursive_directory_iterator it(directory, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
        if (it->is_directory(error) && (it.depth() >= kDepthMax || is_hidden(it->path()) || it->is_symlink(error))) {
            it.disable_recursion_pending();
        }
        if (is_hidden(it->path()) || it->is_symlink(error) || !it->is_regular_file(error)) {
            continue;
        }
        if (out.files_.size() >= kFilesMax) {
            return base::fail(base::ErrorCode::exhausted,
                              subject + "more than " + std::to_string(kFilesMax) + " files");
        }
        auto content = io::read_file("page", it->path(), kBytesMax - bytes, io::Privacy::anyone);
        if (!content) {
            return tl::unexpected(content.error());
        }
        bytes += content->size();
        const std::string path = "/" + fs::relative(it->path(), directory, error).generic_string();
        out.files_[path] = {std::string(content_type_of(path)), std::move(*content)};
    }
    if (error) {
        return base::fail(base::ErrorCode::not_found, subject + error.message());
    }
    if (!out.files_.contains("/index.html")) {
        return base::fail(base::ErrorCode::not_found, subject + "has no index.html");
    }
    return out;
}

HttpResponse StaticFiles::answer(std::string_view path) const {
    const bool is_page = !files_.contains(path) && content_type_of(path) == kUnknownType &&
                         !path.starts_with("/assets/") && !path.starts_with("/api/");
    const auto found = files_.find(is_page ? std::string_view("/index.html") : path);
    if (found == files_.end()) {
        return http_error(404, is_page && !why_absent_.empty() ? why_absent_ : "no such path");
    }
    HttpResponse out;
    out.content_type = found->second.type;
    out.body = found->second.content;
    out.headers.emplace_back("Cache-Control",
                             path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    return out;
}

}  // namespace grapevine::console
