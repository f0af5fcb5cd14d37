#pragma once

// A trace as a waterfall: a line a span, as a tree in the order of their starts, with the node it ran on, a bar on the
// trace's scale and its duration.
//
// What is drawn of a span: its name (red with its cause when it failed), links to other traces, and, when asked, its
// attributes. Log lines of the trace follow. A span whose parent is not in the trace stands at the left and says so.
// The tree is made of somebody else's ids: spans that are each other's parents are drawn once, from the earliest.

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/grapevine/telemetry_view.hpp"

namespace grapevine::apps {

enum class Attributes : std::uint8_t { hidden, shown };

// `trace` as the collector gives it (docs/collector.md).
std::vector<std::string> waterfall_lines(const Pen& pen, const boost::json::object& trace, Attributes attributes);

// How much of the root is covered by the union of its children, 0 to 1; negative without a root or without children.
double covered_by_children(const boost::json::object& trace);

}  // namespace grapevine::apps
