#include "apps/grapevine/mesh_options.hpp"

#include <array>
#include <chrono>
#include <filesystem>

#include "admission/authority.hpp"
#include "admission/calendar.hpp"
#include "base/encoding.hpp"
#include "io/admission_files.hpp"
#include "io/fd.hpp"
#include "io/files.hpp"
#include "io/key_file.hpp"
#include "wire/addr.hpp"

namespace grapevine::apps {
namespace {

struct Unit {
    std::string_view suffix;
    std::uint64_t seconds;
};
constexpr std::array<Unit, 4> kUnits{{{"m", 60}, {"h", 3600}, {"d", 86'400}, {"w", 604'800}}};

}  // namespace

base::WallTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count())};
}

base::Result<std::uint64_t> parse_lifetime(std::string_view text) {
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) {
            continue;
        }
        const std::uint64_t most = kLifetimeDaysMax * 86'400 / unit.seconds;
        if (const auto count = cli::parse_number("", text.substr(0, text.size() - 1), 1, most)) {
            return *count * unit.seconds;
        }
    }
    return base::invalid("--for: '" + base::printable(text) +
                         "' is no time: a number with m, h, d or w, at most 100 years");
}

base::Result<std::uint64_t> expiry_of(const cli::Parsed& parsed, base::WallTime wall) {
    if (parsed.has("--for") == parsed.has("--until")) {
        return base::invalid("--for, --until: one of them is required: every ticket expires");
    }
    if (parsed.has("--for")) {
        const auto seconds = parse_lifetime(parsed.text("--for"));
        return seconds ? base::Result<std::uint64_t>(wall.unix_ms / 1000 + *seconds) : seconds;
    }
    auto until = admission::parse_utc(parsed.text("--until"));
    if (!until) {
        return base::invalid("--until: " + until.error().message);
    }
    return until;
}

base::Result<base::EndpointId> parse_node_id(std::string_view flag, std::string_view text) {
    if (text.starts_with("endpoint")) {
        const auto ticket = wire::parse_ticket(text);
        if (!ticket) {
            return base::invalid(std::string(flag) + ": " + ticket.error().message);
        }
        return ticket->id;
    }
    auto id = base::EndpointId::parse(text);
    if (!id) {
        return base::invalid(std::string(flag) + ": " + id.error().message);
    }
    return id;
}

base::Result<base::EndpointId> parse_authority_id(std::string_view flag, const std::string& text) {
    if (auto id = base::EndpointId::parse(text)) {
        return id;
    }
    std::error_code error;
    if (!std::filesystem::exists(text, error)) {
        return base::invalid(std::string(flag) + ": '" + base::printable(text) +
                             "' is neither an authority's id nor its file");
    }
    const auto authority = io::read_authority_file(text);
    if (!authority) {
        return tl::unexpected(authority.error());
    }
    return authority->key.id();
}

std::uint64_t fresh_serial() {
    std::uint64_t serial = 0;
    io::fill_random(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
    return serial;
}

namespace {

// The authority in the file, or a new one in it.
base::Result<io::Authority> load_or_create_authority(const std::filesystem::path& path, const std::string& mesh) {
    auto authority = io::read_authority_file(path);
    if (authority || authority.error().code != base::ErrorCode::not_found) {
        return authority;
    }
    io::Authority fresh{mesh, base::SecretKey::generate()};
    if (const auto made = io::create_authority_file(path, fresh); !made) {
        return tl::unexpected(made.error());
    }
    return fresh;
}

base::Result<std::filesystem::path> admit_data_dir(const io::Authority& authority, const std::filesystem::path& dir,
                                                   wire::AdmissionUse use) {
    if (const auto made = io::make_private_dir("data directory", dir); !made) {
        return tl::unexpected(made.error());
    }
    const auto key = io::load_or_mint_key(dir / "key");
    if (!key) {
        return tl::unexpected(key.error());
    }
    const base::WallTime wall = wall_now();
    wire::AdmissionTicket ticket;
    ticket.mesh = authority.mesh;
    ticket.node = key->id();
    ticket.use = use;
    ticket.expires_unix_s = wall.unix_ms / 1000 + kClusterTicketDays * 86'400;
    ticket.serial = fresh_serial();
    const auto made = admission::make_ticket(authority.key, std::move(ticket), wall);
    if (!made) {
        return tl::unexpected(made.error());
    }
    const bool member = use == wire::AdmissionUse::member;
    const std::filesystem::path file = dir / (member ? "admission" : "visit-" + authority.mesh);
    if (const auto written = io::write_ticket_file(file, *made); !written) {
        return tl::unexpected(written.error());
    }
    return file;
}

}  // namespace

base::Result<Admitted> admit_to(const std::filesystem::path& run_dir, const std::string& mesh,
                                const std::filesystem::path& data_dir, wire::AdmissionUse use) {
    const auto authority = load_or_create_authority(run_dir / (mesh + ".authority"), mesh);
    if (!authority) {
        return tl::unexpected(authority.error());
    }
    auto ticket = admit_data_dir(*authority, data_dir, use);
    if (!ticket) {
        return tl::unexpected(ticket.error());
    }
    return Admitted{authority->key.id().hex(), std::move(*ticket)};
}

std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        items.emplace_back(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return items;
}

}  // namespace grapevine::apps
