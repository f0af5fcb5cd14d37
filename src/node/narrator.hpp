#pragma once

// Tells the story of a node as spans: Node reports its inputs and effects here, and the cores know nothing of it.
//
// Rules
//  1. A span wraps the handling of what it names: step() begins it and its destruction ends it; what begins meanwhile
//  is
//     its child. Where nothing is under way, a span is a child of within(), else a root.
//  2. An event begins when the input that brought it about came in (Moment), so that the work of noticing it, the check
//     of a signature above all, lies inside.
//  3. What outlives its input (joining, an exchange, a retry of a seed) is kept open in a bounded table, is a root, and
//     links to what caused it, since it cannot lie inside.
//  4. A statement of ours is broadcast in a producer span whose context is signed with it. The times of a context are
//  on
//     the clock of who sends it: a producer caused by a remote span is therefore a root too, with a link.
//  5. Without a recorder, or where the filter refuses, each call costs a branch or two.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "directory/reconcile.hpp"
#include "directory/types.hpp"
#include "membership/hyparview.hpp"
#include "node/types.hpp"
#include "telemetry/catalogue.hpp"
#include "telemetry/clock_offset.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::node {

class Narrator final : public directory::Contexts {
public:
    static constexpr std::size_t kOpenMax = 64;         // Of each table below; what is more is not told.
    static constexpr std::size_t kSuspicionsMax = 256;  // Accused whose accusations are remembered, for links.
    static constexpr std::size_t kLinksMax = directory::kAccusersMax;

    struct Label {  // Empty for a stranger.
        std::string name;
        std::string type;
    };
    using RttOf = std::function<std::optional<base::Duration>(const base::EndpointId&)>;
    using LabelOf = std::function<Label(const base::EndpointId&)>;

    // `recorder` may be null. `rtt_of` tells the round-trip time of a linked peer, or is empty.
    Narrator(telemetry::Recorder* recorder, const base::EndpointId& self, LabelOf label_of, RttOf rtt_of);
    ~Narrator() override;
    Narrator(const Narrator&) = delete;
    Narrator& operator=(const Narrator&) = delete;

    // Rule 1. Ends its span when destroyed; steps end in the reverse order of their beginning.
    class [[nodiscard]] Step {
    public:
        explicit Step(Narrator* narrator = nullptr) : narrator_(narrator) {}
        Step(Step&& other) noexcept : narrator_(std::exchange(other.narrator_, nullptr)) {}
        Step& operator=(Step&&) = delete;
        ~Step() {
            if (narrator_ != nullptr) narrator_->pop();
        }

    private:
        Narrator* narrator_;
    };
    // Rule 2. Of nested ones the outermost counts.
    class [[nodiscard]] Moment {
    public:
        explicit Moment(Narrator& narrator);
        Moment(const Moment&) = delete;
        Moment& operator=(const Moment&) = delete;
        ~Moment();

    private:
        Narrator* narrator_ = nullptr;
    };

    // The span of whoever drives the node, around the inputs that follow; null: none.
    void within(const telemetry::OpenSpan* span) { within_ = span; }
    telemetry::ClockOffsets& clocks() { return clocks_; }
    [[nodiscard]] const telemetry::ClockOffsets& clocks() const { return clocks_; }

    // Topics.
    Step subscribing(const base::TopicId& topic, std::string_view mesh);
    void join_asked(const base::TopicId& topic, const base::EndpointId& via, base::TimePoint now);
    void join_over(const base::TopicId& topic, std::string_view error);
    // The open span of a join that waits for this peer; null: none.
    [[nodiscard]] const telemetry::OpenSpan* joining(const base::EndpointId& peer) const;
    Step neighbor_up(const base::TopicId& topic, const base::EndpointId& peer);
    Step neighbor_down(const base::TopicId& topic, const base::EndpointId& peer, membership::DownReason reason);

    // Statements. on_statement: before the directory sees one that came by gossip; accepted() or refused() after it.
    base::TraceContext statement(directory::Cause cause, const base::EndpointId& about) override;
    void broadcast_done(const directory::BroadcastStatement& statement);
    void statement_came(const base::EndpointId& from, base::ByteView envelope, std::uint16_t hops, base::TimePoint now);
    Step statement_accepted(const directory::Effects& effects);
    void statement_refused();
    // The estimate of the clock of `peer`, which sent this context itself and straight to us.
    std::optional<telemetry::ClockOffset> offset_of(const base::EndpointId& peer, const base::TraceContext& context,
                                                    base::TimePoint now);

    // The application's topics, at DEBUG: what they say travels without a context, since its bytes are the
    // application's.
    Step said(const base::TopicId& topic, std::size_t size_bytes);
    Step heard(const base::TopicId& topic, const base::EndpointId& from, std::uint16_t hops, std::size_t size_bytes);

    // Members.
    Step discovered(const base::EndpointId& id, directory::Source source);
    // Our own accusation began its span when it was signed (statement), and ends it once it is broadcast.
    Step suspected(const base::EndpointId& accused, const directory::Accuser& accuser);
    Step refuted(const base::EndpointId& accused, directory::Refutation by);
    Step left(const base::EndpointId& id);
    Step died(const base::EndpointId& id, const std::vector<directory::Accuser>& accusers);
    Step pruned(const std::vector<const directory::EntryRemoved*>& removed, base::Duration staleness);

    // Seeds: the wait is announced by seed_waits, the attempt after it is the span.
    void seed_waits(const base::EndpointId& seed, std::uint32_t attempt, base::Duration delay, std::string_view reason);
    void seed_tried(const base::EndpointId& seed);
    void seed_live(const base::EndpointId& seed);

    // Directory exchanges. The context is for the first turn.
    base::TraceContext sync_opened(SyncRef sync, const base::EndpointId& peer, std::uint32_t attempt);
    void sync_served(SyncRef sync, const base::EndpointId& peer, const wire::SyncTurn& first, base::TimePoint now);
    Step sync_turn(SyncRef sync);
    void sync_over(SyncRef sync, const directory::SyncTally& tally, directory::Source source, std::string_view error);

    // Everything that is open ends, with this as its error.
    void end_all(std::string_view why);
    // peer_id, peer_name and peer_node_type, as far as they are known.
    void describe(telemetry::OpenSpan& span, const base::EndpointId& peer) const;

private:
    struct Frame {  // One step under way.
        telemetry::OpenSpan span;
        const telemetry::OpenSpan* borrowed = nullptr;  // Instead: a span from a table, which stays open.
        bool remote = false;                            // Rule 4.
        std::optional<base::TopicId> joined;            // The join that ends with this step.
    };
    struct Saying {  // A statement that is signed and not yet broadcast.
        directory::Cause cause;
        base::EndpointId about;
        telemetry::OpenSpan verdict;  // Accusation and confirmation: suspected, died.
        telemetry::OpenSpan producer;
    };
    struct Join {
        telemetry::OpenSpan span;
        base::EndpointId via;
        std::int64_t attempts = 0;
    };
    struct Seed {
        std::uint32_t attempt = 0;
        base::Duration delay{};
        std::string reason;
        telemetry::OpenSpan span;
    };
    struct Exchange {
        telemetry::OpenSpan span;
        bool served = false;
    };
    struct Arrival {  // The statement that the directory is judging.
        telemetry::OpenSpan span;
        base::EndpointId author;
        Label label;  // Of the author, whom the directory may forget.
        bool remote = false;
    };

    [[nodiscard]] bool wants(const telemetry::SpanSpec& spec) const {
        return recorder_ != nullptr && recorder_->wants(spec);
    }
    [[nodiscard]] const telemetry::OpenSpan* current() const;
    [[nodiscard]] bool is_remote() const { return !frames_.empty() && frames_.back().remote; }
    telemetry::OpenSpan begin(const telemetry::SpanSpec& spec);
    // Rule 3.
    telemetry::OpenSpan begin_root(const telemetry::SpanSpec& spec);
    telemetry::OpenSpan event(const telemetry::SpanSpec& spec, const base::EndpointId& peer);
    Step push(telemetry::OpenSpan span);
    Step push(Frame frame);
    void blame(telemetry::OpenSpan& span, const directory::Accuser& accuser) const;
    telemetry::OpenSpan produce(const telemetry::SpanSpec& spec, const telemetry::OpenSpan& verdict);
    void end_join(const base::TopicId& topic, std::string_view error);
    void pop();
    void remember(const base::EndpointId& accused, const base::TraceContext& context);
    void link_accusations(telemetry::OpenSpan& span, const base::EndpointId& accused);
    telemetry::OpenSpan take_verdict(directory::Cause cause, const base::EndpointId& about);
    void end_seed(Seed& seed, std::string_view error);

    telemetry::Recorder* recorder_;
    base::EndpointId self_;
    LabelOf label_of_;
    RttOf rtt_of_;
    telemetry::ClockOffsets clocks_;
    const telemetry::OpenSpan* within_ = nullptr;
    std::vector<Frame> frames_;
    std::uint64_t moment_ = 0;
    std::optional<Arrival> arrival_;
    base::EndpointId author_;  // Of the statement accepted last, with its label.
    Label author_label_;
    std::vector<Saying> sayings_;
    std::map<base::TopicId, Join> joins_;
    std::map<base::EndpointId, Seed> seeds_;
    std::map<SyncRef, Exchange> syncs_;
    std::map<base::EndpointId, std::vector<base::TraceContext>> suspicions_;
};

}  // namespace grapevine::node
