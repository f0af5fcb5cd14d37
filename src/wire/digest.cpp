#include "wire/digest.hpp"

#include <algorithm>
#include <optional>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "wire/addr_codec.hpp"
#include "wire/admission.hpp"
#include "wire/postcard.hpp"
#include "wire/trace_codec.hpp"

namespace grapevine::wire {

namespace {

constexpr std::string_view kDomain = "grapevine statement 1";
constexpr std::size_t kTypicalBody = 384;
constexpr std::uint8_t kAbsent = 0;
constexpr std::uint8_t kPresent = 1;

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_name_part(char c) {
    return is_name_start(c) || c == '-';
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kNameMax && is_name_start(text.front()) &&
           std::all_of(text.begin(), text.end(), is_name_part);
}

void write(Writer& out, const Load& load) {
    out.varint(load.cpu_millicores);
    out.varint(load.memory_kib);
    out.varint(load.cpu_budget_millicores);
    out.varint(load.memory_budget_kib);
}

// The Option after the context's.
void write_ticket(Writer& out, const Digest& digest) {
    if (digest.ticket.empty()) return;
    if (!carried(digest.context).is_valid()) out.u8(kAbsent);
    out.u8(kPresent);
    out.bytes(digest.ticket);
}

base::Bytes read_ticket_field(Reader& in) {
    if (!in.ok() || in.remaining() == 0) return {};
    if (in.u8("ticket") != kPresent) return {};  // What else there is belongs to a later version.
    const base::ByteView ticket = in.bytes("ticket", kAdmissionTicketMax);
    return {ticket.begin(), ticket.end()};
}

void write(Writer& out, const Digest& digest) {
    out.u8(digest.version);
    out.text(digest.mesh);
    out.text(digest.type);
    out.varint(digest.sequence.value);
    out.u8(static_cast<std::uint8_t>(digest.presence));
    out.varint(digest.started_unix_ms);
    write(out, digest.addrs);
    out.varint(digest.neighbors.size());
    for (const auto& id : digest.neighbors)
        out.raw(id.view());
    out.varint(digest.messages_sent);
    out.varint(digest.messages_received);
    write(out, digest.load);
    write_context(out, digest.context);
    write_ticket(out, digest);
}

void write(Writer& out, const Accusation& accusation) {
    out.u8(accusation.version);
    out.text(accusation.mesh);
    out.raw(accusation.accused.view());
    out.varint(accusation.sequence.value);
    out.u8(static_cast<std::uint8_t>(accusation.phase));
    out.u8(static_cast<std::uint8_t>(accusation.reason));
    write_context(out, accusation.context);
}

Load read_load(Reader& in) {
    Load load;
    load.cpu_millicores = in.u32("cpu");
    load.memory_kib = in.u32("memory");
    load.cpu_budget_millicores = in.u32("cpu budget");
    load.memory_budget_kib = in.u32("memory budget");
    return load;
}

std::vector<base::EndpointId> read_neighbors(Reader& in) {
    const std::size_t count = in.count("neighbours", kDigestNeighborsMax);
    std::vector<base::EndpointId> out;
    for (std::size_t i = 0; i < count && in.ok(); ++i)
        out.push_back(in.id<base::EndpointId>("neighbour"));
    return out;
}

// What can be wrong besides the form; the Reader holds the form's error.
struct Check {
    std::optional<StatementError> error;
    void refuse(StatementFault fault, std::string message) {
        if (!error) error = StatementError{fault, std::move(message)};
    }
};

void check_version(std::uint8_t version, const Reader& in, Check& check) {
    if (in.ok() && version != kDigestVersion)
        check.refuse(StatementFault::unknown_version, "statement: version " + std::to_string(version) + " where " +
                                                          std::to_string(kDigestVersion) + " is known");
}

// Any length is read, so that a name that is too long counts as a bad name and not as a broken body.
std::string read_name(Reader& in, std::string_view what, Check& check) {
    const base::ByteView text = in.bytes(what, kStatementMax);
    auto name = parse_name(what, base::as_text(text));
    if (name) return *std::move(name);
    if (in.ok()) check.refuse(StatementFault::bad_name, "statement: " + name.error().message);
    return {};
}

Digest read_digest(Reader& in, Check& check) {
    Digest digest;
    digest.version = in.u8("version");
    check_version(digest.version, in, check);
    digest.mesh = read_name(in, "mesh", check);
    digest.type = read_name(in, "type", check);
    digest.sequence = Sequence{in.u64("sequence")};
    digest.presence = static_cast<Presence>(in.discriminant("presence", 2));
    digest.started_unix_ms = in.u64("start time");
    digest.addrs = read_transport_addrs(in, kDigestAddrsMax);
    digest.neighbors = read_neighbors(in);
    digest.messages_sent = in.u64("messages sent");
    digest.messages_received = in.u64("messages received");
    digest.load = read_load(in);
    digest.context = read_context(in);
    digest.ticket = read_ticket_field(in);
    return digest;
}

Accusation read_accusation(Reader& in, Check& check) {
    Accusation accusation;
    accusation.version = in.u8("version");
    check_version(accusation.version, in, check);
    accusation.mesh = read_name(in, "mesh", check);
    accusation.accused = in.id<base::EndpointId>("accused");
    accusation.sequence = Sequence{in.u64("sequence")};
    accusation.phase = static_cast<AccusationPhase>(in.discriminant("phase", 2));
    accusation.reason = static_cast<AccusationReason>(in.discriminant("reason", 3));
    accusation.context = read_context(in);
    return accusation;
}

tl::unexpected<StatementError> refuse(StatementFault fault, std::string message) {
    return tl::unexpected<StatementError>(StatementError{fault, std::move(message)});
}

tl::expected<Claim, StatementError> read_claim(std::uint8_t kind, base::ByteView body) {
    Reader in(kind == kDigestKind ? "digest" : "accusation", body);
    Check check;
    Claim claim;
    if (kind == kDigestKind) {
        claim = read_digest(in, check);
    } else {
        claim = read_accusation(in, check);
    }
    // A later version may have another form, and a refused name is no broken form: what was found first is the cause.
    if (check.error) return tl::unexpected(*check.error);
    if (!in.ok()) return refuse(StatementFault::malformed, in.error().message);
    return claim;
}

base::Bytes signed_bytes(std::uint8_t kind, base::ByteView body) {
    base::Bytes out;
    out.reserve(kDomain.size() + 1 + body.size());
    out.insert(out.end(), kDomain.begin(), kDomain.end());
    out.push_back(kind);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

struct Envelope {
    std::uint8_t kind = 0;
    base::EndpointId signer;
    base::ByteView body;
    base::Signature signature{};
};

std::size_t envelope_size(std::size_t body) {
    return 1 + base::kIdBytes + varint_size(body) + body + std::tuple_size_v<base::Signature>;
}

base::Result<Envelope> read_envelope(base::ByteView bytes) {
    Reader in("statement", bytes);
    Envelope envelope;
    envelope.kind = in.u8("kind");
    envelope.signer = in.id<base::EndpointId>("signer");
    envelope.body = in.bytes("body", kStatementMax);
    envelope.signature = in.array<std::tuple_size_v<base::Signature>>("signature");
    if (in.remaining() != 0) in.fail("end", "bytes after the signature");
    if (bytes.size() != envelope_size(envelope.body.size())) in.fail("body", "length is not in its shortest form");
    return in.finish(envelope);
}

void normalize(Digest& digest) {
    GRAPEVINE_ASSERT(is_name(digest.mesh) && is_name(digest.type), "a digest is made with valid names only");
    digest.addrs = normal_addrs(std::move(digest.addrs), kDigestAddrsMax);
    if (digest.neighbors.size() > kDigestNeighborsMax) digest.neighbors.resize(kDigestNeighborsMax);
    digest.context = carried(digest.context);
    GRAPEVINE_ASSERT(digest.ticket.size() <= kAdmissionTicketMax, "a ticket that was examined has its limit");
}

void normalize(Accusation& accusation) {
    GRAPEVINE_ASSERT(is_name(accusation.mesh), "an accusation is made with a valid name only");
    accusation.context = carried(accusation.context);
}

}  // namespace

base::Result<std::string> parse_name(std::string_view what, std::string_view text) {
    if (is_name(text)) return std::string(text);
    return base::invalid(std::string(what) + " '" + base::printable(text) + "': must match [a-z0-9][a-z0-9-]{0,62}");
}

Statement sign(const base::SecretKey& key, Claim claim) {
    Writer body(kTypicalBody);
    std::visit(
        [&](auto& value) {
            normalize(value);
            write(body, value);
        },
        claim);
    const std::uint8_t kind = std::holds_alternative<Digest>(claim) ? kDigestKind : kAccusationKind;
    const base::Bytes bytes = body.take();
    Writer out(envelope_size(bytes.size()));
    out.u8(kind);
    out.raw(key.id().view());
    out.bytes(bytes);
    out.raw(key.sign(signed_bytes(kind, bytes)));
    return Statement{key.id(), std::move(claim), out.take()};
}

std::string_view name(StatementFault fault) {
    switch (fault) {
        case StatementFault::malformed: return "malformed";
        case StatementFault::oversized: return "oversized";
        case StatementFault::unknown_version: return "unknown_version";
        case StatementFault::unknown_kind: return "unknown_kind";
        case StatementFault::bad_signature: return "bad_signature";
        case StatementFault::bad_name: return "bad_name";
    }
    return "unknown";
}

namespace {

bool signature_holds(const Envelope& envelope, base::ByteView bytes, base::VerificationMemo* memo) {
    const auto verify = [&] {
        return base::verify(envelope.signer, signed_bytes(envelope.kind, envelope.body), envelope.signature);
    };
    if (memo == nullptr) return verify();
    const auto hash = base::blake3(bytes);
    if (memo->contains(hash)) return true;
    if (!verify()) return false;
    memo->add(hash);
    return true;
}

}  // namespace

tl::expected<Statement, StatementError> open_statement(base::ByteView bytes, base::VerificationMemo* memo) {
    if (bytes.size() > kStatementMax)
        return refuse(StatementFault::oversized, "statement: " + std::to_string(bytes.size()) + " bytes where " +
                                                     std::to_string(kStatementMax) + " are allowed");
    const auto envelope = read_envelope(bytes);
    if (!envelope) return refuse(StatementFault::malformed, envelope.error().message);
    if (envelope->kind != kDigestKind && envelope->kind != kAccusationKind)
        return refuse(StatementFault::unknown_kind, "statement: unknown kind " + std::to_string(envelope->kind));
    auto claim = read_claim(envelope->kind, envelope->body);
    if (!claim) return tl::unexpected(claim.error());
    if (!signature_holds(*envelope, bytes, memo))
        return refuse(StatementFault::bad_signature, "statement: not signed by " + envelope->signer.short_hex());
    return Statement{envelope->signer, *std::move(claim), base::Bytes(bytes.begin(), bytes.end())};
}

std::optional<StatementOrigin> origin_of(base::ByteView bytes) {
    if (bytes.size() > kStatementMax) return std::nullopt;
    const auto envelope = read_envelope(bytes);
    if (!envelope || (envelope->kind != kDigestKind && envelope->kind != kAccusationKind)) return std::nullopt;
    const auto claim = read_claim(envelope->kind, envelope->body);
    if (!claim) return std::nullopt;
    return StatementOrigin{envelope->signer, std::visit([](const auto& value) { return value.context; }, *claim)};
}

}  // namespace grapevine::wire
