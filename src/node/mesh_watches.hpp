#pragma once

// Meshes that this node watches, each through one gateway of it at a time; and the meshes that the fabric has, as a
// gateway of the own mesh tells them. Sans-IO: whoever owns this finds gateways, opens streams, and says what came.
//
// Rules
//  1. Who can be watched is asked for by name ("mesh2.gateway"), or, for the list of meshes, those of the own mesh on
//     duty. They are tried one after another in random order; who failed last comes last, who lied not at all for
//     kWatchBan.
//  2. A watch is up from the moment a gateway has told all that it knows, until its stream ends, a rule is broken, or
//     nothing was heard for kWatchSilence. One that was up for kWatchSettled is followed by the next at once; otherwise
//     the others of the round are tried, and when there is none left the watch is down, until the next round.
//  3. Rounds back off from kWatchRetryMin, doubling, to kWatchRetryMax. The next settled one begins anew.
//  4. What was known stays known while nobody tells (watched_directory.hpp, rule 3).
//  5. A node on the backbone itself hears of meshes there, and asks nobody.
//
// Bounds: kWatchesMax, kWatchGatewaysMax of a round, kWatchBansMax of a watch (full: the oldest goes).

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bounded.hpp"
#include "base/rng.hpp"
#include "delivery/types.hpp"
#include "node/mesh_admission.hpp"
#include "node/watch_types.hpp"
#include "node/watched_directory.hpp"

namespace grapevine::node {

inline constexpr std::size_t kWatchesMax = 16;
inline constexpr std::size_t kWatchGatewaysMax = 16;  // As many as an answer has.
inline constexpr std::size_t kWatchBansMax = 16;
inline constexpr std::size_t kWatchedMeshesMax = 1024;  // BackboneConfig::meshes_max.
// Our own choices: a ban as long as a recorded summary is of use, and retries as those of seeds.
inline constexpr base::Duration kWatchBan = std::chrono::minutes(10);
inline constexpr base::Duration kWatchSettled = std::chrono::seconds(10);
inline constexpr base::Duration kWatchRetryMin = std::chrono::seconds(1);
inline constexpr base::Duration kWatchRetryMax = std::chrono::seconds(30);
inline constexpr base::Duration kWatchOpenMax = std::chrono::seconds(5);  // For a gateway to take the stream.

// A watch by what it watches: a mesh, or the meshes (of the own mesh's gateways).
struct WatchKey {
    wire::WatchSubject subject = wire::WatchSubject::directory;
    std::string mesh;
    friend auto operator<=>(const WatchKey&, const WatchKey&) = default;
};

// Who can be asked? on_gateways() follows, perhaps at once.
struct SeekGateways {
    WatchKey watch;
};
// on_asked() and on_decided() follow, or on_decided() alone.
struct OpenWatch {
    WatchKey watch;
    base::EndpointId gateway;
};
// A stream of ours is to be reset.
struct CloseWatch {
    delivery::MessageSequence stream;
};
struct FabricMeshChanged {
    std::string mesh;
    wire::WatchMeshChange change = wire::WatchMeshChange::appeared;
};
using WatchEffect =
    std::variant<SeekGateways, OpenWatch, CloseWatch, FabricMeshChanged, WatchedChanged, WatchSourceChanged, WatchLied>;
using WatchEffects = std::vector<WatchEffect>;

struct WatchCounters {
    std::uint64_t refused_full = 0, opened = 0, not_opened = 0, ended = 0, silent = 0, liars = 0, rounds_failed = 0;
    std::uint64_t frames = 0, bytes = 0;
};

class MeshWatches {
public:
    // By whom a mesh is closed; nothing if it is open, or not known.
    using Authority = std::function<std::optional<base::EndpointId>(std::string_view mesh)>;

    // All outlive this.
    MeshWatches(std::string own_mesh, MeshAdmission& admission, Authority authority, base::VerificationMemo* verified,
                base::Rng& rng, telemetry::Ledger& ledger);

    // no: there are kWatchesMax. Watching twice is watching.
    [[nodiscard]] base::Admitted watch(const std::string& mesh, base::TimePoint now, WatchEffects& out);
    void unwatch(const std::string& mesh, WatchEffects& out);
    [[nodiscard]] base::Admitted watch_meshes(base::TimePoint now, WatchEffects& out);
    void unwatch_meshes(WatchEffects& out);

    // None: `text` says why.
    void on_gateways(const WatchKey& watch, std::vector<base::EndpointId> gateways, std::string_view text,
                     base::TimePoint now, WatchEffects& out);
    // Rule 5.
    void on_backbone(base::TimePoint now, WatchEffects& out);
    void on_asked(const WatchKey& watch, delivery::MessageSequence stream);
    // The stream is open, or why not. False: it is none of these.
    bool on_decided(delivery::MessageSequence stream, StreamFate fate, std::string_view text, base::TimePoint now,
                    WatchEffects& out);
    void on_not_asked(const WatchKey& watch, std::string_view text, base::TimePoint now, WatchEffects& out);
    void on_bytes(delivery::MessageSequence stream, base::ByteView data, base::TimePoint now, WatchEffects& out);
    void on_over(delivery::MessageSequence stream, std::string_view text, base::TimePoint now, WatchEffects& out);

    // All streams are closed, and nothing is watched any more.
    void leave(WatchEffects& out);
    void on_deadline(base::TimePoint now, WatchEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool owns(delivery::MessageSequence stream) const { return streams_.contains(stream); }
    [[nodiscard]] std::vector<directory::Row> rows(std::string_view mesh, base::TimePoint now) const;
    [[nodiscard]] std::vector<WatchSource> sources() const;  // Of meshes; then that of the list of meshes, if watched.
    [[nodiscard]] std::set<std::string> meshes() const;      // As its gateway tells.
    [[nodiscard]] std::size_t entries() const;               // Of all.
    [[nodiscard]] std::size_t size() const { return watches_.size(); }
    [[nodiscard]] const WatchCounters& counters() const { return counters_; }

private:
    enum class Phase : std::uint8_t { seeking, opening, listening, waiting };
    // Rule 14 of directory.hpp, by the authority of the mesh.
    class Foreign final : public directory::Admission {
    public:
        Foreign(std::string mesh, MeshAdmission& admission, const Authority& authority)
            : mesh_(std::move(mesh)), admission_(admission), authority_(authority) {}
        bool admits(const base::EndpointId& author, const wire::Digest& digest, base::TimePoint now) override;

    private:
        std::string mesh_;
        MeshAdmission& admission_;
        const Authority& authority_;
    };
    struct Watch {
        Phase phase = Phase::seeking;
        WatchSource source;
        std::vector<base::EndpointId> round;  // Still to be tried, from the back.
        std::optional<base::EndpointId> failed;
        std::deque<std::pair<base::EndpointId, base::TimePoint>> bans;  // Until then.
        std::optional<delivery::MessageSequence> stream;
        wire::WatchFrameReader reader;
        bool begun = false, whole = false;  // Of the list of meshes.
        std::set<std::string> meshes, listed;
        std::unique_ptr<Foreign> admission;
        std::unique_ptr<WatchedDirectory> directory;  // Absent for the list of meshes.
        std::optional<base::TimePoint> due;           // Of silence, or of the next round.
        base::Duration backoff = kWatchRetryMin;
    };
    using Watches = std::map<WatchKey, Watch>;

    base::Admitted add(const WatchKey& key, base::TimePoint now, WatchEffects& out);
    void remove(const WatchKey& key, WatchEffects& out);
    void seek(const WatchKey& key, Watch& watch, base::TimePoint now, WatchEffects& out);
    void try_next(const WatchKey& key, Watch& watch, std::string_view text, base::TimePoint now, WatchEffects& out);
    void fail_round(Watch& watch, std::string_view text, base::TimePoint now, WatchEffects& out);
    // What the frame breaks, if it breaks a rule.
    std::optional<std::string> on_frame(const WatchKey& key, Watch& watch, const wire::WatchFrame& frame,
                                        base::TimePoint now, WatchEffects& out);
    std::optional<std::string> on_list_frame(Watch& watch, const wire::WatchFrame& frame, WatchEffects& out);
    void become_whole_list(Watch& watch, WatchEffects& out);
    void read(const WatchKey& key, Watch& watch, base::TimePoint now, WatchEffects& out);
    void lied(const WatchKey& key, Watch& watch, const std::string& rule, base::TimePoint now, WatchEffects& out);
    void lose(const WatchKey& key, Watch& watch, std::string_view text, base::TimePoint now, WatchEffects& out);
    void drop_stream(Watch& watch, WatchEffects& out);
    void set_state(Watch& watch, WatchState state, std::string_view text, base::TimePoint now, WatchEffects& out);
    [[nodiscard]] Watches::iterator find(delivery::MessageSequence stream);
    static void append(std::vector<WatchedChanged>& changes, WatchEffects& out);

    std::string own_mesh_;
    MeshAdmission& admission_;
    Authority authority_;
    base::VerificationMemo* verified_;
    base::Rng& rng_;
    telemetry::Ledger& ledger_;
    Watches watches_;
    std::map<delivery::MessageSequence, WatchKey> streams_;
    WatchCounters counters_;
};

}  // namespace grapevine::node
