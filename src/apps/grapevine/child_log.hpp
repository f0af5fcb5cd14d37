#pragma once

// What a child says on stderr, kept in a file of bounded size: when it is full it becomes <file>.1 and a new one
// begins.

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.hpp"
#include "io/fd.hpp"

namespace grapevine::apps {

class ChildLog {
public:
    static constexpr std::uint64_t kBytesMax = 1024 * 1024;  // Of each of the two files.
    static constexpr const char* kOlder = ".1";              // Ends the name of the older one.

    ChildLog() = default;
    // Appends to what is there.
    static base::Result<ChildLog> open(std::filesystem::path path);
    // Bytes that a full disk refuses are dropped: a log must not stop what it watches.
    void append(std::string_view text);

private:
    base::Status reopen();

    std::filesystem::path path_;
    io::Fd file_;
    std::uint64_t size_ = 0;
};

}  // namespace grapevine::apps
