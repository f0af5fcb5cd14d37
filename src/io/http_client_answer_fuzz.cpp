// Answers of HTTP servers: any bytes, in any pieces, give the same answer as in one piece, or a refusal with a reason,
// within the limits.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "io/http_client_answer.hpp"

using namespace grapevine;
using io::HttpAnswerParser;
using State = HttpAnswerParser::State;

namespace {

constexpr std::size_t kBodyMax = 1000;

struct Outcome {
    State state = State::more;
    unsigned status = 0;
    std::string body;
};

Outcome parse(std::string_view bytes, std::size_t piece, HttpAnswerParser::Expect expect) {
    HttpAnswerParser parser(kBodyMax, expect);
    Outcome outcome;
    while (!bytes.empty() && outcome.state == State::more) {
        const std::size_t now = std::min(piece, bytes.size());
        outcome.state = parser.put(bytes.substr(0, now));
        bytes.remove_prefix(now);
    }
    if (outcome.state == State::more) outcome.state = parser.end();
    GRAPEVINE_ASSERT(outcome.state != State::more, "the end is the end");
    if (outcome.state != State::done) {
        GRAPEVINE_ASSERT(!parser.error().empty(), "a refusal says why");
        return outcome;
    }
    const io::HttpAnswer answer = parser.take();
    GRAPEVINE_ASSERT(answer.body.size() <= kBodyMax, "a body is bounded");
    GRAPEVINE_ASSERT(answer.status >= 200, "interim answers are skipped");
    outcome.status = answer.status;
    outcome.body = answer.body;
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto expect = (data[0] & 0x80U) != 0 ? HttpAnswerParser::Expect::no_body : HttpAnswerParser::Expect::body;
    const std::size_t piece = 1 + (data[0] & 0x7fU);
    const std::string_view text = base::as_text({data + 1, size - 1});
    for (const std::string& bytes : {std::string(text), "HTTP/1.1 200 OK\r\n" + std::string(text),
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(text)}) {
        const Outcome whole = parse(bytes, bytes.size(), expect);
        const Outcome pieces = parse(bytes, piece, expect);
        GRAPEVINE_ASSERT((whole.state == State::done) == (pieces.state == State::done), "pieces change nothing");
        GRAPEVINE_ASSERT(whole.status == pieces.status && whole.body == pieces.body, "pieces change nothing");
    }
    return 0;
}
