#pragma once

// `serve --record` and `--count`: one record for each message that reached the handler, written before it is answered.
//
// Rules:
// 1. A record is one write(2) at the end of the file, so it is whole or absent even if the process is killed, and
// several
//    processes may share a file. A write that the file system cut short is taken back.
// 2. It is not synced: it survives the process, not the machine.
// 3. A line is "<sender, 64 hex> <incarnation, 16 hex> <sequence>\n"; a binary record 48 bytes: the sender's id, then
//    incarnation and sequence, big endian.

#include <cstdint>
#include <filesystem>
#include <string>

#include <grapevine/node.hpp>

#include "base/result.hpp"
#include "io/fd.hpp"

namespace grapevine::apps {

class HandledLog {
public:
    enum class Format : std::uint8_t { lines, binary };
    static constexpr std::size_t kBinaryBytes = 48;

    // Made 0600 if it is absent; else appended to.
    static base::Result<HandledLog> open(const std::filesystem::path& path, Format format);

    [[nodiscard]] base::Status add(const Incoming& incoming);

private:
    HandledLog(io::Fd file, std::string subject, Format format)
        : file_(std::move(file)), subject_(std::move(subject)), format_(format) {}

    io::Fd file_;
    std::string subject_;
    Format format_;
};

// One record as it is written.
std::string encode_handled(const Incoming& incoming, HandledLog::Format format);

}  // namespace grapevine::apps
