#include "io/ledger_view.hpp"

#include <algorithm>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "io/law_watch.hpp"
#include "io/process_ledger.hpp"

namespace grapevine::io {

namespace {

namespace json = boost::json;
using telemetry::Kind;

json::string_view view(std::string_view text) {
    return {text.data(), text.size()};
}

std::int64_t milliseconds(base::Duration duration) {
    return std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(), 0);
}

void put_tally(json::object& out, const telemetry::Tally& tally) {
    out["born"] = tally.born;
    out["ended"] = tally.ended;
    out["alive"] = tally.alive();
    out["peak"] = tally.peak;
}

// Of a kind: who judges it, and what is allowed.
struct Judged {
    std::optional<telemetry::Allowance> allowed;
    bool broken = false;
};

Judged judged(const Host& host, const telemetry::Allowances& stack, const telemetry::Allowances& edge, Kind kind) {
    return {edge[kind] ? edge[kind] : stack[kind],
            host.stack().laws().is_broken(kind) || host.law_watch().laws().is_broken(kind)};
}

json::object row(Kind kind, const telemetry::Count& count, const Judged& law, base::TimePoint now) {
    json::object out;
    out["kind"] = view(telemetry::name(kind));
    put_tally(out, count.tally);
    out["oldest_ms"] = count.oldest ? json::value(milliseconds(now - *count.oldest)) : json::value();
    out["limit"] = law.allowed ? json::value(law.allowed->alive_max) : json::value();
    const bool aged = law.allowed && law.allowed->age_max;
    out["oldest_limit_ms"] = aged ? json::value(milliseconds(*law.allowed->age_max)) : json::value();
    out["law"] = view(telemetry::law(kind));
    out["state"] = !law.allowed ? "none" : law.broken ? "broken" : "ok";
    return out;
}

json::value kernel_object() {
    const auto counts = kernel_counts();
    if (!counts) return {};
    json::object out;
    out["descriptors"] = counts->descriptors;
    out["sockets"] = counts->sockets;
    out["threads"] = counts->threads;
    return out;
}

}  // namespace

json::object ledger_object(const telemetry::Census& census) {
    json::object all;
    for (std::size_t i = 0; i < telemetry::kKinds; ++i) {
        json::object entry;
        put_tally(entry, census[i].tally);
        all[view(telemetry::name(static_cast<Kind>(i)))] = std::move(entry);
    }
    return all;
}

std::string encode_ledger(const Host& host) {
    const telemetry::Census census = host.law_watch().census();
    const telemetry::Allowances stack = host.stack().allowances();
    const telemetry::Allowances edge = host.law_watch().allowances();
    json::array kinds;
    for (std::size_t i = 0; i < telemetry::kKinds; ++i) {
        const auto kind = static_cast<Kind>(i);
        kinds.emplace_back(row(kind, census[i], judged(host, stack, edge, kind), host.now()));
    }
    json::object answer;
    answer["ok"] = true;
    answer["name"] = host.stack().own_name();
    answer["kinds"] = std::move(kinds);
    answer["laws_broken"] = host.stack().laws().broken() + host.law_watch().laws().broken();
    answer["laws_broken_ever"] = host.stack().laws().broken_ever() + host.law_watch().laws().broken_ever();
    answer["kernel"] = kernel_object();
    return json::serialize(answer);
}

}  // namespace grapevine::io
