// Retry-After, which the server of an exporter chooses: any text is a wait of at most a day, and every date in the form
// that may be generated (RFC 9110, section 5.6.7) is the wait until then.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "io/exporter_lane.hpp"

using namespace grapevine;

namespace {

using std::chrono::seconds;
constexpr seconds kDay(24 * 3600);
// The year 9999, the last of that form.
constexpr std::uint64_t kDatesEnd = 253'402'300'800;

std::string_view date_text(std::uint64_t unix_s, std::array<char, 64>& buffer) {
    const auto time = static_cast<std::time_t>(unix_s);
    std::tm parts{};
    GRAPEVINE_ASSERT(::gmtime_r(&time, &parts) != nullptr, "a date");
    return {buffer.data(), std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 16) return 0;
    std::uint64_t now_s = 0;
    std::uint64_t date_s = 0;
    std::memcpy(&now_s, data, sizeof(now_s));
    std::memcpy(&date_s, data + sizeof(now_s), sizeof(date_s));
    const base::WallTime now{now_s % (UINT64_MAX / 1000) * 1000};

    const base::Duration wait = io::parse_retry_after(base::as_text({data + 16, size - 16}), now);
    GRAPEVINE_ASSERT(wait >= seconds(0) && wait <= kDay, "a wait is bounded");

    date_s %= kDatesEnd;
    std::array<char, 64> buffer{};
    const std::uint64_t to_go = date_s > now.unix_ms / 1000 ? date_s - now.unix_ms / 1000 : 0;
    const seconds expected = std::min(kDay, seconds(std::min<std::uint64_t>(to_go, 1'000'000)));
    GRAPEVINE_ASSERT(io::parse_retry_after(date_text(date_s, buffer), now) == expected,
                     "a date is the wait until then");
    return 0;
}
