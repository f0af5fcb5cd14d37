#pragma once

// An HTTP/1.1 answer, parsed as its bytes arrive (RFC 9112), within limits: a hostile server costs a bounded amount of
// memory and is refused with a reason. The parser is Boost.Beast's, which only this unit's source sees.
//
// Limits: kHeadBytesMax for the status line and headers, also for one chunk's line with its extensions; the body as the
// caller says; eight times that and 64 KiB for all bytes together, so that tiny chunks do not go on for ever;
// kInterimMax answers of the 1xx kind, which are skipped.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grapevine::io {

struct HttpAnswer {
    unsigned status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // As received, in order.
    std::string body;
    // Of the first header of that name, in any case; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const;
};

class HttpAnswerParser {
public:
    static constexpr std::size_t kHeadBytesMax = 16 * 1024;
    static constexpr unsigned kInterimMax = 8;

    enum class State : std::uint8_t {
        more,       // Not complete.
        done,       // answer() may be taken.
        too_large,  // A limit was passed.
        broken,     // Not HTTP, or it ended in the middle.
    };
    // To HEAD there is no body, whatever the headers say.
    enum class Expect : std::uint8_t { body, no_body };

    HttpAnswerParser(std::size_t body_bytes_max, Expect expect);
    ~HttpAnswerParser();
    HttpAnswerParser(const HttpAnswerParser&) = delete;
    HttpAnswerParser& operator=(const HttpAnswerParser&) = delete;

    // Once it is not `more`, further bytes change nothing but keep_alive().
    State put(std::string_view bytes);
    // The stream ended: the end of a body without length, or an error.
    State end();

    [[nodiscard]] const std::string& error() const { return error_; }
    // True if any byte was put.
    [[nodiscard]] bool started() const { return bytes_seen_ > 0; }
    // After `done`: whether the connection may serve another request.
    [[nodiscard]] bool keep_alive() const { return keep_alive_; }
    [[nodiscard]] HttpAnswer take();

private:
    struct Parser;
    State fail(State state, std::string error);
    State consume();
    [[nodiscard]] std::size_t bytes_needed() const;
    State finish();
    void renew();

    std::size_t body_bytes_max_;
    Expect expect_;
    std::unique_ptr<Parser> parser_;
    std::string pending_;  // Received, not yet consumed: an incomplete line.
    std::size_t bytes_seen_ = 0;
    unsigned interim_ = 0;
    bool keep_alive_ = false;
    State state_ = State::more;
    std::string error_;
};

}  // namespace grapevine::io
