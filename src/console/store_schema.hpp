#pragma once

// The tables of the store and their version.
//
// traces       one row a trace, kept up to date with its spans: what a list shows needs no look at them.
// spans        unique by trace and span id, so that a batch that is sent twice counts once.
// span_names   each name once, with when it came last.
// resources    who speaks; unique by the digest of their attributes.
// logs         in the order they came.
// series       one row a metric, resource and set of attributes, with the newest point in full.
// points       the history of a series: value and count.
//
// Ids are never used again (AUTOINCREMENT), so that a row that outlives what it refers to refers to nothing.

#include "base/result.hpp"
#include "console/sqlite.hpp"

namespace grapevine::console {

inline constexpr std::int64_t kSchemaVersion = 2;
inline constexpr std::int64_t kApplicationId = 0x67764f54;  // "gvOT", in the file's header.

// Makes the tables in an empty file, or checks that they are ours and of a version that we know. Errors: invalid for a
// file of something else, or of a newer version.
base::Status prepare_schema(Database& database);

}  // namespace grapevine::console
