#include "telemetry/laws.hpp"

#include <algorithm>

#include "telemetry/catalogue.hpp"

namespace grapevine::telemetry {

namespace {

constexpr std::array<std::string_view, kKinds> kLaws{
    "each has an owner",           // connection
    "over in seconds",             // handshake
    "each has an owner",           // stream
    "each has an owner",           // dial
    "a view a topic",              // active_peer
    "a view a topic",              // passive_peer
    "one a member",                // directory_entry
    "forgotten after a day",       // remembered_peer
    "few",                         // gossip_topic
    "forgotten in seconds",        // gossip_message
    "over in seconds",             // sync_session
    "one a gossip peer",           // send_queue
    "settled in seconds",          // suspicion
    "few a node, one a client",    // timer
    "few",                         // control_client
    "to peers that gossip wants",  // gossip_link
    "two a member, few others",    // mesh_session
    "few",                         // app_connection
    "over in seconds",             // mesh_exchange
    "the application's own",       // byte_stream
    "few",                         // tombstone
    "few",                         // span
    "few a node",                  // export_connection
    "few a node, one a client",    // watch
    "the application's own",       // app_timer
    "the application's own",       // node
    "one a node",                  // data_dir
    "few a node, one a client",    // descriptor
    "few a node, one a client",    // socket
    "none of ours",                // thread
};

base::Duration age(const Count& count, base::TimePoint now) {
    return count.oldest && *count.oldest < now ? now - *count.oldest : base::Duration(0);
}

bool breaks(const Count& count, const Allowance& allowed, base::TimePoint now) {
    return count.tally.alive() > allowed.alive_max || (allowed.age_max && age(count, now) > *allowed.age_max);
}

std::string seconds_text(base::Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

std::int64_t milliseconds(base::Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

std::string_view law(Kind kind) {
    return kLaws[static_cast<std::size_t>(kind)];
}

std::string describe(const LawBroken& broken) {
    std::string text(name(broken.kind));
    text += ": " + std::to_string(broken.alive) + " alive, at most " + std::to_string(broken.allowed.alive_max) +
            " allowed";
    if (broken.allowed.age_max)
        text += "; the oldest " + seconds_text(broken.oldest) + ", at most " + seconds_text(*broken.allowed.age_max);
    return text + " (" + std::string(law(broken.kind)) + ")";
}

void record(Recorder& recorder, const LawBroken& broken) {
    const std::uint64_t now = recorder.unix_ns();
    const auto lasting = static_cast<std::uint64_t>(std::max<base::Duration::rep>(broken.lasting.count(), 0));
    OpenSpan span = recorder.begin_at(spans::kLawBroken, now > lasting ? now - lasting : now);
    if (!span) return;
    span.set("kind", name(broken.kind)).set("law", law(broken.kind));
    span.set("alive", static_cast<std::int64_t>(broken.alive));
    span.set("limit", static_cast<std::int64_t>(broken.allowed.alive_max));
    span.set("oldest_ms", milliseconds(broken.oldest));
    if (broken.allowed.age_max) span.set("oldest_limit_ms", milliseconds(*broken.allowed.age_max));
    span.fail(describe(broken));
    recorder.end(std::move(span));
}

void Laws::check(const Census& census, const Allowances& allowances, base::TimePoint now, std::vector<LawChange>& out) {
    for (std::size_t i = 0; i < kKinds; ++i) {
        const auto kind = static_cast<Kind>(i);
        if (const auto& allowed = allowances[kind]) judge(kind, census[i], *allowed, now, out);
    }
    plan(census, allowances, now);
}

void Laws::judge(Kind kind, const Count& count, const Allowance& allowed, base::TimePoint now,
                 std::vector<LawChange>& out) {
    State& state = states_[static_cast<std::size_t>(kind)];
    if (!breaks(count, allowed, now)) {
        if (state.told) out.emplace_back(LawKept{kind, now - *state.told});
        state = {};
        return;
    }
    if (!state.since) state.since = now;
    if (state.told || now < *state.since + kGrace) return;
    state.told = now;
    ++ever_;
    out.emplace_back(LawBroken{kind, count.tally.alive(), allowed, age(count, now), now - *state.since});
}

void Laws::plan(const Census& census, const Allowances& allowances, base::TimePoint now) {
    checked_ = true;
    waiting_ = false;
    due_ = now + kCheckEvery;
    deadline_.reset();
    for (std::size_t i = 0; i < kKinds; ++i) {
        if (!allowances[static_cast<Kind>(i)]) continue;
        const State& state = states_[i];
        if (census[i].tally.alive() > 0) deadline_ = base::earliest(deadline_, now + kLookAgain);
        if (!state.since || state.told) continue;
        waiting_ = true;
        deadline_ = base::earliest(deadline_, *state.since + kGrace);
    }
    if (deadline_) due_ = std::min(due_, *deadline_);
}

std::size_t Laws::broken() const {
    return static_cast<std::size_t>(
        std::count_if(states_.begin(), states_.end(), [](const State& state) { return state.told.has_value(); }));
}

}  // namespace grapevine::telemetry
