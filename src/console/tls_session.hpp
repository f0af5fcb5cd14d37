#pragma once

// The server's side of TLS 1.2 and 1.3 by GnuTLS, without a socket: bytes of the wire in, bytes of the wire out.
//
// Rules
//  1. What waits to be read is at most what the last feed() gave and a record that is not whole; what waits to be sent
//     is what send() was given, at most kRecordMax a call. Nothing is queued that nobody asked for.
//  2. After an error the session is over; its alert, if it has one, is in take_output().
//  3. TLS below 1.2 is refused. The certificate is the one that was loaded: a renewed one needs a restart.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace grapevine::console {

// A certificate's chain and its key, shared by all sessions of a server.
class TlsIdentity {
public:
    static constexpr std::size_t kFileBytesMax = 256U * 1024U;

    // Files in PEM; the key's must be its owner's alone (as 0600), and links are followed. Errors name the file.
    static base::Result<std::unique_ptr<TlsIdentity>> load(const std::filesystem::path& certificate,
                                                           const std::filesystem::path& key);
    ~TlsIdentity();
    TlsIdentity(const TlsIdentity&) = delete;
    TlsIdentity& operator=(const TlsIdentity&) = delete;

private:
    friend class TlsSession;
    class Impl;
    explicit TlsIdentity(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

class TlsSession {
public:
    static constexpr std::size_t kRecordMax = 16U * 1024U;

    enum class State : std::uint8_t { done, want_input, closed, failed };
    struct Step {
        State state = State::failed;
        std::size_t bytes = 0;  // Of plain text; more than zero if it is done.
        std::string error{};
    };

    // `identity` outlives it.
    explicit TlsSession(const TlsIdentity& identity);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // More from the wire.
    void feed(std::span<const std::uint8_t> bytes);
    // There is no more.
    void feed_end();
    // For the wire, all that there is.
    [[nodiscard]] std::string take_output();
    [[nodiscard]] bool has_output() const;

    Step handshake();
    Step receive(std::span<std::uint8_t> out);
    // Takes all of at most kRecordMax bytes; never wants input.
    Step send(std::string_view bytes);
    // Says goodbye.
    void close();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::console
