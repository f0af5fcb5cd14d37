// Publications as the application sees them: its own, those of others, and those that were missed.

#include <utility>

#include "base/encoding.hpp"
#include "grapevine/convert.hpp"
#include "grapevine/mesh_part.hpp"
#include "io/node_views.hpp"

namespace grapevine {

namespace {

static_assert(static_cast<int>(delivery::MissCause::count_) == static_cast<int>(MissedPublication::Cause::busy) + 1);

constexpr const char* kSite = "delivery.publication";

}  // namespace

std::string_view to_text(MissedPublication::Cause cause) {
    return delivery::name(static_cast<delivery::MissCause>(cause));
}

Result<Published> MeshPart::publish_content(std::span<const std::uint8_t> content) {
    const auto what = host_.stack().publish(base::Bytes(content.begin(), content.end()), host_.now());
    host_.touch();
    if (!what) {
        return tl::unexpected(lift(io::publish_error(what.error())));
    }
    return Published{what->number, base::hex_encode(what->hash)};
}

void MeshPart::take_publication(const stack::PublicationReport& report) {
    std::visit([&](const auto& seen) { tell(seen); }, report);
}

void MeshPart::tell(const delivery::Published& published) {
    const delivery::Announcement& what = published.what;
    const std::string hash = base::hex_encode(what.hash);
    host_.runtime().log().write(io::LogLevel::info, kSite, "%s published %llu: %u bytes, BLAKE3 %s",
                                host_.stack().name_of(what.author).c_str(),
                                static_cast<unsigned long long>(what.number), what.size, hash.c_str());
    if (on_publication_) {
        on_publication_({what.author.hex(), what.number, hash, published.content});
    }
}

void MeshPart::tell(const delivery::Missed& missed) {
    const delivery::Announcement& what = missed.what;
    const std::string hash = base::hex_encode(what.hash);
    host_.runtime().log().write(io::LogLevel::warn, kSite, "missed %llu of %s: %s; %u bytes, BLAKE3 %s",
                                static_cast<unsigned long long>(what.number),
                                host_.stack().name_of(what.author).c_str(),
                                std::string(delivery::name(missed.cause)).c_str(), what.size, hash.c_str());
    if (on_missed_publication_) {
        on_missed_publication_(
            {what.author.hex(), what.number, hash, what.size, static_cast<MissedPublication::Cause>(missed.cause)});
    }
}

}  // namespace grapevine
