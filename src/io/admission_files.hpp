#pragma once

// Tickets and revocation lists of closed meshes as files: one line of text (wire/admission.hpp), which is no secret, so
// that anybody may read it. Errors name the file first; what was cut off or altered is invalid.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/admission.hpp"

namespace grapevine::io {

inline constexpr std::size_t kAdmissionFileMax = 8192;  // Bytes: the longest list as text, and white space.

base::Result<wire::SignedTicket> read_ticket_file(const std::filesystem::path& path);
base::Result<wire::SignedRevocations> read_revocations_file(const std::filesystem::path& path);

// The text and a newline, atomically; what was there is replaced.
base::Status write_ticket_file(const std::filesystem::path& path, const wire::SignedTicket& ticket);
base::Status write_revocations_file(const std::filesystem::path& path, const wire::SignedRevocations& list);

}  // namespace grapevine::io
