#pragma once

// A byte stream over a connected, non-blocking socket: plain here, TLS in tls_stream.hpp. Each call does what it can
// without waiting and says what it waits for, so that the owner of the event loop decides when to come back.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace grapevine::io {

struct StreamStep {
    enum class State : std::uint8_t {
        done,        // `bytes` were moved, more than zero (a handshake: it is over).
        want_read,   // Again when the socket is readable.
        want_write,  // Again when the socket is writable.
        closed,      // The peer ended the stream in good order.
        failed,      // `error` says why; nothing more can be done.
    };
    State state = State::failed;
    std::size_t bytes = 0;
    std::string error;
};

class ByteStream {
public:
    virtual ~ByteStream() = default;
    virtual StreamStep handshake() = 0;
    virtual StreamStep read(std::span<std::uint8_t> out) = 0;
    // After want_write the same data must be offered again. `more` follows at once: packets may be merged.
    enum class More : std::uint8_t { no, yes };
    virtual StreamStep write(std::string_view data, More more) = 0;
    // Says goodbye as far as that needs no waiting. The socket stays the owner's.
    virtual void close() = 0;
};

class PlainStream : public ByteStream {
public:
    explicit PlainStream(int fd) : fd_(fd) {}
    StreamStep handshake() override;
    StreamStep read(std::span<std::uint8_t> out) override;
    StreamStep write(std::string_view data, More more) override;
    void close() override {}

private:
    int fd_;
};

}  // namespace grapevine::io
