#pragma once

// The pages: files of one directory, read once at the start into an index of names. A request is looked up in that
// index and nowhere else, so that no path leads out of the directory, and a file that is put there later is not served.
//
// Rules
//  1. Regular files only; symbolic links, hidden files and what is deeper than kDepthMax are left out.
//  2. What is below /assets has a name with a hash of its content, and may be kept for ever; all else is asked anew.
//  3. A path that is neither in the index nor below /assets or /api, and does not end as files do (".js"), is one of a
//     page, as "/boot/mesh1.broker.239dc9" is: index.html serves it, and finds the view itself.
//  4. Bounds: kFilesMax files, kBytesMax in all; beyond, the directory is refused.

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "console/http_message.hpp"

namespace grapevine::console {

class StaticFiles {
public:
    static constexpr std::size_t kFilesMax = 1024;
    static constexpr std::size_t kBytesMax = std::size_t{32} << 20U;
    static constexpr int kDepthMax = 4;

    // None: every page is a 404 that says where they were looked for.
    static StaticFiles absent(std::string why);
    // Errors: no directory, no index.html in it, beyond the bounds, a file that cannot be read.
    static base::Result<StaticFiles> load(const std::filesystem::path& directory);

    [[nodiscard]] HttpResponse answer(std::string_view path) const;
    [[nodiscard]] std::size_t size() const { return files_.size(); }

private:
    struct File {
        std::string type;
        std::string content;
    };
    std::map<std::string, File, std::less<>> files_;  // By path, "/assets/index-3f2a.js".
    std::string why_absent_;
};

// By the end of the name; "application/octet-stream" if it is none that we know.
std::string_view content_type_of(std::string_view name);

}  // namespace grapevine::console
