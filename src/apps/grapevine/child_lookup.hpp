#pragma once

// Which child is meant by a name, an id, its label, or MESH.TYPE where exactly one fits.

#include <string_view>
#include <vector>

#include "apps/grapevine/supervisor.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace grapevine::apps {

// any: of several that fit, those that have not ended count alone.
enum class Among : std::uint8_t { alive, any };

// Errors: invalid when several fit, naming them; not_found when none does, or (alive) when it has ended: when and how.
base::Result<const Child*> find_child(const std::vector<const Child*>& children, std::string_view name, Among among,
                                      base::TimePoint now);

}  // namespace grapevine::apps
