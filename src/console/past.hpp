#pragma once

// The world as it was: what each change replaced, so that a moment of the last hour can be had by undoing what came
// after it. What changes all the time (loads, ages) is not kept.
//
// Bounds: kAge, kRecordsMax; the oldest goes. since() is the earliest moment that can be had whole.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "console/world_types.hpp"

namespace grapevine::console {

struct NodeBrief {
    std::string name;
    std::string mesh;
    std::string type;
    NodeState state = NodeState::unknown;
    ProcessState process = ProcessState::none;
    bool here = false;
    friend bool operator==(const NodeBrief&, const NodeBrief&) = default;
};
NodeBrief brief_of(const NodeRow& row);

struct PastWorld {
    std::map<base::EndpointId, NodeBrief> nodes;
    std::map<LinkId, LinkRow> links;
};

class Past {
public:
    static constexpr base::Duration kAge = std::chrono::hours(1);
    static constexpr std::size_t kRecordsMax = 65'536;

    explicit Past(base::WallTime begin) : since_(begin.unix_ms) {}

    // Before a change: what stood there; nothing if it is new.
    void replaced(const base::EndpointId& id, std::optional<NodeBrief> before, base::WallTime at);
    void replaced(const LinkId& id, std::optional<LinkRow> before, base::WallTime at);

    [[nodiscard]] std::uint64_t since_unix_ms() const { return since_; }
    // Undoes in `present` what came after `unix_ms`.
    void undo(std::uint64_t unix_ms, PastWorld& present) const;
    [[nodiscard]] std::size_t size() const { return records_.size(); }

private:
    struct NodeRecord {
        base::EndpointId id;
        std::optional<NodeBrief> before;
    };
    struct LinkRecord {
        LinkId id;
        std::optional<LinkRow> before;
    };
    struct Record {
        std::uint64_t unix_ms = 0;
        std::variant<NodeRecord, LinkRecord> what;
    };
    void push(Record record);

    std::deque<Record> records_;
    std::uint64_t since_;
};

}  // namespace grapevine::console
