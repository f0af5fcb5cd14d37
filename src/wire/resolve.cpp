#include "wire/resolve.hpp"

#include <algorithm>

#include "wire/digest.hpp"
#include "wire/mesh.hpp"

namespace grapevine::wire {

namespace {

constexpr std::size_t kResolvedMax = 1 + 1 + kResolvedDigestsMax * (kVarint32Max + 2 + kStatementMax) + 2 +
                                     kResolveTextMax + kContextBytes + 1 + 2 * sizeof(std::uint64_t);
static_assert(kResolvedMax <= kMeshFrameMax);

std::string read_printable(Reader& in, std::string_view field, std::size_t limit) {
    std::string text = base::to_text(in.bytes(field, limit));
    const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
    if (!std::all_of(text.begin(), text.end(), printable)) in.fail(field, "must be printable ASCII");
    return text;
}

std::vector<AgedDigest> read_digests(Reader& in) {
    const std::size_t count = in.count("digests", kResolvedDigestsMax);
    std::vector<AgedDigest> digests;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        AgedDigest digest;
        digest.age_ms = in.u32("age");
        const base::ByteView envelope = in.bytes("digest", kStatementMax);
        digest.envelope.assign(envelope.begin(), envelope.end());
        digests.push_back(std::move(digest));
    }
    return digests;
}

}  // namespace

std::string_view name(ResolveCode code) {
    switch (code) {
        case ResolveCode::found: return "found";
        case ResolveCode::unknown_mesh: return "unknown_mesh";
        case ResolveCode::no_such_node: return "no_such_node";
        case ResolveCode::ambiguous: return "ambiguous";
        case ResolveCode::refused: return "refused";
        case ResolveCode::busy: return "busy";
        case ResolveCode::unreachable: return "unreachable";
    }
    return "unknown";
}

void write(Writer& out, const Resolve& resolve) {
    out.text(resolve.name);
    out.u8(resolve.hops);
    write_context(out, resolve.context);
}

void write(Writer& out, const Resolved& resolved) {
    out.u8(static_cast<std::uint8_t>(resolved.code));
    out.varint(resolved.digests.size());
    for (const auto& digest : resolved.digests) {
        out.varint(digest.age_ms);
        out.bytes(digest.envelope);
    }
    out.text(resolved.text);
    write_answer(out, resolved.context, resolved.times);
}

Resolve read_resolve(Reader& in) {
    Resolve resolve;
    resolve.name = read_printable(in, "name", kResolveNameMax);
    if (resolve.name.empty()) in.fail("name", "must not be empty");
    resolve.hops = in.u8("hops");
    resolve.context = read_context(in);
    return resolve;
}

Resolved read_resolved(Reader& in) {
    Resolved resolved;
    resolved.code = static_cast<ResolveCode>(in.discriminant("code", kResolveCodes));
    resolved.digests = read_digests(in);
    resolved.text = read_printable(in, "text", kResolveTextMax);
    resolved.context = read_context(in);
    resolved.times = read_answer_times(in);
    return resolved;
}

}  // namespace grapevine::wire
