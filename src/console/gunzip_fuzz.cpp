// Bodies that say they are gzip. The first two bytes are the limit, the third chooses what the rest is: a body as it
// came, the deflate data behind a correct header, or words to pack and edits of the packed ones, which get deeper.
//
// Whatever it is, no more than the limit comes out; and the limit decides only whether something comes, never what.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/gunzip.hpp"

using namespace grapevine;

namespace {

constexpr std::size_t kWideMax = 1U << 20U;
constexpr std::size_t kRepeatsMax = 64;
constexpr std::string_view kHeader("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);

void check(std::string_view packed, std::size_t bytes_max) {
    const auto wide = console::gunzip(packed, kWideMax);
    const auto narrow = console::gunzip(packed, bytes_max);
    for (const auto* result : {&wide, &narrow}) {
        if (*result) continue;
        const base::ErrorCode code = result->error().code;
        GRAPEVINE_ASSERT(code == base::ErrorCode::invalid || code == base::ErrorCode::exhausted,
                         "two kinds of refusal");
        GRAPEVINE_ASSERT(result->error().message.starts_with("gzip: "), "a refusal says why");
    }
    if (narrow) {
        GRAPEVINE_ASSERT(narrow->size() <= bytes_max, "no more than the limit is inflated");
        GRAPEVINE_ASSERT(wide && *wide == *narrow, "the limit changes nothing of what is within it");
    } else if (wide) {
        GRAPEVINE_ASSERT(narrow.error().code == base::ErrorCode::exhausted,
                         "only the limit stands against a whole body");
        GRAPEVINE_ASSERT(wide->size() > bytes_max, "what fits is inflated");
    }
}

// Words repeated, so that a few bytes become many; at both sides of the limit that is theirs.
std::string check_packed(std::string_view words, std::size_t repeats) {
    std::string plain;
    for (std::size_t i = 0; i < repeats; ++i)
        plain += words;
    const std::string packed = console::gzip(plain);
    GRAPEVINE_ASSERT(console::gunzip(packed, plain.size()) == plain, "what was packed comes back");
    if (!plain.empty()) {
        const auto refused = console::gunzip(packed, plain.size() - 1);
        GRAPEVINE_ASSERT(!refused && refused.error().code == base::ErrorCode::exhausted, "a byte over the limit");
    }
    const auto cut = console::gunzip(std::string_view(packed).substr(0, packed.size() - 1), kWideMax);
    GRAPEVINE_ASSERT(!cut && cut.error().code == base::ErrorCode::invalid, "a body that was cut short is none");
    return packed;
}

// Three bytes an edit: where, and what is changed there.
void edit(std::string& packed, std::string_view edits) {
    for (; edits.size() >= 3; edits.remove_prefix(3)) {
        const std::size_t at = static_cast<std::uint8_t>(edits[0]) * 256U + static_cast<std::uint8_t>(edits[1]);
        packed[at % packed.size()] = static_cast<char>(packed[at % packed.size()] ^ edits[2]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const std::size_t bytes_max = data[0] * 256U + data[1];
    const std::string_view rest = base::as_text({data + 3, size - 3});
    if (data[2] % 3 == 0) {
        check(rest, bytes_max);
    } else if (data[2] % 3 == 1) {
        check(std::string(kHeader) + std::string(rest), bytes_max);
    } else {
        const std::size_t edits = static_cast<std::uint8_t>(rest.front()) % (rest.size() + 1);
        std::string packed = check_packed(rest.substr(edits), 1 + data[2] % kRepeatsMax);
        edit(packed, rest.substr(0, edits));
        check(packed, bytes_max);
    }
    return 0;
}
