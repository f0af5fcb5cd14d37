#pragma once

// Reading what a child has said so far, from a descriptor that does not block.

#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace grapevine::apps {

using Chunk = std::array<char, 4096>;

// One read: a part of `chunk`, empty when nothing waits; nothing at its end.
inline std::optional<std::string_view> read_some(int fd, Chunk& chunk) {
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size > 0) {
        return std::string_view(chunk.data(), static_cast<std::size_t>(size));
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? std::optional<std::string_view>("") : std::nullopt;
}

// What is there now.
template <typename Sink>
void drain(int fd, Sink sink) {
    Chunk chunk;
    for (auto text = read_some(fd, chunk); text && !text->empty(); text = read_some(fd, chunk)) {
        sink(*text);
    }
}

}  // namespace grapevine::apps
