#include "wire/glance.hpp"

#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

void read_accused(Reader& body, Glance& glance) {
    glance.accused = body.id<base::EndpointId>("accused");
    glance.sequence = Sequence{body.u64("sequence")};
    const std::uint32_t phase = body.discriminant("phase", 2);
    glance.phase = phase == 0 ? AccusationPhase::suspected : AccusationPhase::confirmed;
}

}  // namespace

std::optional<Glance> glance(base::ByteView envelope) {
    Reader in("statement", envelope);
    Glance result;
    const std::uint8_t kind = in.u8("kind");
    result.signer = in.id<base::EndpointId>("signer");
    Reader body("statement", in.bytes("body", kStatementMax));
    if (!in.ok() || (kind != kDigestKind && kind != kAccusationKind)) return std::nullopt;
    if (body.u8("version") != kDigestVersion) return std::nullopt;
    const auto mesh = parse_name("mesh", base::as_text(body.bytes("mesh", kNameMax)));
    if (!mesh) return std::nullopt;
    result.mesh = *mesh;
    if (kind == kDigestKind) {
        body.bytes("type", kNameMax);
        result.sequence = Sequence{body.u64("sequence")};
    } else {
        read_accused(body, result);
    }
    return body.ok() ? std::optional(result) : std::nullopt;
}

}  // namespace grapevine::wire
