#pragma once

// What the commands `grapevine mesh ...` share: how long something holds, whom it is for, and today.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "grapevine/node_main_flags.hpp"
#include "io/authority_file.hpp"
#include "wire/admission.hpp"

namespace grapevine::apps {

inline constexpr std::uint64_t kLifetimeDaysMax = 36'500;

// The wall clock of this machine.
base::WallTime wall_now();

// "90m", "12h", "30d", "52w": seconds, at least one minute and at most kLifetimeDaysMax.
base::Result<std::uint64_t> parse_lifetime(std::string_view text);

// Exactly one of --for and --until: when it ends, in seconds since the epoch.
base::Result<std::uint64_t> expiry_of(const cli::Parsed& parsed, base::WallTime wall);

// A node's id, or an endpoint ticket that has it.
base::Result<base::EndpointId> parse_node_id(std::string_view flag, std::string_view text);

// An authority's public id, or its file.
base::Result<base::EndpointId> parse_authority_id(std::string_view flag, const std::string& text);

struct Admitted {
    std::string authority;         // The public id.
    std::filesystem::path ticket;  // "admission" in the data directory for a member, "visit-MESH" for a visitor.
};
// Admits the node of a data directory to a closed mesh of a run, for kClusterTicketDays. The mesh's authority is
// "MESH.authority" in the run's directory, which is made if there is none, as is the node's key.
inline constexpr std::uint64_t kClusterTicketDays = 365;
base::Result<Admitted> admit_to(const std::filesystem::path& run_dir, const std::string& mesh,
                                const std::filesystem::path& data_dir, wire::AdmissionUse use);

// A serial for a ticket. Random, since nothing here remembers which were given.
std::uint64_t fresh_serial();

std::vector<std::string> split_commas(std::string_view text);

}  // namespace grapevine::apps
