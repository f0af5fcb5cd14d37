#pragma once

// Which connection a packet belongs to: by destination connection id, else by the stateless reset token at its end.
//
// Rules
// - Ordered maps, not hash tables: clients choose the first connection id, and must not be able to choose collisions.
// - Bounded by the connections: each holds at most kCidsPerConnection entries of each kind.

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "base/bounded.hpp"
#include "base/bytes.hpp"
#include "quic/secrets.hpp"
#include "quic/types.hpp"

namespace grapevine::quic {

// ngtcp2 issues at most eight at a time and keeps retired ones for three PTO; one more is the client's first choice.
inline constexpr std::size_t kCidsPerConnection = 32;

struct Cid {
    std::uint8_t length = 0;
    std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> bytes{};
    Cid() = default;
    explicit Cid(const ngtcp2_cid& cid) : Cid(base::ByteView(cid.data, cid.datalen)) {}
    explicit Cid(base::ByteView view);  // At most 20 bytes; what is longer is cut.
    friend auto operator<=>(const Cid&, const Cid&) = default;
};

// The entries of one connection, to be taken out when it ends.
struct CidOwner {
    std::vector<Cid> cids;
    std::vector<ResetToken> tokens;  // Digests (Secrets::token_digest) of the peer's reset tokens in use.
};

class CidTable {
public:
    // `no` when the id is somebody else's already or the owner is full.
    base::Admitted add(CidOwner& owner, const Cid& cid, ConnectionRef connection);
    void remove(CidOwner& owner, const Cid& cid);
    base::Admitted add_token(CidOwner& owner, const ResetToken& digest, ConnectionRef connection);
    void remove_token(CidOwner& owner, const ResetToken& digest);
    void remove_all(CidOwner& owner);

    [[nodiscard]] std::optional<ConnectionRef> find(const Cid& cid) const;
    [[nodiscard]] std::optional<ConnectionRef> find_token(const ResetToken& digest) const;
    [[nodiscard]] std::size_t size() const { return cids_.size(); }
    [[nodiscard]] bool has_tokens() const { return !tokens_.empty(); }

private:
    std::map<Cid, ConnectionRef> cids_;
    std::map<ResetToken, ConnectionRef> tokens_;
};

}  // namespace grapevine::quic
