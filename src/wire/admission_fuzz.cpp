// Tickets and revocation lists: arbitrary bytes as an envelope, as a text, and as the body of a well-signed envelope,
// so that the fuzzer gets past the signature. What opens has one form: signed again by the same key it is the same
// bytes.

#include <cstddef>
#include <cstdint>

#include "wire/admission.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/postcard.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

const base::SecretKey& key() {
    static const base::SecretKey kKey = *base::SecretKey::from_seed(base::Bytes(32, 1));
    return kKey;
}

base::Bytes signed_envelope(std::uint8_t kind, base::ByteView body) {
    base::Bytes message = base::to_bytes(kind == wire::kAdmissionTicketKind ? "grapevine admission ticket 1"
                                                                            : "grapevine revocation list 1");
    message.insert(message.end(), body.begin(), body.end());
    wire::Writer out;
    out.u8(kind);
    out.raw(key().id().view());
    out.bytes(body);
    out.raw(key().sign(message));
    return out.take();
}

void check_ticket(base::ByteView bytes) {
    const auto read = wire::read_ticket(bytes);
    const auto opened = wire::open_ticket(bytes);
    require(read ? opened.has_value() == wire::signature_holds(*read) : !opened);
    if (!opened) {
        require(!opened.error().message.empty());
        return;
    }
    require(*read == *opened && opened->envelope == base::Bytes(bytes.begin(), bytes.end()));
    require(wire::check(opened->value).has_value());
    require(wire::parse_admission_text(wire::admission_text(*opened)) == *opened);
    if (opened->authority == key().id()) require(wire::sign_ticket(key(), opened->value) == *opened);
}

void check_list(base::ByteView bytes) {
    const auto read = wire::read_revocations(bytes);
    const auto opened = wire::open_revocations(bytes);
    require(read ? opened.has_value() == wire::signature_holds(*read) : !opened);
    if (!opened) {
        require(!opened.error().message.empty());
        return;
    }
    require(*read == *opened && opened->envelope == base::Bytes(bytes.begin(), bytes.end()));
    require(wire::check(opened->value).has_value());
    for (const auto& ticket : opened->value.revoked)
        require(opened->value.contains(ticket.serial));
    require(wire::parse_revocations_text(wire::revocations_text(*opened)) == *opened);
    if (opened->authority == key().id()) require(wire::sign_revocations(key(), opened->value) == *opened);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    check_ticket(input);
    check_list(input);
    if (const auto ticket = wire::parse_admission_text(base::as_text(input))) check_ticket(ticket->envelope);
    if (const auto list = wire::parse_revocations_text(base::as_text(input))) check_list(list->envelope);
    check_ticket(signed_envelope(wire::kAdmissionTicketKind, input));
    check_list(signed_envelope(wire::kRevocationListKind, input));
    return 0;
}
