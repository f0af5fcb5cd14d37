#include "wire/summary.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "wire/addr_codec.hpp"
#include "wire/envelope.hpp"
#include "wire/gossip.hpp"
#include "wire/postcard.hpp"
#include "wire/trace_codec.hpp"

namespace grapevine::wire {

namespace {

constexpr std::string_view kDomain = "grapevine summary 1";
constexpr std::size_t kTypicalBody = 384;

constexpr std::size_t kNameBytes = 1 + kNameMax;
constexpr std::size_t kHeadBytes = 1 + 2 * kNameBytes + kVarint64Max;
constexpr std::size_t kGatewayBytes = base::kIdBytes + 1 + kSummaryAddrsMax * kSummaryAddrBytesMax;
constexpr std::size_t kMembersBytes = 1 + kSummaryTypesMax * (kNameBytes + kVarint32Max);
constexpr std::size_t kClosedBytes = 1 + base::kIdBytes + 2 + kAdmissionTicketMax;
constexpr std::size_t kBodyMax = kHeadBytes + 1 + kSummaryGatewaysMax * kGatewayBytes +
                                 std::max(kMembersBytes + 2, kClosedBytes + 1) + kContextBytes;
static_assert(1 + base::kIdBytes + 2 + kBodyMax + std::tuple_size_v<base::Signature> <= kSummaryMax);
static_assert(kSummaryMax <= kGossipContentMax);

std::size_t written_size(const TransportAddr& addr) {
    Writer out;
    write(out, addr);
    return out.size();
}

void write(Writer& out, const Summary& summary) {
    out.u8(summary.version);
    out.text(summary.fabric);
    out.text(summary.mesh);
    out.varint(summary.sequence.value);
    out.varint(summary.gateways.size());
    for (const auto& gateway : summary.gateways) {
        out.raw(gateway.id.view());
        write(out, gateway.addrs);
    }
    out.varint(summary.members.size());
    for (const auto& member : summary.members) {
        out.text(member.type);
        out.varint(member.count);
    }
    out.boolean(summary.authority.has_value());
    if (summary.authority) out.raw(summary.authority->view());
    out.bytes(summary.ticket);
    write_context(out, summary.context);
}

// What can be wrong besides the form; the Reader holds the form's error.
struct Check {
    std::optional<StatementError> error;
    void refuse(StatementFault fault, std::string message) {
        if (!error) error = StatementError{fault, std::move(message)};
    }
};

std::uint8_t read_version(Reader& in, Check& check) {
    const std::uint8_t version = in.u8("version");
    if (in.ok() && version != kSummaryVersion)
        check.refuse(StatementFault::unknown_version, "summary: version " + std::to_string(version) + " where " +
                                                          std::to_string(kSummaryVersion) + " is known");
    return version;
}

// Any length is read, so that a name that is too long counts as a bad name and not as a broken body.
std::string read_name(Reader& in, std::string_view what, Check& check) {
    const base::ByteView text = in.bytes(what, kSummaryMax);
    auto name = parse_name(what, base::as_text(text));
    if (name) return *std::move(name);
    if (in.ok()) check.refuse(StatementFault::bad_name, "summary: " + name.error().message);
    return {};
}

std::vector<TransportAddr> read_addrs(Reader& in) {
    auto addrs = read_transport_addrs(in, kSummaryAddrsMax);
    const bool fits = std::all_of(addrs.begin(), addrs.end(),
                                  [](const auto& addr) { return written_size(addr) <= kSummaryAddrBytesMax; });
    if (!fits) in.fail("addresses", "one is over " + std::to_string(kSummaryAddrBytesMax) + " bytes");
    return addrs;
}

std::vector<EndpointAddr> read_gateways(Reader& in) {
    const std::size_t count = in.count("gateways", kSummaryGatewaysMax);
    std::vector<EndpointAddr> gateways;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        EndpointAddr gateway;
        gateway.id = in.id<base::EndpointId>("gateway");
        const auto same = [&](const EndpointAddr& other) { return other.id == gateway.id; };
        if (std::any_of(gateways.begin(), gateways.end(), same)) in.fail("gateway", "is named twice");
        gateway.addrs = read_addrs(in);
        gateways.push_back(std::move(gateway));
    }
    return gateways;
}

std::vector<TypeCount> read_members(Reader& in, Check& check) {
    const std::size_t count = in.count("members", kSummaryTypesMax);
    std::vector<TypeCount> members;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        TypeCount member;
        member.type = read_name(in, "type", check);
        member.count = in.u32("count");
        if (!members.empty() && in.ok() && !check.error && member.type <= members.back().type)
            in.fail("members", "types must ascend");
        members.push_back(std::move(member));
    }
    return members;
}

Summary read_summary(Reader& in, Check& check) {
    Summary summary;
    summary.version = read_version(in, check);
    summary.fabric = read_name(in, "fabric", check);
    summary.mesh = read_name(in, "mesh", check);
    summary.sequence = Sequence{in.u64("sequence")};
    summary.gateways = read_gateways(in);
    summary.members = read_members(in, check);
    if (in.boolean("authority")) summary.authority = in.id<base::EndpointId>("authority");
    const base::ByteView ticket = in.bytes("ticket", kAdmissionTicketMax);
    summary.ticket.assign(ticket.begin(), ticket.end());
    if (summary.authority && !summary.members.empty()) in.fail("members", "a closed mesh tells none");
    if (!summary.authority && !ticket.empty()) in.fail("ticket", "only a closed mesh has one");
    summary.context = read_context(in);
    return summary;
}

tl::unexpected<StatementError> refuse(StatementFault fault, std::string message) {
    return tl::unexpected<StatementError>(StatementError{fault, std::move(message)});
}

tl::expected<Summary, StatementError> read_body(base::ByteView body) {
    Reader in("summary", body);
    Check check;
    Summary summary = read_summary(in, check);
    if (check.error) return tl::unexpected(*check.error);
    if (!in.ok()) return refuse(StatementFault::malformed, in.error().message);
    return summary;
}

void normalize_gateways(std::vector<EndpointAddr>& gateways) {
    std::vector<EndpointAddr> kept;
    for (auto& gateway : gateways) {
        const auto same = [&](const EndpointAddr& other) { return other.id == gateway.id; };
        if (kept.size() >= kSummaryGatewaysMax || std::any_of(kept.begin(), kept.end(), same)) continue;
        std::erase_if(gateway.addrs, [](const auto& addr) { return written_size(addr) > kSummaryAddrBytesMax; });
        gateway.addrs = normal_addrs(std::move(gateway.addrs), kSummaryAddrsMax);
        kept.push_back(std::move(gateway));
    }
    gateways = std::move(kept);
}

void normalize_members(std::vector<TypeCount>& members) {
    const auto by_type = [](const TypeCount& a, const TypeCount& b) { return a.type < b.type; };
    const auto same_type = [](const TypeCount& a, const TypeCount& b) { return a.type == b.type; };
    std::stable_sort(members.begin(), members.end(), by_type);
    members.erase(std::unique(members.begin(), members.end(), same_type), members.end());
    if (members.size() > kSummaryTypesMax) members.resize(kSummaryTypesMax);
    for (const auto& member : members)
        GRAPEVINE_ASSERT(parse_name("type", member.type).has_value(), "a summary is made with valid names only");
}

}  // namespace

Summary normalized(Summary summary) {
    GRAPEVINE_ASSERT(parse_name("fabric", summary.fabric) && parse_name("mesh", summary.mesh),
                     "a summary is made with valid names only");
    GRAPEVINE_ASSERT(summary.ticket.size() <= kAdmissionTicketMax, "a ticket has its limit");
    normalize_gateways(summary.gateways);
    if (summary.authority) {
        summary.members.clear();
    } else {
        summary.ticket.clear();
    }
    normalize_members(summary.members);
    summary.context = carried(summary.context);
    return summary;
}

SignedSummary sign(const base::SecretKey& key, Summary summary) {
    summary = normalized(std::move(summary));
    Writer body(kTypicalBody);
    write(body, summary);
    return SignedSummary{key.id(), std::move(summary), sign_envelope(key, kDomain, kSummaryKind, body.take())};
}

tl::expected<SignedSummary, StatementError> open_summary(base::ByteView bytes, base::VerificationMemo* memo) {
    if (bytes.size() > kSummaryMax)
        return refuse(StatementFault::oversized, "summary: " + std::to_string(bytes.size()) + " bytes where " +
                                                     std::to_string(kSummaryMax) + " are allowed");
    const auto envelope = read_envelope("summary", bytes, kSummaryMax);
    if (!envelope) return refuse(StatementFault::malformed, envelope.error().message);
    if (envelope->kind != kSummaryKind)
        return refuse(StatementFault::unknown_kind, "summary: unknown kind " + std::to_string(envelope->kind));
    auto summary = read_body(envelope->body);
    if (!summary) return tl::unexpected(summary.error());
    if (!signature_holds(kDomain, *envelope, bytes, memo))
        return refuse(StatementFault::bad_signature, "summary: not signed by " + envelope->signer.short_hex());
    return SignedSummary{envelope->signer, *std::move(summary), base::Bytes(bytes.begin(), bytes.end())};
}

std::optional<SummaryGlance> glance_at_summary(base::ByteView envelope) {
    Reader in("summary", envelope);
    SummaryGlance result;
    const std::uint8_t kind = in.u8("kind");
    result.signer = in.id<base::EndpointId>("signer");
    Reader body("summary", in.bytes("body", kSummaryMax));
    if (!in.ok() || kind != kSummaryKind || body.u8("version") != kSummaryVersion) return std::nullopt;
    const auto fabric = parse_name("fabric", base::as_text(body.bytes("fabric", kNameMax)));
    const auto mesh = parse_name("mesh", base::as_text(body.bytes("mesh", kNameMax)));
    if (!fabric || !mesh) return std::nullopt;
    result.fabric = *fabric;
    result.mesh = *mesh;
    result.sequence = Sequence{body.u64("sequence")};
    return body.ok() ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace grapevine::wire
