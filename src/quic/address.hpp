#pragma once

// Addresses and time in ngtcp2's form, and back. IPv6 scope ids are not carried: link-local addresses need one and are
// therefore no candidates.

#include <ngtcp2/ngtcp2.h>

#include "base/socket_addr.hpp"
#include "base/time.hpp"

namespace grapevine::quic {

// A sockaddr by value. Copyable; view() points into this object.
class NativeAddr {
public:
    NativeAddr() : NativeAddr(base::SocketAddr{}) {}
    explicit NativeAddr(const base::SocketAddr& addr);
    [[nodiscard]] ngtcp2_addr view() const;

private:
    ngtcp2_sockaddr_union storage_{};
    ngtcp2_socklen length_ = 0;
};

// The two ends of a path by value; view() points into this object.
struct NativePath {
    NativeAddr local;
    NativeAddr remote;
    [[nodiscard]] ngtcp2_path view() const { return {local.view(), remote.view(), nullptr}; }
};

base::SocketAddr from_native(const ngtcp2_addr& addr);

// Nanoseconds since the epoch of the monotonic time line. Time before the epoch counts as the epoch.
inline ngtcp2_tstamp to_native(base::TimePoint time) {
    const auto count = time.time_since_epoch().count();
    return count < 0 ? 0 : static_cast<ngtcp2_tstamp>(count);
}

inline ngtcp2_duration to_native(base::Duration duration) {
    return duration.count() < 0 ? 0 : static_cast<ngtcp2_duration>(duration.count());
}

inline base::TimePoint to_time(ngtcp2_tstamp stamp) {
    return base::TimePoint(base::Duration(static_cast<base::Duration::rep>(stamp)));
}

}  // namespace grapevine::quic
