#include "console/past.hpp"

#include <utility>

#include "base/overloaded.hpp"

namespace grapevine::console {
namespace {

template <typename Map, typename Record>
void restore(Map& map, const Record& record) {
    if (record.before) {
        map.insert_or_assign(record.id, *record.before);
    } else {
        map.erase(record.id);
    }
}

}  // namespace

NodeBrief brief_of(const NodeRow& row) {
    return {row.digest.name, row.digest.mesh, row.digest.type, row.state, row.process, row.here};
}

void Past::replaced(const base::EndpointId& id, std::optional<NodeBrief> before, base::WallTime at) {
    push({at.unix_ms, NodeRecord{id, std::move(before)}});
}

void Past::replaced(const LinkId& id, std::optional<LinkRow> before, base::WallTime at) {
    push({at.unix_ms, LinkRecord{id, std::move(before)}});
}

void Past::push(Record record) {
    constexpr auto kAgeMs = static_cast<std::uint64_t>(kAge / std::chrono::milliseconds(1));
    const std::uint64_t oldest = record.unix_ms > kAgeMs ? record.unix_ms - kAgeMs : 0;
    records_.push_back(std::move(record));
    while (records_.size() > kRecordsMax || records_.front().unix_ms < oldest) {
        since_ = records_.front().unix_ms;
        records_.pop_front();
    }
}

void Past::undo(std::uint64_t unix_ms, PastWorld& present) const {
    for (auto it = records_.rbegin(); it != records_.rend() && it->unix_ms > unix_ms; ++it) {
        std::visit(base::Overloaded{[&](const NodeRecord& node) { restore(present.nodes, node); },
                                    [&](const LinkRecord& link) { restore(present.links, link); }},
                   it->what);
    }
}

}  // namespace grapevine::console
