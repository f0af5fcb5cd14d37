#include "admission/authority.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "admission/calendar.hpp"
#include "base/encoding.hpp"

namespace grapevine::admission {

namespace {

base::Error said_of(const std::string& what, const base::Error& error) {
    return {error.code, what + ": " + error.message};
}

bool is_forgotten(const wire::RevokedTicket& ticket, base::WallTime wall) {
    // No overflow: expiries are at most kExpiryMax.
    return has_expired(ticket.expires_unix_s + kRevokedKeptS, wall);
}

std::string expiry_text(std::uint64_t expires_unix_s, base::WallTime wall) {
    return utc_text(expires_unix_s) + (has_expired(expires_unix_s, wall) ? " (expired)" : "");
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

base::Status check_previous(const wire::SignedRevocations& previous, const base::EndpointId& authority,
                            std::string_view mesh) {
    const std::string what = "revocation list " + std::to_string(previous.value.list_version);
    if (previous.value.mesh != mesh)
        return base::invalid(what + ": is for mesh '" + base::printable(previous.value.mesh) + "', not '" +
                             base::printable(mesh) + "'");
    if (previous.authority != authority)
        return base::invalid(what + ": is of authority " + previous.authority.short_hex() + ", not " +
                             authority.short_hex());
    if (!wire::signature_holds(previous))
        return base::invalid(what + ": is not signed by authority " + authority.short_hex());
    if (previous.value.list_version == std::numeric_limits<std::uint64_t>::max())
        return base::invalid(what + ": there is no higher version");
    return {};
}

// Expiries by serial, of all that are still to be told.
std::map<std::uint64_t, std::uint64_t> still_revoked(const std::optional<wire::SignedRevocations>& previous,
                                                     const std::vector<wire::RevokedTicket>& added,
                                                     base::WallTime wall) {
    std::map<std::uint64_t, std::uint64_t> revoked;
    const auto add = [&](const wire::RevokedTicket& ticket) {
        auto& expires = revoked[ticket.serial];
        expires = std::max(expires, ticket.expires_unix_s);
    };
    if (previous) std::for_each(previous->value.revoked.begin(), previous->value.revoked.end(), add);
    std::for_each(added.begin(), added.end(), add);
    std::erase_if(revoked, [&](const auto& ticket) { return is_forgotten({ticket.first, ticket.second}, wall); });
    return revoked;
}

base::Error full(const std::string& what, const std::vector<wire::RevokedTicket>& revoked) {
    const auto first = std::min_element(revoked.begin(), revoked.end(), [](const auto& a, const auto& b) {
        return a.expires_unix_s < b.expires_unix_s;
    });
    return {base::ErrorCode::exhausted, what + ": " + std::to_string(revoked.size()) + " revoked tickets where " +
                                            std::to_string(wire::kRevokedMax) + " are allowed; the next leaves at " +
                                            utc_text(first->expires_unix_s + kRevokedKeptS)};
}

}  // namespace

base::Result<wire::SignedTicket> make_ticket(const base::SecretKey& authority, wire::AdmissionTicket ticket,
                                             base::WallTime wall) {
    std::sort(ticket.types.begin(), ticket.types.end());
    ticket.types.erase(std::unique(ticket.types.begin(), ticket.types.end()), ticket.types.end());
    const std::string what = "ticket for node " + ticket.node.short_hex();
    if (const auto valid = wire::check(ticket); !valid) return tl::unexpected(said_of(what, valid.error()));
    if (has_expired(ticket.expires_unix_s, wall))
        return base::invalid(what + ": expiry: " + utc_text(ticket.expires_unix_s) + " has passed");
    return wire::sign_ticket(authority, std::move(ticket));
}

base::Result<wire::SignedRevocations> next_revocations(const base::SecretKey& authority, std::string_view mesh,
                                                       const std::optional<wire::SignedRevocations>& previous,
                                                       const std::vector<wire::RevokedTicket>& added,
                                                       base::WallTime wall) {
    if (previous) {
        if (auto valid = check_previous(*previous, authority.id(), mesh); !valid) return tl::unexpected(valid.error());
    }
    wire::RevocationList list;
    list.mesh = std::string(mesh);
    list.list_version = previous ? previous->value.list_version + 1 : 1;
    const std::string what = "revocation list " + std::to_string(list.list_version);
    for (const auto& ticket : added)
        if (auto valid = wire::check_expiry(ticket.expires_unix_s); !valid)
            return tl::unexpected(said_of(what + ": serial " + std::to_string(ticket.serial), valid.error()));
    for (const auto& [serial, expires] : still_revoked(previous, added, wall))
        list.revoked.push_back({serial, expires});
    if (list.revoked.size() > wire::kRevokedMax) return tl::unexpected(full(what, list.revoked));
    if (const auto valid = wire::check(list); !valid) return tl::unexpected(said_of(what, valid.error()));
    return wire::sign_revocations(authority, std::move(list));
}

std::vector<TextRow> describe(const wire::SignedTicket& signed_ticket, base::WallTime wall) {
    const wire::AdmissionTicket& ticket = signed_ticket.value;
    std::vector<TextRow> rows{
        {"mesh", ticket.mesh}, {"node", ticket.node.hex()}, {"use", std::string(wire::name(ticket.use))}};
    if (ticket.use == wire::AdmissionUse::member)
        rows.push_back({"types", ticket.types.empty() ? "any" : joined(ticket.types)});
    rows.push_back({"expires", expiry_text(ticket.expires_unix_s, wall)});
    rows.push_back({"serial", std::to_string(ticket.serial)});
    rows.push_back({"authority", signed_ticket.authority.hex()});
    return rows;
}

std::vector<TextRow> describe(const wire::SignedRevocations& signed_list, base::WallTime wall) {
    const wire::RevocationList& list = signed_list.value;
    std::vector<TextRow> rows{
        {"mesh", list.mesh},
        {"version", std::to_string(list.list_version)},
        {"authority", signed_list.authority.hex()},
        {"revoked", std::to_string(list.revoked.size()) + " of at most " + std::to_string(wire::kRevokedMax)}};
    for (const auto& ticket : list.revoked)
        rows.push_back(
            {"serial " + std::to_string(ticket.serial), "expires " + expiry_text(ticket.expires_unix_s, wall)});
    return rows;
}

}  // namespace grapevine::admission
