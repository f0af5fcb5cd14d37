#include "directory/glance.hpp"

#include "wire/postcard.hpp"

namespace grapevine::directory {

namespace {

// The layout that wire/digest.hpp states.
constexpr std::uint8_t kDigestKind = 1;
constexpr std::uint8_t kAccusationKind = 2;

void read_accused(wire::Reader& body, Glance& glance) {
    glance.accused = body.id<base::EndpointId>("accused");
    glance.sequence = wire::Sequence{body.u64("sequence")};
    const std::uint32_t phase = body.discriminant("phase", 2);
    glance.phase = phase == 0 ? wire::AccusationPhase::suspected : wire::AccusationPhase::confirmed;
}

}  // namespace

std::optional<Glance> glance(base::ByteView envelope) {
    wire::Reader in("statement", envelope);
    Glance result;
    const std::uint8_t kind = in.u8("kind");
    result.signer = in.id<base::EndpointId>("signer");
    wire::Reader body("statement", in.bytes("body", wire::kStatementMax));
    if (!in.ok() || (kind != kDigestKind && kind != kAccusationKind)) return std::nullopt;
    if (body.u8("version") != wire::kDigestVersion) return std::nullopt;
    const auto mesh = wire::parse_name("mesh", base::as_text(body.bytes("mesh", wire::kNameMax)));
    if (!mesh) return std::nullopt;
    result.mesh = *mesh;
    if (kind == kDigestKind) {
        body.bytes("type", wire::kNameMax);
        result.sequence = wire::Sequence{body.u64("sequence")};
    } else {
        read_accused(body, result);
    }
    return body.ok() ? std::optional(result) : std::nullopt;
}

}  // namespace grapevine::directory
