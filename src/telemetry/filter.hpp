#pragma once

// Which spans and log lines are wanted: a level for each target, changed at run time. The question costs one load and
// one comparison.
//
// Text: a default level and exceptions, "info,gossip=debug,sync=off". Levels: off, error, warn, info, debug, trace;
// each includes those before it. INFO is changes of state, DEBUG investigation, TRACE each frame.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace grapevine::telemetry {

// `off` is a limit only: nothing is recorded at it.
enum class Level : std::uint8_t { off, error, warn, info, debug, trace };
std::string_view name(Level level);
std::optional<Level> parse_level(std::string_view text);

// The part of a node that speaks.
enum class Target : std::uint8_t {
    node,       // Start, stop.
    peer,       // Connections to peers.
    gossip,     // Topics, neighbours, broadcasts.
    directory,  // Members, suspicion, death.
    paths,      // Seeds, addresses, probes.
    sync,       // Directory exchanges.
    mesh,       // Frames of the mesh service: hello, ping.
    delivery,   // Messages by name.
    fabric,     // Other meshes: summaries, questions.
    quic,       // The transport.
    io,         // Sockets, files, the event loop.
    control,    // The control socket.
    ledger,     // Broken laws.
    telemetry,  // The exporter itself.
    app,        // Whoever uses the library.
    count_,
};
inline constexpr std::size_t kTargets = static_cast<std::size_t>(Target::count_);
std::string_view name(Target target);

class Filter {
public:
    static constexpr std::size_t kTextMax = 512;

    explicit Filter(Level all = Level::info) { limits_.fill(all); }
    // Errors name the word that is no level or no target, or comes twice.
    static base::Result<Filter> parse(std::string_view text);

    [[nodiscard]] bool wants(Target target, Level level) const {
        return level <= limits_[static_cast<std::size_t>(target)];
    }
    [[nodiscard]] Level limit(Target target) const { return limits_[static_cast<std::size_t>(target)]; }
    void set(Target target, Level level) { limits_[static_cast<std::size_t>(target)] = level; }
    // parse(text()) gives the same filter.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Filter&, const Filter&) = default;

private:
    std::array<Level, kTargets> limits_{};
};

}  // namespace grapevine::telemetry
