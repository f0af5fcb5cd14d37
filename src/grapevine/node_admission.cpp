#include "grapevine/node_admission.hpp"

#include <map>
#include <string>
#include <utility>

#include "io/admission_files.hpp"

namespace grapevine {

namespace {

constexpr const char* kTicketFile = "ticket";
constexpr const char* kRevocationsFile = "revocations";
constexpr const char* kAdmissionSite = "node.admission";

// Rule 4.
template <typename T>
std::optional<T> kept_value(const std::filesystem::path& path, base::Result<T> (*read)(const std::filesystem::path&),
                            io::Log& log) {
    auto value = read(path);
    if (value) {
        return std::move(*value);
    }
    if (value.error().code != base::ErrorCode::not_found) {
        log.write(io::LogLevel::warn, kAdmissionSite, "%s; ignored", value.error().message.c_str());
    }
    return std::nullopt;
}

// Rule 2. Whether it is this node's, its gatekeeper finds out.
base::Bytes newer(const std::optional<wire::SignedTicket>& configured, const std::optional<wire::SignedTicket>& kept,
                  const base::EndpointId& authority) {
    const bool candidate =
        kept && kept->authority == authority &&
        (!configured || (kept->value.node == configured->value.node && kept->value.mesh == configured->value.mesh &&
                         kept->value.expires_unix_s > configured->value.expires_unix_s));
    if (candidate) {
        return kept->envelope;
    }
    return configured ? configured->envelope : base::Bytes{};
}

// The tickets of the configuration: the own mesh's, and by name those of others.
struct Configured {
    std::optional<wire::SignedTicket> own;
    std::map<std::string, base::Bytes> visits;
};

base::Result<Configured> configured_tickets(const NodeOptions& options) {
    Configured configured;
    for (const std::string& text : options.tickets) {
        auto ticket = wire::parse_admission_text(text);
        if (!ticket) {
            return tl::unexpected(ticket.error());
        }
        const std::string mesh = ticket->value.mesh;
        const bool own = mesh == options.mesh;
        if (own ? configured.own.has_value() : configured.visits.contains(mesh)) {
            return base::invalid("--ticket: two tickets for mesh '" + mesh + "'");
        }
        if (own) {
            configured.own = std::move(*ticket);
        } else {
            configured.visits.emplace(mesh, std::move(ticket->envelope));
        }
    }
    return configured;
}

base::Status add_lists(const NodeOptions& options, const std::filesystem::path* kept, io::Log& log,
                       node::AdmissionConfig& config) {
    if (!options.revocations.empty()) {
        auto list = wire::parse_revocations_text(options.revocations);
        if (!list) {
            return tl::unexpected(list.error());
        }
        config.revocations.push_back(std::move(list->envelope));
    }
    if (kept != nullptr) {
        if (auto list = kept_value(*kept / kRevocationsFile, io::read_revocations_file, log)) {
            config.revocations.push_back(std::move(list->envelope));
        }
    }
    return {};
}

}  // namespace

base::Result<node::AdmissionConfig> admission_config(const NodeOptions& options, const std::filesystem::path* kept,
                                                     io::Runtime& runtime) {
    node::AdmissionConfig config;
    const auto offset = static_cast<std::uint64_t>(options.clock_offset.count());  // Modulo 2^64, as added below.
    config.wall = [&runtime, offset](base::TimePoint) { return base::WallTime{runtime.wall_now().unix_ms + offset}; };
    auto tickets = configured_tickets(options);
    if (!tickets) {
        return tl::unexpected(tickets.error());
    }
    config.visits = std::move(tickets->visits);
    if (options.authority.empty()) {
        if (tickets->own || !options.revocations.empty()) {
            return base::invalid("--ticket, --revocations: mesh '" + options.mesh +
                                 "' is open; --authority says whose they are");
        }
        return config;
    }
    const auto authority = base::EndpointId::parse(options.authority);
    if (!authority) {
        return base::invalid("--authority: " + authority.error().message);
    }
    config.authority = *authority;
    if (const auto added = add_lists(options, kept, runtime.log(), config); !added) {
        return tl::unexpected(added.error());
    }
    std::optional<wire::SignedTicket> kept_ticket;
    if (kept != nullptr) {
        kept_ticket = kept_value(*kept / kTicketFile, io::read_ticket_file, runtime.log());
    }
    config.ticket = newer(tickets->own, kept_ticket, *authority);
    return config;
}

void keep_admission(const std::filesystem::path& data_dir, const stack::Event& event, io::Log& log) {
    base::Status kept;
    if (const auto* learned = std::get_if<stack::RevocationsLearned>(&event)) {
        if (const auto list = wire::read_revocations(learned->envelope)) {
            kept = io::write_revocations_file(data_dir / kRevocationsFile, *list);
        }
    } else if (const auto* replaced = std::get_if<stack::TicketReplaced>(&event)) {
        if (const auto ticket = wire::read_ticket(replaced->envelope)) {
            kept = io::write_ticket_file(data_dir / kTicketFile, *ticket);
        }
    }
    if (!kept) {
        log.write(io::LogLevel::error, kAdmissionSite, "%s", kept.error().message.c_str());
    }
}

}  // namespace grapevine
