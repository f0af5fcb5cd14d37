#include "wire/publication.hpp"

#include <tuple>
#include <utility>

#include "base/assert.hpp"
#include "wire/admission.hpp"
#include "wire/envelope.hpp"
#include "wire/gossip.hpp"
#include "wire/postcard.hpp"
#include "wire/trace_codec.hpp"
#include "wire/watch.hpp"

namespace grapevine::wire {

namespace {

constexpr std::string_view kWhat = "notice";
constexpr std::string_view kDomain = "grapevine publication 1";
constexpr std::size_t kTypicalBody = 128;

constexpr std::size_t kHashBytes = std::tuple_size_v<base::Blake3Hash>;
constexpr std::size_t kBodyMax =
    1 + 2 * (1 + kNameMax) + kVarint64Max + kHashBytes + kVarint32Max + 2 + kAdmissionTicketMax + kContextBytes;
static_assert(1 + base::kIdBytes + 2 + kBodyMax + std::tuple_size_v<base::Signature> <= kNoticeMax);
static_assert(kNoticeMax <= kGossipContentMax);

void write(Writer& out, const Notice& notice) {
    out.u8(notice.version);
    out.text(notice.mesh);
    out.text(notice.type);
    out.varint(notice.number);
    out.raw(notice.hash);
    out.varint(notice.size);
    out.bytes(notice.ticket);
    write_context(out, notice.context);
}

tl::unexpected<StatementError> refuse(StatementFault fault, std::string_view message) {
    return tl::unexpected<StatementError>(StatementError{fault, std::string(kWhat).append(": ").append(message)});
}

// What is wrong besides the form; the Reader holds the form's error.
struct Fields {
    Notice value;
    std::optional<base::Error> bad_name{};
};

// Any length is read, so that a name that is too long counts as a bad name and not as a broken body.
std::string read_name(Reader& in, std::string_view field, Fields& fields) {
    auto name = parse_name(field, base::as_text(in.bytes(field, kNoticeMax)));
    if (name) return *std::move(name);
    if (in.ok() && !fields.bad_name) fields.bad_name = name.error();
    return {};
}

Fields read_fields(Reader& in) {
    Fields fields;
    Notice& value = fields.value;
    value.mesh = read_name(in, "mesh", fields);
    value.type = read_name(in, "type", fields);
    value.number = in.u64("number");
    value.hash = in.array<kHashBytes>("hash");
    value.size = in.u32("size");
    if (value.size == 0 || value.size > kPublicationMax)
        in.fail("size", "must be 1 to " + std::to_string(kPublicationMax));
    const base::ByteView ticket = in.bytes("ticket", kAdmissionTicketMax);
    value.ticket.assign(ticket.begin(), ticket.end());
    value.context = read_context(in);
    return fields;
}

tl::expected<Notice, StatementError> read_body(base::ByteView body) {
    Reader in(kWhat, body);
    const std::uint8_t version = in.u8("version");
    if (in.ok() && version != kNoticeVersion)
        return refuse(StatementFault::unknown_version,
                      "version " + std::to_string(version) + " where " + std::to_string(kNoticeVersion) + " is known");
    Fields fields = read_fields(in);
    if (fields.bad_name) return refuse(StatementFault::bad_name, fields.bad_name->message);
    if (!in.ok()) return tl::unexpected<StatementError>({StatementFault::malformed, in.error().message});
    return std::move(fields.value);
}

}  // namespace

SignedNotice sign(const base::SecretKey& key, Notice notice) {
    GRAPEVINE_ASSERT(parse_name("mesh", notice.mesh) && parse_name("type", notice.type),
                     "a notice is made with valid names only");
    GRAPEVINE_ASSERT(notice.size > 0 && notice.size <= kPublicationMax, "a publication has its limit");
    GRAPEVINE_ASSERT(notice.ticket.size() <= kAdmissionTicketMax, "a ticket has its limit");
    notice.context = carried(notice.context);
    Writer body(kTypicalBody);
    write(body, notice);
    return {key.id(), std::move(notice), sign_envelope(key, kDomain, kNoticeKind, body.take())};
}

tl::expected<SignedNotice, StatementError> read_notice(base::ByteView bytes) {
    if (bytes.size() > kNoticeMax)
        return refuse(StatementFault::oversized,
                      std::to_string(bytes.size()) + " bytes where " + std::to_string(kNoticeMax) + " are allowed");
    const auto envelope = read_envelope(kWhat, bytes, kNoticeMax);
    if (!envelope) return tl::unexpected<StatementError>({StatementFault::malformed, envelope.error().message});
    if (envelope->kind != kNoticeKind)
        return refuse(StatementFault::unknown_kind, "unknown kind " + std::to_string(envelope->kind));
    auto body = read_body(envelope->body);
    if (!body) return tl::unexpected(std::move(body.error()));
    return SignedNotice{envelope->signer, *std::move(body), base::Bytes(bytes.begin(), bytes.end())};
}

bool signature_holds(const SignedNotice& notice, base::VerificationMemo* memo) {
    const auto envelope = read_envelope(kWhat, notice.envelope, kNoticeMax);
    return envelope && envelope->signer == notice.author && signature_holds(kDomain, *envelope, notice.envelope, memo);
}

base::Bytes encode(const ChunkQuestion& question) {
    Writer out;
    out.raw(question.hash);
    out.varint(question.offset);
    out.varint(question.size);
    return out.take();
}

base::Result<ChunkQuestion> decode_chunk_question(base::ByteView payload) {
    Reader in("question for a chunk", payload);
    ChunkQuestion question;
    question.hash = in.array<kHashBytes>("hash");
    question.offset = in.u32("offset");
    question.size = in.u32("size");
    if (question.offset >= kPublicationMax) in.fail("offset", "must be under " + std::to_string(kPublicationMax));
    if (question.size == 0 || question.size > kChunkMax) in.fail("size", "must be 1 to " + std::to_string(kChunkMax));
    return in.finish(question);
}

std::string chunk_target(const base::EndpointId& peer) {
    return peer.hex().append(kChunkSuffix);
}

std::optional<base::EndpointId> parse_chunk_target(std::string_view name) {
    if (!name.ends_with(kChunkSuffix)) return std::nullopt;
    const auto id = base::EndpointId::parse(name.substr(0, name.size() - kChunkSuffix.size()));
    return id ? std::optional(*id) : std::nullopt;
}

bool is_reserved_name(std::string_view name) {
    return name.ends_with(kChunkSuffix) || is_watch_name(name);
}

}  // namespace grapevine::wire
