#include "wire/mesh.hpp"

#include <algorithm>

#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

enum class Tag : std::uint8_t {
    hello = 0x01,
    refused = 0x02,
    revocations = 0x03,
    ping = 0x10,
    pong = 0x11,
    echo = 0x12,
    sync = 0x20,
    resolve = kResolveTag,
    resolved = kResolvedTag,
};
enum RangeContent : std::uint8_t { kNothing = 0, kSummary = 1, kEntries = 2 };

Tag tag_of(const MeshFrame& frame) {
    constexpr std::array<Tag, std::variant_size_v<MeshFrame>> kTags{Tag::hello,   Tag::refused,  Tag::ping,
                                                                    Tag::pong,    Tag::echo,     Tag::sync,
                                                                    Tag::resolve, Tag::resolved, Tag::revocations};
    return kTags[frame.index()];
}

std::optional<FrameRule> rule_of(std::uint8_t tag) {
    switch (static_cast<Tag>(tag)) {
        case Tag::hello: return FrameRule{"hello", kMeshSmallFrameMax};
        case Tag::refused: return FrameRule{"refused", kMeshSmallFrameMax};
        case Tag::ping: return FrameRule{"ping", kMeshSmallFrameMax};
        case Tag::pong: return FrameRule{"pong", kMeshSmallFrameMax};
        case Tag::echo: return FrameRule{"echo", kMeshFrameMax};
        case Tag::sync: return FrameRule{"sync turn", kMeshFrameMax};
        case Tag::resolve: return FrameRule{"resolve", kMeshSmallFrameMax};
        case Tag::resolved: return FrameRule{"resolved", kMeshFrameMax};
        case Tag::revocations: return FrameRule{"revocations", kMeshRevocationsMax};
    }
    return std::nullopt;
}

constexpr FrameFamily kMeshFrames{"mesh", rule_of};

void write(Writer& out, const Hello& hello) {
    out.u8(hello.version);
    out.text(hello.mesh);
    out.text(hello.type);
    out.varint(hello.incarnation);
    out.bytes(hello.ticket);
    write_answer(out, hello.context, hello.times);
}

void write(Writer& out, const Refused& refused) {
    out.u8(static_cast<std::uint8_t>(refused.code));
    out.text(refused.text);
}

void write(Writer& out, const Ping& ping) {
    out.varint(ping.nonce);
    write_context(out, ping.context);
}
void write(Writer& out, const Pong& pong) {
    out.varint(pong.nonce);
    write_answer(out, pong.context, pong.times);
}
void write(Writer& out, const Echo& echo) {
    out.bytes(echo.payload);
}

void write(Writer& out, const Revocations& revocations) {
    out.bytes(revocations.envelope);
}

void write(Writer& out, const SyncRange& range) {
    out.raw(range.from.view());
    if (const auto* summary = std::get_if<Fingerprint>(&range.content)) {
        out.u8(kSummary);
        out.raw(summary->bytes);
    } else if (const auto* entries = std::get_if<std::vector<KnownEntry>>(&range.content)) {
        out.u8(kEntries);
        out.varint(entries->size());
        for (const auto& entry : *entries) {
            out.raw(entry.id.view());
            out.varint(entry.sequence.value);
        }
    } else {
        out.u8(kNothing);
    }
}

void write(Writer& out, const SyncTurn& turn) {
    out.varint(turn.ranges.size());
    for (const auto& range : turn.ranges)
        write(out, range);
    out.varint(turn.wanted.size());
    for (const auto& id : turn.wanted)
        out.raw(id.view());
    out.varint(turn.statements.size());
    for (const auto& statement : turn.statements)
        out.bytes(statement);
    write_context(out, turn.context);
}

std::string read_name(Reader& in, std::string_view what) {
    auto name = parse_name(what, base::as_text(in.bytes(what, kMeshSmallFrameMax)));
    if (name) return *std::move(name);
    in.fail(what, name.error().message);
    return {};
}

Hello read_hello(Reader& in) {
    Hello hello;
    hello.version = in.u8("version");
    hello.mesh = read_name(in, "mesh");
    hello.type = read_name(in, "type");
    hello.incarnation = in.u64("incarnation");
    const base::ByteView ticket = in.bytes("ticket", kAdmissionTicketMax);
    hello.ticket.assign(ticket.begin(), ticket.end());
    hello.context = read_context(in);
    hello.times = read_answer_times(in);
    return hello;
}

Ping read_ping(Reader& in) {
    Ping ping;
    ping.nonce = in.u64("nonce");
    ping.context = read_context(in);
    return ping;
}

Pong read_pong(Reader& in) {
    Pong pong;
    pong.nonce = in.u64("nonce");
    pong.context = read_context(in);
    pong.times = read_answer_times(in);
    return pong;
}

Refused read_refused(Reader& in) {
    Refused refused;
    refused.code = static_cast<RefusalCode>(in.discriminant("code", 5));
    refused.text = base::to_text(in.bytes("text", kRefusalTextMax));
    const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
    if (!std::all_of(refused.text.begin(), refused.text.end(), printable)) in.fail("text", "must be printable ASCII");
    return refused;
}

Echo read_echo(Reader& in) {
    const base::ByteView payload = in.bytes("payload", kEchoMax);
    return Echo{base::Bytes(payload.begin(), payload.end())};
}

// The entries of one range; `budget` is what the frame's limit leaves for it.
std::vector<KnownEntry> read_entries(Reader& in, const base::EndpointId& from, std::size_t& budget) {
    const std::size_t count = in.count("entries", budget);
    budget -= count;
    std::vector<KnownEntry> entries;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        const auto id = in.id<base::EndpointId>("entry");
        if (entries.empty() ? id < from : id <= entries.back().id)
            in.fail("entry", "ids must ascend from the range's first");
        entries.push_back({id, Sequence{in.u64("sequence")}});
    }
    return entries;
}

Revocations read_revocations_frame(Reader& in) {
    const base::ByteView envelope = in.bytes("list", kRevocationListMax);
    return Revocations{base::Bytes(envelope.begin(), envelope.end())};
}

SyncRange read_range(Reader& in, std::size_t& budget) {
    SyncRange range;
    range.from = in.id<base::EndpointId>("range");
    switch (in.discriminant("range content", 3)) {
        case kSummary: range.content = Fingerprint{in.array<16>("fingerprint")}; break;
        case kEntries: range.content = read_entries(in, range.from, budget); break;
        default: break;
    }
    return range;
}

// Whether `range` may be followed by one that starts at `next`.
bool ends_before(const SyncRange& range, const base::EndpointId& next) {
    const auto* entries = std::get_if<std::vector<KnownEntry>>(&range.content);
    return range.from < next && (entries == nullptr || entries->empty() || entries->back().id < next);
}

std::vector<SyncRange> read_ranges(Reader& in) {
    const std::size_t count = in.count("ranges", kSyncRangesMax);
    std::size_t budget = kSyncItemsMax;
    std::vector<SyncRange> ranges;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        SyncRange range = read_range(in, budget);
        if (!ranges.empty() && !ends_before(ranges.back(), range.from))
            in.fail("range", "must begin after the one before");
        ranges.push_back(std::move(range));
    }
    return ranges;
}

SyncTurn read_sync(Reader& in) {
    SyncTurn turn;
    turn.ranges = read_ranges(in);
    const std::size_t wanted = in.count("wanted", kSyncItemsMax);
    for (std::size_t i = 0; i < wanted && in.ok(); ++i)
        turn.wanted.push_back(in.id<base::EndpointId>("wanted id"));
    const std::size_t statements = in.count("statements", kSyncStatementsMax);
    for (std::size_t i = 0; i < statements && in.ok(); ++i) {
        const base::ByteView bytes = in.bytes("statement", kStatementMax);
        turn.statements.emplace_back(bytes.begin(), bytes.end());
    }
    turn.context = read_context(in);
    return turn;
}

MeshFrame read_frame(Tag tag, Reader& in) {
    switch (tag) {
        case Tag::hello: return read_hello(in);
        case Tag::refused: return read_refused(in);
        case Tag::ping: return read_ping(in);
        case Tag::pong: return read_pong(in);
        case Tag::echo: return read_echo(in);
        case Tag::resolve: return read_resolve(in);
        case Tag::resolved: return read_resolved(in);
        case Tag::revocations: return read_revocations_frame(in);
        case Tag::sync: break;
    }
    return read_sync(in);
}

}  // namespace

std::size_t payload_size(const SyncTurn& turn) {
    std::size_t size = varint_size(turn.ranges.size()) + varint_size(turn.wanted.size()) +
                       varint_size(turn.statements.size()) + turn.wanted.size() * base::kIdBytes;
    for (const auto& range : turn.ranges) {
        size += base::kIdBytes + 1;
        if (std::holds_alternative<Fingerprint>(range.content)) size += std::tuple_size_v<decltype(Fingerprint::bytes)>;
        if (const auto* entries = std::get_if<std::vector<KnownEntry>>(&range.content)) {
            size += varint_size(entries->size());
            for (const auto& entry : *entries)
                size += base::kIdBytes + varint_size(entry.sequence.value);
        }
    }
    for (const auto& statement : turn.statements)
        size += varint_size(statement.size()) + statement.size();
    return size + (carried(turn.context).is_valid() ? kContextBytes : 0);
}

base::Bytes encode(const MeshFrame& frame) {
    Writer payload;
    std::visit([&](const auto& value) { write(payload, value); }, frame);
    return frame_bytes(static_cast<std::uint8_t>(tag_of(frame)), payload.take());
}

base::Result<MeshFrame> decode_mesh_frame(std::uint8_t tag, base::ByteView payload) {
    const auto rule = check_frame(kMeshFrames, tag, payload.size());
    if (!rule) return tl::unexpected(rule.error());
    Reader in(rule->name, payload);
    auto frame = read_frame(static_cast<Tag>(tag), in);
    return in.finish(std::move(frame));
}

MeshFrameReader::MeshFrameReader() : splitter_(kMeshFrames) {}

}  // namespace grapevine::wire
