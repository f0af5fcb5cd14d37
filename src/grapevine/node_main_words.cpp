#include "grapevine/node_main_words.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/encoding.hpp"

namespace grapevine::cli {
namespace {

constexpr std::size_t kMessageMax = 400;  // Characters of one complaint.
constexpr std::size_t kColumnsMin = 40;
constexpr std::size_t kColumnsMax = 100;
constexpr std::size_t kColumnsDefault = 80;

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
        }
    }
    return row.back();
}

}  // namespace

int exit_code(Exit code) {
    return static_cast<int>(code);
}

base::Result<std::uint64_t> parse_number(std::string_view what, std::string_view text, std::uint64_t low,
                                         std::uint64_t high) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
        return base::invalid(std::string(what) + ": '" + base::printable(text) + "' is not a number from " +
                             std::to_string(low) + " to " + std::to_string(high));
    }
    return value;
}

void complain(std::string_view message) {
    write_all(STDERR_FILENO, "grapevine: " + base::printable(message, kMessageMax) + "\n");
}

int fail_with(const base::Error& error) {
    complain(error.message);
    switch (error.code) {
        case base::ErrorCode::invalid: return exit_code(Exit::usage);
        case base::ErrorCode::not_found: return exit_code(Exit::not_found);
        case base::ErrorCode::denied: return exit_code(Exit::denied);
        case base::ErrorCode::failed:
        case base::ErrorCode::exhausted:
        case base::ErrorCode::busy: break;
    }
    return exit_code(Exit::failed);
}

int fail_usage(std::string_view message) {
    complain(message);
    return exit_code(Exit::usage);
}

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
    std::string out;
    std::size_t used = indent;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        if (used > indent && used + 1 + word.size() > columns) {
            out += "\n" + std::string(indent, ' ');
            used = indent;
        } else if (used > indent) {
            out += ' ';
            ++used;
        }
        out += word;
        used += word.size();
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    }
    return out;
}

std::size_t help_columns() {
    winsize size{};
    std::size_t columns = kColumnsDefault;
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        columns = size.ws_col;
    } else if (const char* text = std::getenv("COLUMNS")) {
        columns = parse_number("COLUMNS", text, kColumnsMin, kColumnsMax).value_or(kColumnsDefault);
    }
    return std::clamp(columns, kColumnsMin, kColumnsMax);
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
            ::poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view best;
    std::size_t best_distance = 3;  // More than two edits, or half the word, is another word.
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word.substr(0, 64), candidate);
        if (distance < best_distance && 2 * distance <= candidate.size()) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

}  // namespace grapevine::cli
