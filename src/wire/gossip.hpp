#pragma once

// The messages of iroh-gossip 0.101 (ALPN /iroh-gossip/1) and their codec, byte for byte: HyParView (Leitão, Pereira,
// Rodrigues, DSN 2007) and Plumtree (same authors, SRDS 2007) as iroh writes them in postcard.
//
// A stream carries one topic: a header frame with the 32 bytes of the topic, then one message a frame. A frame is a
// big-endian u32 length and that many bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "wire/stream_buffer.hpp"

namespace grapevine::wire {

inline constexpr std::string_view kGossipAlpn = "/iroh-gossip/1";
inline constexpr std::size_t kGossipMessageMax = 4096;  // Largest body that a receiver takes; a sender stays below it.
inline constexpr std::size_t kGossipContentMax =
    4057;  // Largest content that fits with any round below 128 (section 6.1).
inline constexpr std::size_t kGossipMessageMin = 512;
inline constexpr std::size_t kPeerListMax = 64;  // Peers of one Shuffle or ShuffleReply that we accept (iroh sends 8).
inline constexpr std::size_t kIHaveMax = 128;    // Announcements of one IHave (116 fit a frame).

// The peer's AddrInfo as opaque bytes; membership only carries it.
using PeerData = base::Bytes;

struct PeerInfo {
    base::EndpointId id;
    std::optional<PeerData> data;
    friend bool operator==(const PeerInfo&, const PeerInfo&) = default;
};

struct Ttl {
    std::uint16_t value = 0;
    friend auto operator<=>(const Ttl&, const Ttl&) = default;
};
// Hops that a message has travelled.
struct Round {
    std::uint16_t value = 0;
    friend auto operator<=>(const Round&, const Round&) = default;
};

// HyParView.
struct Join {
    std::optional<PeerData> data;
    friend bool operator==(const Join&, const Join&) = default;
};
struct ForwardJoin {
    PeerInfo peer;
    Ttl ttl;
    friend bool operator==(const ForwardJoin&, const ForwardJoin&) = default;
};
struct Shuffle {
    base::EndpointId origin;
    std::vector<PeerInfo> nodes;
    Ttl ttl;
    friend bool operator==(const Shuffle&, const Shuffle&) = default;
};
struct ShuffleReply {
    std::vector<PeerInfo> nodes;
    friend bool operator==(const ShuffleReply&, const ShuffleReply&) = default;
};
enum class Priority : std::uint8_t { high = 0, low = 1 };
struct Neighbor {
    Priority priority = Priority::high;
    std::optional<PeerData> data;
    friend bool operator==(const Neighbor&, const Neighbor&) = default;
};
struct Disconnect {
    bool alive = false;
    bool respond = false;  // Obsolete; sent as 0.
    friend bool operator==(const Disconnect&, const Disconnect&) = default;
};
using MembershipMessage = std::variant<Join, ForwardJoin, Shuffle, ShuffleReply, Neighbor, Disconnect>;

// Plumtree.
enum class ScopeKind : std::uint8_t { swarm = 0, neighbors = 1 };
struct Scope {
    ScopeKind kind = ScopeKind::swarm;
    Round round;  // For swarm only.
    friend bool operator==(const Scope&, const Scope&) = default;
};
struct Gossip {
    base::MessageId id;
    base::Bytes content;
    Scope scope;
    friend bool operator==(const Gossip&, const Gossip&) = default;
};
struct Prune {
    friend bool operator==(const Prune&, const Prune&) = default;
};
struct Graft {
    std::optional<base::MessageId> id;
    Round round;
    friend bool operator==(const Graft&, const Graft&) = default;
};
struct Announcement {
    base::MessageId id;
    Round round;
    friend bool operator==(const Announcement&, const Announcement&) = default;
};
struct IHave {
    std::vector<Announcement> messages;
    friend bool operator==(const IHave&, const IHave&) = default;
};
using BroadcastMessage = std::variant<Gossip, Prune, Graft, IHave>;

// A body without its length: `00` + membership or `01` + broadcast.
using TopicMessage = std::variant<MembershipMessage, BroadcastMessage>;

base::Bytes encode(const TopicMessage& message);
// Refuses bodies over kGossipMessageMax, unknown discriminants, lists over their limit and truncation; ignores trailing
// bytes.
base::Result<TopicMessage> decode_topic_message(base::ByteView body);

// Length-prefixed frames (u32 big-endian).
inline constexpr std::size_t kFramePrefixBytes = 4;
base::Bytes encode_frame(base::ByteView body);
base::Bytes encode_stream_header(const base::TopicId& topic);

// Splits a stream into frames. A caller that drains next() after each feed() makes it hold less than one frame and its
// length; a length over the limit is refused before any byte of its body is waited for. After an error the stream is
// dead: what is fed is dropped and next() goes on failing.
class FrameReader {
public:
    explicit FrameReader(std::size_t body_max = kGossipMessageMax) : body_max_(body_max) {}
    // Appends stream bytes.
    void feed(base::ByteView data);
    // The next whole body, nothing yet, or an error (a length over the limit).
    base::Result<std::optional<base::Bytes>> next();
    // True when the stream may end here: no half frame is held.
    [[nodiscard]] bool at_boundary() const { return !dead_ && buffer_.empty(); }

private:
    tl::unexpected<base::Error> die(std::size_t length);

    std::size_t body_max_;
    StreamBuffer buffer_;
    bool dead_ = false;
};

}  // namespace grapevine::wire
