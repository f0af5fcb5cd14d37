#pragma once

// The client's side of TLS 1.2 and 1.3 by GnuTLS over a connected, non-blocking socket, for HTTPS.
//
// Rules
//  1. The server must show a chain to a trusted authority, valid now, for server authentication, and for the host that
//     was asked for (RFC 9525; an address must be among the certificate's addresses). There is no way to switch this
//     off: a name for the test's own certificate is one ca_file away.
//  2. It is checked within the handshake, before our own certificate is proven and before a byte of HTTP is sent.
//  3. Trusted are the authorities of `ca_file`, or, without one, the system's. They are read when a server has to be
//     judged and freed after: the system's store is 4 MB of memory and 5 to 10 ms on an ordinary core, once a
//     connection.
//  4. Files are read anew for each connection, so that renewed certificates need no restart.

#include <memory>
#include <string>

#include "base/result.hpp"
#include "io/http_client_stream.hpp"

namespace grapevine::io {

struct TlsFiles {                            // PEM.
    std::string ca_file;                     // Empty: the system's.
    std::string certificate_file, key_file;  // Our own certificate's chain and its key; both or none.
    friend auto operator<=>(const TlsFiles&, const TlsFiles&) = default;
};

// Whether the files can be read and used. The error names the file.
base::Status check_tls_files(const TlsFiles& files);

class TlsStream : public ByteStream {
public:
    // `fd` outlives the stream. Errors: unusable files.
    static base::Result<std::unique_ptr<ByteStream>> make(int fd, const std::string& host, const TlsFiles& files);

    TlsStream();
    ~TlsStream() override;
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    StreamStep handshake() override;
    StreamStep read(std::span<std::uint8_t> out) override;
    StreamStep write(std::string_view data, More more) override;
    void close() override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::io
