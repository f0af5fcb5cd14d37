#include "wire/watch.hpp"

#include <array>
#include <utility>

#include "wire/digest.hpp"
#include "wire/names.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

enum class Tag : std::uint8_t { begin = 0x50, told = 0x51, whole = 0x52, gone = 0x53, beat = 0x54, mesh = 0x55 };

constexpr std::size_t kSmallFrameMax = 256;
static_assert(kStatementMax + 2 * kVarint32Max <= kWatchFrameMax);
static_assert(1 + 1 + kNameMax + kVarint32Max <= kSmallFrameMax && base::kIdBytes + 1 <= kSmallFrameMax);

std::optional<FrameRule> rule_of(std::uint8_t tag) {
    switch (static_cast<Tag>(tag)) {
        case Tag::begin: return FrameRule{"watch begin", kSmallFrameMax};
        case Tag::told: return FrameRule{"watch told", kWatchFrameMax};
        case Tag::whole: return FrameRule{"watch whole", kSmallFrameMax};
        case Tag::gone: return FrameRule{"watch gone", kSmallFrameMax};
        case Tag::beat: return FrameRule{"watch beat", kSmallFrameMax};
        case Tag::mesh: return FrameRule{"watch mesh", kSmallFrameMax};
    }
    return std::nullopt;
}

constexpr FrameFamily kWatchFrames{"watch", rule_of};

Tag tag_of(const WatchFrame& frame) {
    constexpr std::array<Tag, std::variant_size_v<WatchFrame>> kTags{Tag::begin, Tag::told, Tag::whole,
                                                                     Tag::gone,  Tag::beat, Tag::mesh};
    return kTags[frame.index()];
}

void write(Writer& out, const WatchBegin& begin) {
    out.u8(begin.version);
    out.text(begin.mesh);
    out.varint(begin.staleness_ms);
}
void write(Writer& out, const WatchTold& told) {
    out.varint(told.age_ms);
    out.bytes(told.statement);
}
void write(Writer&, const WatchWhole&) {}
void write(Writer& out, const WatchGone& gone) {
    out.raw(gone.id.view());
    out.u8(static_cast<std::uint8_t>(gone.cause));
}
void write(Writer&, const WatchBeat&) {}
void write(Writer& out, const WatchMesh& mesh) {
    out.text(mesh.mesh);
    out.u8(static_cast<std::uint8_t>(mesh.change));
}

std::string read_name(Reader& in) {
    auto name = parse_name("mesh", base::as_text(in.bytes("mesh", kNameMax)));
    if (name) return *std::move(name);
    in.fail("mesh", "is no name of a mesh");
    return {};
}

WatchBegin read_begin(Reader& in) {
    WatchBegin begin;
    begin.version = in.u8("version");
    if (in.ok() && begin.version != kWatchVersion)
        in.fail("version",
                "is " + std::to_string(begin.version) + " where " + std::to_string(kWatchVersion) + " is known");
    begin.mesh = read_name(in);
    begin.staleness_ms = in.u32("staleness");
    return begin;
}

WatchTold read_told(Reader& in) {
    WatchTold told;
    told.age_ms = in.u32("age");
    const base::ByteView statement = in.bytes("statement", kStatementMax);
    told.statement.assign(statement.begin(), statement.end());
    return told;
}

WatchGone read_gone(Reader& in) {
    WatchGone gone;
    gone.id = in.id<base::EndpointId>("id");
    gone.cause = static_cast<WatchGoneCause>(in.discriminant("cause", kWatchGoneCauses));
    return gone;
}

WatchMesh read_mesh(Reader& in) {
    WatchMesh mesh;
    mesh.mesh = read_name(in);
    mesh.change = static_cast<WatchMeshChange>(in.discriminant("change", 2));
    return mesh;
}

WatchFrame read_frame(Tag tag, Reader& in) {
    switch (tag) {
        case Tag::begin: return read_begin(in);
        case Tag::told: return read_told(in);
        case Tag::whole: return WatchWhole{};
        case Tag::gone: return read_gone(in);
        case Tag::beat: return WatchBeat{};
        case Tag::mesh: break;
    }
    return read_mesh(in);
}

std::string_view suffix_of(WatchSubject subject) {
    return subject == WatchSubject::directory ? kDirectorySuffix : kMeshesSuffix;
}

}  // namespace

std::string_view name(WatchGoneCause cause) {
    static constexpr std::array<std::string_view, kWatchGoneCauses> kNames{"left", "died", "stale", "displaced",
                                                                           "expelled"};
    const auto index = static_cast<std::size_t>(cause);
    return index < kNames.size() ? kNames[index] : "unknown";
}

base::Bytes encode(const WatchFrame& frame) {
    Writer out;
    std::visit([&](const auto& value) { write(out, value); }, frame);
    return frame_bytes(static_cast<std::uint8_t>(tag_of(frame)), out.take());
}

base::Result<WatchFrame> decode_watch_frame(std::uint8_t tag, base::ByteView payload) {
    const auto rule = check_frame(kWatchFrames, tag, payload.size());
    if (!rule) return tl::unexpected(rule.error());
    Reader in(rule->name, payload);
    WatchFrame frame = read_frame(static_cast<Tag>(tag), in);
    return in.finish(std::move(frame));
}

WatchFrameReader::WatchFrameReader() : splitter_(kWatchFrames) {}

std::string watch_target(const WatchTarget& target) {
    return target.gateway.hex().append(suffix_of(target.subject));
}

std::optional<WatchTarget> parse_watch_target(std::string_view name) {
    for (const auto subject : {WatchSubject::directory, WatchSubject::meshes}) {
        const std::string_view suffix = suffix_of(subject);
        if (!name.ends_with(suffix)) continue;
        const auto id = base::EndpointId::parse(name.substr(0, name.size() - suffix.size()));
        if (id) return WatchTarget{*id, subject};
    }
    return std::nullopt;
}

bool is_watch_name(std::string_view name) {
    return name.ends_with(kDirectorySuffix) || name.ends_with(kMeshesSuffix);
}

}  // namespace grapevine::wire
