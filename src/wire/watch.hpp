#pragma once

// What a gateway writes on a stream by which a node watches its directory, or the meshes that it knows
// (docs/design/0003-console.md). The watcher opens it by name (delivery.hpp) and then says nothing: a later version of
// this format has another name. Names that end so are the library's own, and no application's.
//
// Form and rules are those of mesh.hpp: tag u8, length (postcard varint), payload (postcard); bytes after the known
// fields are ignored. Begin comes first, and once. Payloads: Begin: version u8, mesh, staleness u32 (ms) · Told: age
// u32 (ms), statement · Whole: nothing · Gone: id (32 bytes), cause u8 · Beat: nothing · Mesh: name, change u8.
//
// A statement travels as its author signed it (digest.hpp); the age is the gateway's word, in milliseconds since it was
// heard there. Gone and Mesh are the gateway's word alone: by them it can withhold, and nothing more.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "wire/frame_splitter.hpp"

namespace grapevine::wire {

inline constexpr std::uint8_t kWatchVersion = 1;
inline constexpr std::size_t kWatchFrameMax = 2304;  // Of a payload: kStatementMax, and room for fields.
inline constexpr std::string_view kDirectorySuffix = "#directory";
inline constexpr std::string_view kMeshesSuffix = "#meshes";

enum class WatchSubject : std::uint8_t { directory, meshes };

// Tag 0x50.
struct WatchBegin {
    std::uint8_t version = kWatchVersion;
    std::string mesh;                // The gateway's.
    std::uint32_t staleness_ms = 0;  // After which a member that is not heard of is dropped there.
    friend bool operator==(const WatchBegin&, const WatchBegin&) = default;
};
// Tag 0x51.
struct WatchTold {
    std::uint32_t age_ms = 0;
    base::Bytes statement;  // Unexamined, at most kStatementMax.
    friend bool operator==(const WatchTold&, const WatchTold&) = default;
};
// Tag 0x52: all that was known when the stream began has been told.
struct WatchWhole {
    friend bool operator==(const WatchWhole&, const WatchWhole&) = default;
};
enum class WatchGoneCause : std::uint8_t { left = 0, died = 1, stale = 2, displaced = 3, expelled = 4 };
inline constexpr std::size_t kWatchGoneCauses = 5;
std::string_view name(WatchGoneCause cause);
// Tag 0x53: the gateway does not list it any more.
struct WatchGone {
    base::EndpointId id;
    WatchGoneCause cause = WatchGoneCause::left;
    friend bool operator==(const WatchGone&, const WatchGone&) = default;
};
// Tag 0x54: there is nothing new.
struct WatchBeat {
    friend bool operator==(const WatchBeat&, const WatchBeat&) = default;
};
enum class WatchMeshChange : std::uint8_t { appeared = 0, gone = 1 };
// Tag 0x55.
struct WatchMesh {
    std::string mesh;
    WatchMeshChange change = WatchMeshChange::appeared;
    friend bool operator==(const WatchMesh&, const WatchMesh&) = default;
};

using WatchFrame = std::variant<WatchBegin, WatchTold, WatchWhole, WatchGone, WatchBeat, WatchMesh>;

// A caller keeps to the limits above; names are valid.
base::Bytes encode(const WatchFrame& frame);
// One frame's tag and payload.
base::Result<WatchFrame> decode_watch_frame(std::uint8_t tag, base::ByteView payload);

// Splits a stream into frames, as frame_splitter.hpp says.
class WatchFrameReader {
public:
    WatchFrameReader();
    void feed(base::ByteView data) { splitter_.feed(data); }
    base::Result<std::optional<WatchFrame>> next() { return splitter_.next<WatchFrame>(decode_watch_frame); }
    [[nodiscard]] bool at_boundary() const { return splitter_.at_boundary(); }

private:
    FrameSplitter splitter_;
};

struct WatchTarget {
    base::EndpointId gateway;
    WatchSubject subject = WatchSubject::directory;
    friend bool operator==(const WatchTarget&, const WatchTarget&) = default;
};
// "<64 hex>#directory", "<64 hex>#meshes"
std::string watch_target(const WatchTarget& target);
// Of whatever node; nothing for other names.
std::optional<WatchTarget> parse_watch_target(std::string_view name);
[[nodiscard]] bool is_watch_name(std::string_view name);

}  // namespace grapevine::wire
