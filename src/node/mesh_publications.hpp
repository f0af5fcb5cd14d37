#pragma once

// Publications in a mesh: what others announce is judged, what is published here is signed, and pieces of content are
// asked for and given by requests between nodes.
//
// Rules
//  1. An announcement counts if it is of this mesh, well formed, signed, and of somebody who is a member: who holds a
//     member's grant, or shows a ticket that would give one, since its digest may not have come yet. In an open mesh
//     everybody is. What is refused is counted by cause; gossip has relayed it before, as it relays what it does not
//     understand, so that no node can keep a statement from others.
//  2. A piece is asked for by an idempotent request to the peer's id, for kChunkDeadlineMax. Every end but a reply with
//     bytes in it is none.
//  3. Questions of peers are answered at once, and not by way of the inbox: each copy is answered anew, so that nothing
//     needs to be remembered, and services have their queues, and the room for replies, to themselves. In a closed mesh
//     only members are answered, also if they are visitors besides. What a peer asks for and does not read is bounded
//     where it is written (stack/delivery_streams.hpp, rule 5).
//  4. Who asks for what is being fetched here is answered when it is here, or missed: gossip spans a mesh in less time
//     than one fetch takes, and otherwise all nodes but a few would turn to the author. Nobody waits for a fetch that
//     itself waits for its turn, and each has heard of the content before those who wait for it, so that none wait for
//     each other. At most kHeldMax questions wait, kHeldOfPeerMax of one peer; what is more is answered at once. They
//     are forgotten with the session, on which the peer asks again. Each is answered in the end, since it takes a place
//     in the window of its sender until then; without a piece if that has given up meanwhile.
//  5. What became of questions is taken up one after another, so that a chain of failures is no chain of calls.
//  6. The own numbers begin at the node's start in milliseconds, so that no life uses those of an earlier one, as long
//     as it publishes less than a thousand times a second and its clock does not go back.
//  7. A node that leaves asks for nothing more, and tells nothing more of what it had not fetched. It still gives.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/publications.hpp"
#include "delivery/types.hpp"
#include "directory/directory.hpp"
#include "node/mesh_admission.hpp"
#include "node/types.hpp"
#include "wire/publication.hpp"

namespace grapevine::node {

// Longer than a dead peer takes to be noticed, and for 60 KiB a slow way of 12 KiB/s.
inline constexpr base::Duration kChunkDeadlineMax = std::chrono::seconds(5);

inline constexpr std::size_t kHeldMax = 1024;
inline constexpr std::size_t kHeldOfPeerMax = 8;  // A peer has at most four fetches under way.

// Why an announcement does not count, besides the faults of any statement.
enum class AnnouncementRefusal : std::uint8_t { wrong_mesh, not_admitted, count_ };
inline constexpr std::size_t kAnnouncementRefusals = static_cast<std::size_t>(AnnouncementRefusal::count_);
std::string_view name(AnnouncementRefusal refusal);

struct MeshPublicationCounters {
    std::array<std::uint64_t, wire::kStatementFaults> faults{};
    std::array<std::uint64_t, kAnnouncementRefusals> refused{};
    std::uint64_t bad_questions = 0;  // Of no form.
    std::uint64_t strangers = 0;      // Questions of peers that are no members.
    std::uint64_t not_asked = 0;      // The outbox was full.
    std::uint64_t held = 0;           // Questions that waited.
    std::uint64_t held_full = 0;      // Answered at once instead.
};

class MeshPublications {
public:
    // What became of a question; no chunk: it has none, or did not answer.
    struct Ended {
        delivery::FetchId fetch;
        std::optional<base::Bytes> chunk;
    };

    // All outlive this.
    MeshPublications(const MeshConfig& config, const base::SecretKey& key, const directory::Directory& directory,
                     MeshAdmission& admission, base::Rng& rng);

    // Rule 1: what the envelope says, or nothing.
    std::optional<wire::SignedNotice> judge(base::ByteView envelope, base::TimePoint now);
    // The envelope of an own one.
    [[nodiscard]] base::Bytes sign(const delivery::Announcement& what, const base::TraceContext& context) const;

    // Rule 2. question() is what to submit; then comes asked() or not_asked(), and ended() when it has its end: false
    // for messages that are none of these.
    [[nodiscard]] static delivery::Submission question(const delivery::AskChunk& ask);
    void asked(delivery::MessageSequence message, delivery::FetchId fetch) { asked_[message] = fetch; }
    void not_asked(delivery::FetchId fetch);
    bool ended(delivery::Finished& finished);
    // Rule 5.
    std::optional<Ended> next_ended();

    // Rules 3 and 4. The frame is addressed by a reserved name. Nothing: the answer comes by release().
    std::optional<wire::Outcome> answer(const base::EndpointId& peer, const wire::Deliver& frame, base::TimePoint now);
    // The content is here, or will not come: the answers to those who wait for it.
    std::vector<delivery::SendOutcome> release(const base::Blake3Hash& hash, base::TimePoint now);
    // The peer's session is gone, or another one.
    void forget(const base::EndpointId& peer);

    // Rule 7. The messages that need not be waited for.
    std::vector<delivery::MessageSequence> leave();
    // Those who wait for anything are told that it is not here.
    std::vector<delivery::SendOutcome> release_all();
    [[nodiscard]] bool leaving() const { return leaving_; }

    [[nodiscard]] delivery::Publications& core() { return core_; }
    [[nodiscard]] const delivery::Publications& core() const { return core_; }
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    [[nodiscard]] const MeshPublicationCounters& counters() const { return counters_; }

private:
    struct Held {
        wire::MessageSequence message;
        wire::ChunkQuestion question;
        base::TimePoint until;
    };

    // What was asked, if it may be answered.
    [[nodiscard]] std::optional<wire::ChunkQuestion> read(const base::EndpointId& peer, const wire::Deliver& frame);
    [[nodiscard]] bool hold(const base::EndpointId& peer, const Held& held);
    [[nodiscard]] wire::Outcome outcome(const base::EndpointId& peer, wire::MessageSequence message,
                                        const wire::ChunkQuestion& question);

    const MeshConfig& config_;
    const base::SecretKey& key_;
    const directory::Directory& directory_;
    MeshAdmission& admission_;
    delivery::Publications core_;
    std::map<delivery::MessageSequence, delivery::FetchId> asked_;  // As many as the core has under way.
    std::deque<Ended> ended_;                                       // Likewise.
    std::map<base::EndpointId, std::vector<Held>> held_;            // Rule 4.
    std::size_t held_count_ = 0;
    bool leaving_ = false;
    MeshPublicationCounters counters_;
};

}  // namespace grapevine::node
