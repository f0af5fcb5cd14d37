#include "apps/grapevine/payload.hpp"

#include <unistd.h>

namespace grapevine::apps {
namespace {

// All of stdin, up to what makes it too much.
base::Result<std::string> read_stdin() {
    std::string text;
    std::string chunk(65536, '\0');
    while (text.size() <= kPayloadMax) {
        const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
        if (got < 0) {
            return base::fail("stdin: cannot be read");
        }
        if (got == 0) {
            return text;
        }
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

base::Result<std::string> payload_at(const cli::Parsed& parsed, std::size_t position, std::string_view what) {
    const std::string given = parsed.positionals.size() > position ? parsed.positionals[position] : std::string("-");
    auto text = given == "-" ? read_stdin() : base::Result<std::string>(given);
    if (text && text->size() > kPayloadMax) {
        return base::invalid(std::string(what) + ": more than the " + std::to_string(kPayloadMax) +
                             " bytes that a request on the control socket holds");
    }
    return text;
}

}  // namespace grapevine::apps
