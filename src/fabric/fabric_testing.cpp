#include "fabric/fabric_testing.hpp"

#include "base/assert.hpp"

namespace grapevine::fabric::testing {

const base::SecretKey& key(std::uint32_t n) {
    static std::map<std::uint32_t, base::SecretKey> made;
    if (const auto known = made.find(n); known != made.end()) return known->second;
    std::array<std::uint8_t, 32> seed{};
    for (unsigned i = 0; i < 4; ++i)
        seed[i] = static_cast<std::uint8_t>(n >> (8U * i));
    seed[31] = 11;
    return made.emplace(n, *base::SecretKey::from_seed(seed)).first->second;
}

std::vector<wire::EndpointAddr> addrs(const std::vector<std::uint32_t>& numbers) {
    std::vector<wire::EndpointAddr> result;
    result.reserve(numbers.size());
    for (const std::uint32_t n : numbers)
        result.push_back(addr(n));
    return result;
}

wire::Summary summary(const std::string& mesh, std::uint64_t sequence, const std::vector<std::uint32_t>& gateways) {
    wire::Summary s;
    s.fabric = "default";
    s.mesh = mesh;
    s.sequence = wire::Sequence{sequence};
    s.gateways = addrs(gateways);
    s.members = {{"broker", 1}};
    return s;
}

wire::Digest digest(const std::string& mesh, const std::string& type, std::uint64_t sequence) {
    wire::Digest d;
    d.mesh = mesh;
    d.type = type;
    d.sequence = wire::Sequence{sequence};
    d.started_unix_ms = 1000;
    d.addrs = {base::SocketAddr::v4(127, 0, 0, 1, 4000)};
    return d;
}

void Gateway::run_until(TimePoint until) {
    out.clear();
    spoken_at.clear();
    while (backbone.next_deadline() && *backbone.next_deadline() <= until) {
        const TimePoint now = *backbone.next_deadline();
        const std::size_t before = pick<Broadcast>(out).size();
        backbone.on_deadline(now, out);
        if (pick<Broadcast>(out).size() > before) spoken_at.push_back(now);
        const auto next = backbone.next_deadline();
        GRAPEVINE_ASSERT(!next || *next > now, "deadlines make progress");
    }
}

std::vector<wire::Summary> Gateway::spoken() const {
    const auto broadcasts = pick<Broadcast>(out);
    std::vector<wire::Summary> result;
    result.reserve(broadcasts.size());
    for (const auto& broadcast : broadcasts)
        result.push_back(wire::open_summary(broadcast.envelope).value().summary);
    return result;
}

Admission FakeAdmits::speaker(const EndpointId& signer, std::string_view /*mesh*/, const EndpointId& authority,
                              base::ByteView /*ticket*/) {
    const auto known = authority_of.find(signer);
    return known != authority_of.end() && known->second == authority ? Admission::admitted : Admission::refused;
}

Admission FakeAdmits::member(const wire::Statement& digest, const EndpointId& authority) {
    return speaker(digest.signer, {}, authority, {});
}

}  // namespace grapevine::fabric::testing
