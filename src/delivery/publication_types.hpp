#pragma once

// The values of publications: an announcement, what becomes of it, and the bounds (publications.hpp has the rules).

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/blake3.hpp"
#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "wire/publication.hpp"

namespace grapevine::delivery {

inline constexpr std::size_t kPublicationMax = wire::kPublicationMax;
inline constexpr std::uint32_t kStrictTries = 3;
inline constexpr std::size_t kTakersMax = 4096;  // Counted of one publication.
inline constexpr std::size_t kChunkMax = wire::kChunkMax;

struct Announcement {
    base::EndpointId author;
    std::uint64_t number = 0;  // Of the author's publications, so that the same content may be said again.
    base::Blake3Hash hash{};
    std::uint32_t size = 0;
    friend auto operator<=>(const Announcement&, const Announcement&) = default;
};

struct PublicationsConfig {
    // The own numbers count from here. A life of a node begins above those of the ones before, since an announcement
    // that is repeated is not told again.
    std::uint64_t numbers_after = 0;
    std::size_t fetches_at_once = 4;
    std::size_t wanted_max = 256;
    std::size_t author_max = 64;
    std::size_t providers_max = 4;                         // Of one announcement, besides its author.
    std::size_t paused_bytes_max = std::size_t{4} << 20U;  // Of fetches that are not under way.
    std::size_t store_bytes_max = std::size_t{32} << 20U;
    std::size_t own_bytes_max = std::size_t{16} << 20U;  // Of those, what this node itself published.
    base::Duration kept = std::chrono::seconds(60);
    base::Duration fetch_max = std::chrono::seconds(30);
    base::Duration memory = std::chrono::seconds(120);
    std::size_t memory_max = 8192;  // Beyond it the oldest is forgotten.
    base::Duration pause_first = std::chrono::milliseconds(50);
    base::Duration pause_max = std::chrono::seconds(1);
};

// no_mesh: there is nobody to publish to; only whoever owns the core says so.
enum class PublishRefusal : std::uint8_t { empty, too_large, full, no_mesh };
std::string_view name(PublishRefusal refusal);
// late: nobody gave it within fetch_max. lied: all who might gave something else. busy: too much was wanted already.
enum class MissCause : std::uint8_t { late, lied, busy, count_ };
inline constexpr std::size_t kMissCauses = static_cast<std::size_t>(MissCause::count_);
std::string_view name(MissCause cause);

struct FetchId {
    std::uint64_t value = 0;
    friend auto operator<=>(const FetchId&, const FetchId&) = default;
};
struct Announce {  // By gossip.
    Announcement what;
    friend bool operator==(const Announce&, const Announce&) = default;
};
// `size` bytes from `offset`; answered by on_chunk or on_no_chunk.
struct AskChunk {
    FetchId fetch;
    base::EndpointId peer;
    base::Blake3Hash hash{};
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    friend bool operator==(const AskChunk&, const AskChunk&) = default;
};
struct Published {
    Announcement what;
    base::Bytes content;
    friend bool operator==(const Published&, const Published&) = default;
};
struct Missed {
    Announcement what;
    MissCause cause = MissCause::late;
    friend bool operator==(const Missed&, const Missed&) = default;
};
using PublicationEffect = std::variant<Announce, AskChunk, Published, Missed>;
using PublicationEffects = std::vector<PublicationEffect>;

struct PublicationCounters {
    std::uint64_t published = 0, refused = 0;  // Own.
    std::uint64_t announced = 0, repeated = 0, refused_announcements = 0;
    std::uint64_t fetched = 0;
    std::array<std::uint64_t, kMissCauses> missed{};
    std::uint64_t lies = 0, not_given = 0, late_answers = 0;
    std::uint64_t chunks_given = 0, chunks_denied = 0, evicted = 0;
};

}  // namespace grapevine::delivery
