#pragma once

// What a node of a closed mesh is told about admission, and what it keeps of it in its data directory.
//
// Rules
//  1. A ticket or a list that came while the node ran is kept (`ticket`, `revocations`), so that a restart forgets
//     neither.
//  2. Of the configured and the kept ticket the one counts that expires later: whichever was renewed last. A kept one
//     of another authority, mesh or node is no candidate.
//  3. Both lists are looked at; the higher version wins (admission/gatekeeper.hpp, rule 5).
//  4. What is configured and bad is an error. What was kept and cannot be read is told in the log and ignored: the
//     configuration alone must be able to start a node.

#include <filesystem>

#include <grapevine/node.hpp>

#include "base/result.hpp"
#include "io/log.hpp"
#include "io/runtime.hpp"
#include "stack/types.hpp"

namespace grapevine {

// `kept`: the data directory; null: nothing is kept. `runtime` outlives the node.
base::Result<node::AdmissionConfig> admission_config(const NodeOptions& options, const std::filesystem::path* kept,
                                                     io::Runtime& runtime);

// Rule 1, for any event of the stack.
void keep_admission(const std::filesystem::path& data_dir, const stack::Event& event, io::Log& log);

}  // namespace grapevine
