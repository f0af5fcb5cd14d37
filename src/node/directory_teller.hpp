#pragma once

// A gateway's side of watching: it tells its directory, and the meshes that it knows, to those who opened a stream by
// name for that (wire/watch.hpp).
//
// Rules
//  1. A gateway tells its directory to whoever may speak with it: in a closed mesh to members and visitors, by their
//     grants. It tells meshes to members, while it is on the backbone. All others are refused, with a text that names
//     no node; each refusal is counted by cause. One watch of each kind a peer, kWatchersMax in all.
//  2. First everything that is known is told, in order of ids, then that this was all; from then on each statement that
//     the directory accepts, in the bytes that were signed, and who is removed, with the cause. What changes meanwhile
//     of those who were told already follows after.
//  3. A watcher says nothing: one that does is dropped. One that does not read is dropped when kWatchBehindMax wait for
//     it, or when it took nothing for kWatchStalled.
//  4. Who has nothing new to hear hears a beat each kWatchBeat.
//
// What a stream did not take comes back (taken), and goes first the next time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "directory/directory.hpp"
#include "fabric/backbone.hpp"
#include "node/mesh_admission.hpp"
#include "node/types.hpp"
#include "wire/delivery.hpp"
#include "wire/watch.hpp"

namespace grapevine::node {

inline constexpr std::size_t kWatchersMax = 8;
inline constexpr std::size_t kWatchBehindMax = 256U * 1024U;  // Bytes beside what QUIC holds.
inline constexpr std::size_t kWatchChunk = 32U * 1024U;       // Said at a time.
inline constexpr base::Duration kWatchStalled = std::chrono::seconds(10);

// Codes with which a watch is reset.
inline constexpr std::uint32_t kWatchSlow = 1;
inline constexpr std::uint32_t kWatchRubbish = 2;
inline constexpr std::uint32_t kWatchOffDuty = 3;

enum class TellRefusal : std::uint8_t {
    bad_name,  // Of another node, or of no kind that is known.
    not_admitted,
    not_gateway,
    off_duty,
    too_often,
    second,  // Of this peer.
    full,
    count_,
};
inline constexpr std::size_t kTellRefusals = static_cast<std::size_t>(TellRefusal::count_);
std::string_view name(TellRefusal refusal);

struct TellerCounters {
    std::array<std::uint64_t, kTellRefusals> refused{};
    std::uint64_t taken = 0, slow = 0, rubbish = 0, statements = 0, bytes = 0;
    [[nodiscard]] std::uint64_t operator[](TellRefusal refusal) const {
        return refused[static_cast<std::size_t>(refusal)];
    }
};

class DirectoryTeller final : public directory::Witness {
public:
    // All outlive this; they are used from on_open() on.
    DirectoryTeller(const MeshConfig& config, const directory::Directory& directory, const MeshAdmission& admission)
        : config_(config), directory_(directory), admission_(admission) {}

    // A peer opens a stream under a reserved name.
    void on_open(const base::EndpointId& peer, const wire::OpenStream& asked, const fabric::Backbone& backbone,
                 base::TimePoint now, Effects& out);
    void refuse(const base::EndpointId& peer, const wire::OpenStream& asked, TellRefusal refusal, Effects& out);

    // What changed; said at the next pump().
    void accepted(const base::EndpointId& about, base::ByteView envelope, base::TimePoint now) override;
    void on_removed(const base::EndpointId& id, directory::RemovalCause cause, base::TimePoint now);
    void on_mesh(std::string_view mesh, wire::WatchMeshChange change, base::TimePoint now);
    void on_off_duty(Effects& out);
    void pump(base::TimePoint now, Effects& out);

    // Of what was said last; `untaken` is its end.
    void on_taken(const OwnStream& stream, base::Bytes untaken, base::TimePoint now, Effects& out);
    void on_room(const OwnStream& stream, base::TimePoint now, Effects& out);
    void on_bytes(const OwnStream& stream, Effects& out);  // Rule 3.
    void on_over(const OwnStream& stream);
    void on_deadline(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t size() const { return watchers_.size(); }
    [[nodiscard]] std::size_t waiting_bytes() const;
    [[nodiscard]] const TellerCounters& counters() const { return counters_; }

private:
    struct Word {
        base::TimePoint heard;  // Of a statement.
        wire::WatchFrame frame;
    };
    enum class Stage : std::uint8_t { begin, telling, whole };
    struct Watcher {
        base::EndpointId peer;
        wire::WatchSubject subject = wire::WatchSubject::directory;
        Stage stage = Stage::begin;
        std::optional<base::EndpointId> told;  // All up to this one.
        std::deque<Word> words;
        std::size_t words_bytes = 0;
        base::Bytes rest;      // What the stream did not take.
        bool said = false;     // on_taken() is to come.
        bool dropped = false;  // Rule 3, at the next pump().
        base::TimePoint said_at;
        std::optional<base::TimePoint> blocked_since;
    };
    using Watchers = std::map<OwnStream, Watcher>;

    [[nodiscard]] std::optional<TellRefusal> judge(const base::EndpointId& peer,
                                                   const std::optional<wire::WatchTarget>& target,
                                                   const fabric::Backbone& backbone) const;
    void add_word(Watcher& watcher, Word word);
    void pump(const OwnStream& stream, Watcher& watcher, base::TimePoint now, Effects& out);
    void fill(Watcher& watcher, base::TimePoint now, base::Bytes& chunk);
    void tell_directory(Watcher& watcher, base::TimePoint now, base::Bytes& chunk);
    void drop(Watchers::iterator it, std::uint32_t code, Effects& out);

    const MeshConfig& config_;
    const directory::Directory& directory_;
    const MeshAdmission& admission_;
    Watchers watchers_;
    std::uint64_t next_ = 1;
    TellerCounters counters_;
};

}  // namespace grapevine::node
