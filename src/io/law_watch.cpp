#include "io/law_watch.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "io/control_server.hpp"

namespace grapevine::io {

namespace {

using telemetry::Kind;

// A node has one timer, eight sockets at most, and a few of each for its exporter; a client of the control socket has
// one of each.
constexpr std::uint64_t kTimersMax = 64;
constexpr std::uint64_t kWatchesMax = 64;
constexpr std::uint64_t kSocketsMax = 64;
constexpr std::uint64_t kDescriptorsMax = 128;
constexpr std::uint64_t kExportConnectionsMax = 8;
constexpr std::uint64_t kSpansMax = 2048;  // By number only: a node that waits for its mesh waits in a span.

const telemetry::Tally& of(const telemetry::Census& census, Kind kind) {
    return census[static_cast<std::size_t>(kind)].tally;
}

// The recorder's time is the wall clock's, the oldest of a census is on the loop's.
telemetry::Count open_spans(const telemetry::Recorder& recorder, base::TimePoint now) {
    telemetry::Count count{recorder.ledger()[Kind::span], std::nullopt};
    if (const auto born = recorder.ledger().oldest(Kind::span)) {
        const base::TimePoint wall{base::Duration(recorder.unix_ns())};
        count.oldest = now - std::max(wall - *born, base::Duration(0));
    }
    return count;
}

}  // namespace

LawWatch::LawWatch(Runtime& runtime, const telemetry::Ledger& node, telemetry::Recorder* recorder,
                   std::function<void()> wake)
    : runtime_(runtime), node_(node), recorder_(recorder), wake_(std::move(wake)) {}

LawWatch::~LawWatch() {
    if (timer_) runtime_.cancel(*timer_);
}

telemetry::Census LawWatch::census() const {
    telemetry::Census all = process_census().census;
    telemetry::add(all, node_);
    telemetry::add(all, runtime_.ledger());
    if (recorder_ != nullptr) {
        all[static_cast<std::size_t>(Kind::span)] = open_spans(*recorder_, runtime_.now());
    }
    return all;
}

telemetry::Allowances LawWatch::allowances() const {
    const ProcessCensus process = process_census();
    const std::uint64_t nodes = of(process.census, Kind::node).alive();
    telemetry::Allowances out;
    out.set(Kind::span, kSpansMax);
    out.set(Kind::timer, process.connection_room + nodes * kTimersMax);
    out.set(Kind::watch, process.connection_room + nodes * kWatchesMax);
    out.set(Kind::control_client, ControlServer::kClientsMax);
    out.set(Kind::export_connection, nodes * kExportConnectionsMax);
    out.set(Kind::data_dir, nodes);
    out.set(Kind::descriptor, process.inherited_fds + process.connection_room + nodes * kDescriptorsMax);
    out.set(Kind::socket, process.inherited_fds + process.connection_room + nodes * kSocketsMax);
    out.set(Kind::thread, process.inherited_threads);
    return out;
}

void LawWatch::check() {
    if (!laws_.due(runtime_.now())) return;
    std::vector<telemetry::LawChange> changes;
    laws_.check(census(), allowances(), runtime_.now(), changes);
    for (const auto& change : changes) {
        const auto* broken = std::get_if<stack::LawBroken>(&change);
        if (broken != nullptr && recorder_ != nullptr) telemetry::record(*recorder_, *broken);
        std::visit([this](const auto& event) { events_.emplace_back(event); }, change);
    }
    if (timer_) runtime_.cancel(*std::exchange(timer_, std::nullopt));
    if (!laws_.is_waiting()) return;
    timer_ = runtime_.at(*laws_.next_deadline(), std::chrono::seconds(1), [this] {
        timer_.reset();
        wake_();
    });
}

std::optional<stack::Event> LawWatch::poll_event() {
    if (events_.empty()) return std::nullopt;
    stack::Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void log_law(Log& log, const stack::Event& event) {
    if (const auto* broken = std::get_if<stack::LawBroken>(&event))
        log.write(LogLevel::error, "ledger", "law broken: %s", telemetry::describe(*broken).c_str());
    if (const auto* kept = std::get_if<stack::LawKept>(&event)) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kept->broken_for).count();
        log.write(LogLevel::warn, "ledger", "law kept again: %s, was broken for %lld s",
                  std::string(telemetry::name(kept->kind)).c_str(), static_cast<long long>(seconds));
    }
}

}  // namespace grapevine::io
