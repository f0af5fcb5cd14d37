#include "io/admission_files.hpp"

#include "io/files.hpp"

namespace grapevine::io {

namespace {

constexpr std::string_view kTicket = "ticket file";
constexpr std::string_view kList = "revocations file";
constexpr mode_t kMode = 0644;

template <typename T>
base::Result<T> read(std::string_view what, const std::filesystem::path& path,
                     base::Result<T> (*parse)(std::string_view text)) {
    const auto text = read_file(what, path, kAdmissionFileMax, Privacy::anyone);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto value = parse(*text);
    if (!value) {
        return base::invalid(file_subject(what, path) + ": " + value.error().message);
    }
    return value;
}

}  // namespace

base::Result<wire::SignedTicket> read_ticket_file(const std::filesystem::path& path) {
    return read(kTicket, path, wire::parse_admission_text);
}

base::Result<wire::SignedRevocations> read_revocations_file(const std::filesystem::path& path) {
    return read(kList, path, wire::parse_revocations_text);
}

base::Status write_ticket_file(const std::filesystem::path& path, const wire::SignedTicket& ticket) {
    return write_file_atomically(kTicket, path, wire::admission_text(ticket) + "\n", kMode, Durability::synced);
}

base::Status write_revocations_file(const std::filesystem::path& path, const wire::SignedRevocations& list) {
    return write_file_atomically(kList, path, wire::revocations_text(list) + "\n", kMode, Durability::synced);
}

}  // namespace grapevine::io
