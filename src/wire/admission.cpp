#include "wire/admission.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/blake3.hpp"
#include "base/encoding.hpp"
#include "wire/digest.hpp"
#include "wire/gossip.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

constexpr std::size_t kSignatureBytes = std::tuple_size_v<base::Signature>;
constexpr std::size_t kQuotedMax = 24;  // Characters of a text that an error repeats.

static_assert(kRevocationListMax == kGossipContentMax, "a list is one gossip message");

// What tells a ticket and a list apart.
struct Format {
    std::string_view what;
    std::uint8_t kind;
    std::string_view domain;
    std::string_view prefix;
    std::size_t bytes_max;
};
constexpr Format kTicket{"admission ticket", kAdmissionTicketKind, "grapevine admission ticket 1", "admit",
                         kAdmissionTicketMax};
constexpr Format kList{"revocation list", kRevocationListKind, "grapevine revocation list 1", "revoke",
                       kRevocationListMax};

template <typename T>
constexpr Format format_of() {
    return std::is_same_v<T, AdmissionTicket> ? kTicket : kList;
}

template <typename T>
using Opened = tl::expected<Signed<T>, AdmissionError>;

tl::unexpected<AdmissionError> refuse(AdmissionFault fault, std::string message) {
    return tl::unexpected<AdmissionError>(AdmissionError{fault, std::move(message)});
}

std::string said_of(std::string_view what, std::string_view message) {
    return std::string(what).append(": ").append(message);
}

void write(Writer& out, const AdmissionTicket& ticket) {
    out.u8(ticket.version);
    out.text(ticket.mesh);
    out.raw(ticket.node.view());
    out.u8(static_cast<std::uint8_t>(ticket.use));
    out.varint(ticket.types.size());
    for (const auto& type : ticket.types)
        out.text(type);
    out.varint(ticket.expires_unix_s);
    out.varint(ticket.serial);
}

void write(Writer& out, const RevocationList& list) {
    out.u8(list.version);
    out.text(list.mesh);
    out.varint(list.list_version);
    out.varint(list.revoked.size());
    std::uint64_t last = 0;
    for (const auto& ticket : list.revoked) {
        out.varint(ticket.serial - last);
        out.varint(ticket.expires_unix_s);
        last = ticket.serial;
    }
}

// Reads the fields of a body. What is wrong besides the form is kept apart from it, as the first that was found.
class Fields {
public:
    Fields(std::string_view what, base::ByteView body) : what_(what), in_(what, body) {}

    void read(AdmissionTicket& ticket);
    void read(RevocationList& list);
    // After the last field: the first error, if there is one.
    [[nodiscard]] std::optional<AdmissionError> finish();

private:
    std::uint8_t read_version();
    std::string read_name(std::string_view field);

    std::string_view what_;
    Reader in_;
    std::optional<AdmissionError> error_;
};

std::uint8_t Fields::read_version() {
    const std::uint8_t version = in_.u8("version");
    if (in_.ok() && version != kAdmissionVersion)
        error_ = AdmissionError{AdmissionFault::unknown_version,
                                said_of(what_, "version " + std::to_string(version) + " where " +
                                                   std::to_string(kAdmissionVersion) + " is known")};
    return version;
}

// Any length is read, so that a name that is too long counts as a bad name and not as a broken body.
std::string Fields::read_name(std::string_view field) {
    auto name = parse_name(field, base::as_text(in_.bytes(field, kRevocationListMax)));
    if (name) return *std::move(name);
    if (in_.ok() && !error_) error_ = AdmissionError{AdmissionFault::bad_name, said_of(what_, name.error().message)};
    return {};
}

void Fields::read(AdmissionTicket& ticket) {
    ticket.version = read_version();
    ticket.mesh = read_name("mesh");
    ticket.node = in_.id<base::EndpointId>("node");
    ticket.use = static_cast<AdmissionUse>(in_.discriminant("use", 2));
    const std::size_t types = in_.count("types", kTicketTypesMax);
    for (std::size_t i = 0; i < types && in_.ok(); ++i)
        ticket.types.push_back(read_name("type"));
    ticket.expires_unix_s = in_.u64("expiry");
    ticket.serial = in_.u64("serial");
}

void Fields::read(RevocationList& list) {
    list.version = read_version();
    list.mesh = read_name("mesh");
    list.list_version = in_.u64("list version");
    const std::size_t count = in_.count("revoked", kRevokedMax);
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < count && in_.ok(); ++i) {
        const std::uint64_t distance = in_.u64("serial");
        if (distance > std::numeric_limits<std::uint64_t>::max() - last) {
            in_.fail("serial", "does not fit its type");
            return;
        }
        last += distance;
        list.revoked.push_back({last, in_.u64("expiry")});
    }
}

std::optional<AdmissionError> Fields::finish() {
    if (error_) return error_;
    if (in_.remaining() != 0) in_.fail("end", "bytes after the last field");
    if (in_.ok()) return std::nullopt;
    return AdmissionError{AdmissionFault::malformed, in_.error().message};
}

struct Envelope {
    base::EndpointId authority;
    base::ByteView body;
    base::Signature signature{};
};

std::size_t envelope_size(std::size_t body) {
    return 1 + base::kIdBytes + varint_size(body) + body + kSignatureBytes;
}

tl::expected<Envelope, AdmissionError> read_envelope(const Format& format, std::string_view what,
                                                     base::ByteView bytes) {
    if (bytes.size() > format.bytes_max)
        return refuse(AdmissionFault::oversized, said_of(what, std::to_string(bytes.size()) + " bytes where " +
                                                                   std::to_string(format.bytes_max) + " are allowed"));
    Reader in(what, bytes);
    const std::uint8_t kind = in.u8("kind");
    if (in.ok() && kind != format.kind)
        return refuse(AdmissionFault::unknown_kind, said_of(what, "kind " + std::to_string(kind) + " where " +
                                                                      std::to_string(format.kind) + " is expected"));
    Envelope envelope;
    envelope.authority = in.id<base::EndpointId>("authority");
    envelope.body = in.bytes("body", format.bytes_max);
    envelope.signature = in.array<kSignatureBytes>("signature");
    if (in.remaining() != 0) in.fail("end", "bytes after the signature");
    if (bytes.size() != envelope_size(envelope.body.size())) in.fail("body", "length is not in its shortest form");
    if (!in.ok()) return refuse(AdmissionFault::malformed, in.error().message);
    return envelope;
}

template <typename T>
base::Bytes body_of(const T& value) {
    Writer body(128);
    write(body, value);
    return body.take();
}

base::Bytes signed_bytes(std::string_view domain, base::ByteView body) {
    base::Bytes out = base::to_bytes(domain);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

template <typename T>
Opened<T> read_signed(std::string_view what, base::ByteView bytes) {
    const auto envelope = read_envelope(format_of<T>(), what, bytes);
    if (!envelope) return tl::unexpected(envelope.error());
    Fields fields(what, envelope->body);
    T value;
    fields.read(value);
    if (auto error = fields.finish()) return tl::unexpected(*std::move(error));
    if (const auto valid = check(value); !valid)
        return refuse(AdmissionFault::malformed, said_of(what, valid.error().message));
    const base::Bytes only = body_of(value);
    if (!std::equal(only.begin(), only.end(), envelope->body.begin(), envelope->body.end()))
        return refuse(AdmissionFault::malformed, said_of(what, "an integer is not in its shortest form"));
    return Signed<T>{envelope->authority, std::move(value), base::Bytes(bytes.begin(), bytes.end())};
}

template <typename T>
bool holds(const Signed<T>& value, base::VerificationMemo* memo) {
    const Format format = format_of<T>();
    const auto envelope = read_envelope(format, format.what, value.envelope);
    if (!envelope || envelope->authority != value.authority) return false;
    const auto verify = [&] {
        return base::verify(envelope->authority, signed_bytes(format.domain, envelope->body), envelope->signature);
    };
    if (memo == nullptr) return verify();
    const auto hash = base::blake3(value.envelope);
    if (memo->contains(hash)) return true;
    if (!verify()) return false;
    memo->add(hash);
    return true;
}

template <typename T>
Opened<T> open(std::string_view what, base::ByteView bytes, base::VerificationMemo* memo) {
    auto value = read_signed<T>(what, bytes);
    if (value && !holds(*value, memo))
        return refuse(AdmissionFault::bad_signature,
                      said_of(what, "not signed by authority " + value->authority.short_hex()));
    return value;
}

template <typename T>
Signed<T> sign_value(const base::SecretKey& authority, T value) {
    const auto valid = check(value);
    GRAPEVINE_ASSERT(valid.has_value(), "an authority signs what keeps the rules only");
    const Format format = format_of<T>();
    const base::Bytes body = body_of(value);
    Writer out(envelope_size(body.size()));
    out.u8(format.kind);
    out.raw(authority.id().view());
    out.bytes(body);
    out.raw(authority.sign(signed_bytes(format.domain, body)));
    return {authority.id(), std::move(value), out.take()};
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Characters of the longest text.
std::size_t text_max(const Format& format) {
    return format.prefix.size() + (format.bytes_max * 8 + 4) / 5;
}

// Why a text is refused that is not base32. Most cuts of a text leave a length that no byte string has; the user is
// told what is missing instead.
base::Error text_error(const Format& format, std::string_view what, std::string_view digits, const base::Error& error) {
    std::string padded(digits);
    padded.append(8 - digits.size() % 8, 'a');
    const auto bytes = base::base32_decode(padded);
    if (!bytes) return {error.code, said_of(what, error.message)};
    const auto envelope = read_envelope(format, what, base::ByteView(*bytes).first(digits.size() * 5 / 8));
    return {error.code, envelope ? said_of(what, error.message) : envelope.error().message};
}

template <typename T>
base::Result<Signed<T>> parse_text(std::string_view untrimmed) {
    const Format format = format_of<T>();
    const std::string_view text = trimmed(untrimmed);
    const std::string what = std::string(format.what) + " '" + base::printable(text, kQuotedMax) + "'";
    if (text.empty()) return base::invalid(what + ": is empty");
    if (text.size() > text_max(format))
        return base::invalid(what + ": longer than " + std::to_string(text_max(format)) + " characters");
    if (!text.starts_with(format.prefix))
        return base::invalid(what + ": must begin with '" + std::string(format.prefix) + "'");
    const std::string_view digits = text.substr(format.prefix.size());
    const auto bytes = base::base32_decode(digits);
    if (!bytes) return tl::unexpected(text_error(format, what, digits, bytes.error()));
    auto value = open<T>(what, *bytes, nullptr);
    if (!value) return base::invalid(std::move(value.error().message));
    return *std::move(value);
}

template <typename T>
std::string text_of(const Signed<T>& value) {
    return std::string(format_of<T>().prefix) + base::base32_encode(value.envelope);
}

base::Status check_name(std::string_view what, std::string_view text) {
    if (const auto name = parse_name(what, text); !name) return tl::unexpected(name.error());
    return {};
}

base::Status check_version(std::uint8_t version) {
    if (version == kAdmissionVersion) return {};
    return base::invalid("version " + std::to_string(version) + " where " + std::to_string(kAdmissionVersion) +
                         " is known");
}

base::Status check_types(const AdmissionTicket& ticket) {
    const auto& types = ticket.types;
    if (types.size() > kTicketTypesMax)
        return base::invalid("types: " + std::to_string(types.size()) + " items where " +
                             std::to_string(kTicketTypesMax) + " are allowed");
    if (ticket.use == AdmissionUse::visitor && !types.empty()) return base::invalid("types: a visitor has none");
    for (const auto& type : types)
        if (auto valid = check_name("type", type); !valid) return valid;
    const auto unordered = std::adjacent_find(types.begin(), types.end(), std::greater_equal<>());
    if (unordered != types.end()) return base::invalid("types: must ascend, each named once");
    return {};
}

}  // namespace

base::Status check_expiry(std::uint64_t expires_unix_s) {
    if (expires_unix_s == 0) return base::invalid("expiry: must be given, every ticket expires");
    if (expires_unix_s > kExpiryMax)
        return base::invalid("expiry: " + std::to_string(expires_unix_s) + " s lie after the year 9999");
    return {};
}

base::Status check(const AdmissionTicket& ticket) {
    if (auto valid = check_version(ticket.version); !valid) return valid;
    if (auto valid = check_name("mesh", ticket.mesh); !valid) return valid;
    if (auto valid = check_types(ticket); !valid) return valid;
    return check_expiry(ticket.expires_unix_s);
}

base::Status check(const RevocationList& list) {
    if (auto valid = check_version(list.version); !valid) return valid;
    if (auto valid = check_name("mesh", list.mesh); !valid) return valid;
    if (list.list_version == 0) return base::invalid("list version: must be at least 1");
    if (list.revoked.size() > kRevokedMax)
        return base::invalid("revoked: " + std::to_string(list.revoked.size()) + " items where " +
                             std::to_string(kRevokedMax) + " are allowed");
    const auto not_before = [](const RevokedTicket& a, const RevokedTicket& b) { return a.serial >= b.serial; };
    if (std::adjacent_find(list.revoked.begin(), list.revoked.end(), not_before) != list.revoked.end())
        return base::invalid("revoked: serials must ascend, each named once");
    for (const auto& ticket : list.revoked)
        if (auto valid = check_expiry(ticket.expires_unix_s); !valid) return valid;
    return {};
}

bool RevocationList::contains(std::uint64_t serial) const {
    const auto at = std::lower_bound(revoked.begin(), revoked.end(), serial,
                                     [](const RevokedTicket& ticket, std::uint64_t s) { return ticket.serial < s; });
    return at != revoked.end() && at->serial == serial;
}

std::string_view name(AdmissionUse use) {
    return use == AdmissionUse::member ? "member" : "visitor";
}

std::string_view name(AdmissionFault fault) {
    switch (fault) {
        case AdmissionFault::malformed: return "malformed";
        case AdmissionFault::oversized: return "oversized";
        case AdmissionFault::unknown_version: return "unknown_version";
        case AdmissionFault::unknown_kind: return "unknown_kind";
        case AdmissionFault::bad_name: return "bad_name";
        case AdmissionFault::bad_signature: return "bad_signature";
    }
    return "unknown";
}

SignedTicket sign_ticket(const base::SecretKey& authority, AdmissionTicket ticket) {
    return sign_value(authority, std::move(ticket));
}
SignedRevocations sign_revocations(const base::SecretKey& authority, RevocationList list) {
    return sign_value(authority, std::move(list));
}

tl::expected<SignedTicket, AdmissionError> read_ticket(base::ByteView envelope) {
    return read_signed<AdmissionTicket>(kTicket.what, envelope);
}
tl::expected<SignedRevocations, AdmissionError> read_revocations(base::ByteView envelope) {
    return read_signed<RevocationList>(kList.what, envelope);
}

bool signature_holds(const SignedTicket& ticket, base::VerificationMemo* memo) {
    return holds(ticket, memo);
}
bool signature_holds(const SignedRevocations& list, base::VerificationMemo* memo) {
    return holds(list, memo);
}

tl::expected<SignedTicket, AdmissionError> open_ticket(base::ByteView envelope, base::VerificationMemo* memo) {
    return open<AdmissionTicket>(kTicket.what, envelope, memo);
}
tl::expected<SignedRevocations, AdmissionError> open_revocations(base::ByteView envelope,
                                                                 base::VerificationMemo* memo) {
    return open<RevocationList>(kList.what, envelope, memo);
}

std::string admission_text(const SignedTicket& ticket) {
    return text_of(ticket);
}
base::Result<SignedTicket> parse_admission_text(std::string_view text) {
    return parse_text<AdmissionTicket>(text);
}
std::string revocations_text(const SignedRevocations& list) {
    return text_of(list);
}
base::Result<SignedRevocations> parse_revocations_text(std::string_view text) {
    return parse_text<RevocationList>(text);
}

}  // namespace grapevine::wire
