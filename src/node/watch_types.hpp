#pragma once

// The vocabulary of watching another mesh through one gateway of it (mesh_watches.hpp, directory_teller.hpp).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "wire/delivery.hpp"
#include "wire/watch.hpp"

namespace grapevine::node {

// A gateway says something at least so often; a watcher that hears nothing for so long goes elsewhere: two beats lost,
// and a second for the way. Our own choices.
inline constexpr base::Duration kWatchBeat = std::chrono::seconds(3);
inline constexpr base::Duration kWatchSilence = std::chrono::seconds(7);

// A stream by name of the node itself, which no application sees. One that it opened has the number of the message that
// asked for it, one that it takes a number of its own.
enum class StreamOpener : std::uint8_t { us, them };
struct OwnStream {
    StreamOpener opener = StreamOpener::us;
    std::uint64_t value = 0;
    friend auto operator<=>(const OwnStream&, const OwnStream&) = default;
};

// To the layer below. The peer's OpenStream with this number is taken, as this stream.
struct TakeStream {
    base::EndpointId peer;
    wire::MessageSequence message;
    OwnStream stream;
};
// Ours is open, or never will be.
enum class StreamFate : std::uint8_t { open, failed };
struct StreamDecided {
    OwnStream stream;
    StreamFate fate = StreamFate::open;
};
// on_stream_taken() follows. One at a time for each stream.
struct SayOnStream {
    OwnStream stream;
    base::Bytes data;
};
struct ResetStream {
    OwnStream stream;
    std::uint32_t code = 0;
};

// Whether a mesh that is watched is known: up, while a gateway tells all that it knows; seeking, while one is looked
// for; down, when none that was found did. What was known before is kept, as old as it is.
enum class WatchState : std::uint8_t { seeking, up, down };
std::string_view name(WatchState state);
struct WatchSource {
    std::string mesh;
    WatchState state = WatchState::seeking;
    std::optional<base::EndpointId> gateway{};  // Who tells, or told last.
    std::string text{};                         // Why it is not up, for people.
    base::TimePoint since{};                    // Of the state.
    friend bool operator==(const WatchSource&, const WatchSource&) = default;
};

// A member of a watched mesh. unlisted: its gateway does not list it any more, and nobody's signature says why.
// withdrawn: it is not suspected any more, since nobody would hear its answer.
enum class WatchedChange : std::uint8_t { joined, updated, left, died, stale, unlisted, suspected, refuted, withdrawn };
std::string_view name(WatchedChange change);
struct WatchedChanged {
    std::string mesh;
    WatchedChange change = WatchedChange::joined;
    base::EndpointId id;
    std::string name;
    std::vector<base::EndpointId> accusers{};  // Of the dead and the suspected.
    friend bool operator==(const WatchedChanged&, const WatchedChanged&) = default;
};
struct WatchSourceChanged {
    WatchSource source;
    friend bool operator==(const WatchSourceChanged&, const WatchSourceChanged&) = default;
};
// A gateway broke a rule: it is not listened to any more for a while.
struct WatchLied {
    std::string mesh;
    base::EndpointId gateway;
    std::string rule;
    friend bool operator==(const WatchLied&, const WatchLied&) = default;
};

}  // namespace grapevine::node
