#pragma once

/// Everything: include this, or the parts.

#include "grapevine/endpoint.hpp"  // IWYU pragma: export
#include "grapevine/loop.hpp"      // IWYU pragma: export
#include "grapevine/node.hpp"      // IWYU pragma: export
#include "grapevine/producer.hpp"  // IWYU pragma: export
#include "grapevine/result.hpp"    // IWYU pragma: export
#include "grapevine/stream.hpp"    // IWYU pragma: export
