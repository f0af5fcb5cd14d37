#include "base/ids.hpp"

#include "base/encoding.hpp"

namespace grapevine::base {

template <typename Tag>
std::string Id<Tag>::hex() const {
    return hex_encode(bytes);
}

template <typename Tag>
Result<Id<Tag>> Id<Tag>::from_bytes(ByteView view) {
    if (view.size() != kIdBytes)
        return invalid(std::string(Tag::kName) + ": " + std::to_string(view.size()) + " bytes where 32 are needed");
    Id id;
    std::copy(view.begin(), view.end(), id.bytes.begin());
    return id;
}

template <typename Tag>
Result<Id<Tag>> Id<Tag>::parse(std::string_view text) {
    const auto decoded = text.size() == 52 ? base32_decode(text) : hex_decode(text);
    if (!decoded || decoded->size() != kIdBytes)
        return invalid(std::string(Tag::kName) + " '" + printable(text) + "': must be 64 hex characters");
    return from_bytes(*decoded);
}

template struct Id<EndpointTag>;
template struct Id<TopicTag>;
template struct Id<MessageTag>;

}  // namespace grapevine::base
