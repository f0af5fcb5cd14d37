#pragma once

// A fixed block of bytes sent on a stream of its own, and what comes back on it. Many exchanges of a connection may run
// at once and share the block.

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include <sodium/crypto_hash_sha256.h>

#include "apps/grapevine/app_endpoint.hpp"

namespace grapevine::apps {

class Exchange {
public:
    // `data` outlives the exchange.
    Exchange(io::Host& host, quic::ConnectionRef connection, quic::StreamRef stream, base::ByteView data);

    [[nodiscard]] quic::StreamRef stream() const { return stream_; }
    void pump();
    // Adds to the hash and the count; the caller credits.
    void on_data(const quic::StreamData& event);
    void on_closed() { closed_ = true; }
    // Both directions are over.
    [[nodiscard]] bool over() const { return closed_ && ended_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] std::string sha256();

private:
    io::Host& host_;
    quic::ConnectionRef connection_;
    quic::StreamRef stream_;
    base::ByteView data_;
    bool sent_ = false;
    bool ended_ = false;
    bool closed_ = false;
    std::uint64_t bytes_ = 0;
    crypto_hash_sha256_state hash_{};
};

}  // namespace grapevine::apps
