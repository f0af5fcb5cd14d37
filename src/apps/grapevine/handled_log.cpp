#include "apps/grapevine/handled_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/encoding.hpp"
#include "io/files.hpp"

namespace grapevine::apps {
namespace {

void append_number(std::string& out, std::uint64_t number) {
    for (unsigned shift = 64; shift > 0; shift -= 8) {
        out.push_back(static_cast<char>((number >> (shift - 8)) & 0xffU));
    }
}

}  // namespace

std::string encode_handled(const Incoming& incoming, HandledLog::Format format) {
    const auto& [incarnation, sequence] = incoming.message;
    if (format == HandledLog::Format::lines) {
        std::array<char, 64> rest{};
        std::snprintf(rest.data(), rest.size(), " %016llx %llu\n", static_cast<unsigned long long>(incarnation),
                      static_cast<unsigned long long>(sequence));
        return incoming.from_id + rest.data();
    }
    const auto id = base::hex_decode(incoming.from_id);
    std::string out = id ? base::to_text(*id) : std::string();
    out.resize(HandledLog::kBinaryBytes - 2 * sizeof(std::uint64_t));
    append_number(out, incarnation);
    append_number(out, sequence);
    return out;
}

base::Result<HandledLog> HandledLog::open(const std::filesystem::path& path, Format format) {
    std::string subject = io::file_subject("record", path);
    io::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!file.valid()) {
        return tl::unexpected(io::system_error(subject, "cannot be opened", errno));
    }
    return HandledLog(std::move(file), std::move(subject), format);
}

base::Status HandledLog::add(const Incoming& incoming) {
    const std::string record = encode_handled(incoming, format_);
    ssize_t put = -1;
    do {
        put = ::write(file_.get(), record.data(), record.size());
    } while (put < 0 && errno == EINTR);
    if (put == static_cast<ssize_t>(record.size())) {
        return {};
    }
    if (put < 0) {
        return tl::unexpected(io::system_error(subject_, "cannot be written", errno));
    }
    struct stat info{};
    const bool undone = ::fstat(file_.get(), &info) == 0 && ::ftruncate(file_.get(), info.st_size - put) == 0;
    return base::fail(base::ErrorCode::exhausted,
                      subject_ + ": no room for a record" + (undone ? "" : ", and half of one stands at its end"));
}

}  // namespace grapevine::apps
