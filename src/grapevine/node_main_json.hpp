#pragma once

// JSON for the few lines that programs print, without a JSON library in every node; and the version.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

// A JSON string, quoted (RFC 8259 section 7). Bytes that are no UTF-8 (RFC 3629) become U+FFFD, one for each byte.
std::string json_text(std::string_view text);
std::string json_texts(const std::vector<std::string>& texts);

// "0.1.0 (commit 0123abc; iroh 1 QUIC, /iroh-gossip/1, grapevine/mesh/1)".
std::string version_text();

}  // namespace cli
}  // namespace grapevine
