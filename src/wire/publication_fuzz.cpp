// Notices: arbitrary bytes as an envelope, and the same bytes as the body of a well-signed one, so that the fuzzer
// gets past the signature. What is read signs again to the same notice and fits its limit. The same bytes as a
// question for a chunk, and as a name.

#include <cstddef>
#include <cstdint>

#include "wire/envelope.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/publication.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

const base::SecretKey& key() {
    static const base::SecretKey kKey = *base::SecretKey::from_seed(base::Bytes(32, 1));
    return kKey;
}

void check_envelope(base::ByteView bytes) {
    const auto read = wire::read_notice(bytes);
    if (!read) return require(!read.error().message.empty());
    (void)wire::signature_holds(*read);
    require(read->envelope == base::Bytes(bytes.begin(), bytes.end()));
    require(read->notice.size > 0 && read->notice.size <= wire::kPublicationMax);
    const wire::SignedNotice again = wire::sign(key(), read->notice);
    require(again.notice == read->notice && again.envelope.size() <= wire::kNoticeMax);
    const auto reread = wire::read_notice(again.envelope);
    require(reread && reread->notice == read->notice && wire::signature_holds(*reread));
}

void check_question(base::ByteView bytes) {
    const auto question = wire::decode_chunk_question(bytes);
    if (!question) return require(!question.error().message.empty());
    require(question->size > 0 && question->size <= wire::kChunkMax && question->offset < wire::kPublicationMax);
    const auto again = wire::decode_chunk_question(wire::encode(*question));
    require(again && *again == *question);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    check_envelope(input);
    check_envelope(wire::sign_envelope(key(), "grapevine publication 1", wire::kNoticeKind, input));
    check_question(input);
    const std::string_view name = base::as_text(input);
    if (const auto id = wire::parse_chunk_target(name)) require(wire::is_reserved_name(wire::chunk_target(*id)));
    return 0;
}
