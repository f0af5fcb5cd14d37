#include "apps/grapevine/collector_options.hpp"

#include <cstdlib>
#include <string>
#include <utility>

#include "apps/grapevine/collector_query.hpp"
#include "grapevine/node_main_settings.hpp"
#include "grapevine/node_main_version.hpp"

namespace grapevine::apps {
namespace {

base::Result<std::filesystem::path> store_dir(const cli::Parsed& parsed, std::string_view name) {
    if (parsed.has("--store")) {
        return std::filesystem::absolute(parsed.text("--store"));
    }
    const auto state = cli::default_state_dir([](const char* variable) { return std::getenv(variable); });
    return state.empty()
               ? base::Result<std::filesystem::path>(base::invalid("--store: is required where HOME is not set"))
               : state / name;
}

}  // namespace

void append_collector_options(std::vector<cli::Flag>& flags, std::string_view listen, std::string_view store_help) {
    const std::vector<cli::Flag> own = {
        {"--listen", cli::Arity::one, "ADDR:PORT", "where to listen; port 0 chooses", listen},
        {"--store", cli::Arity::one, "DIR", store_help},
        {"--max-size", cli::Arity::one, "SIZE", "at most this much, as in 64MiB or 1GiB", "256MiB"},
        {"--max-age", cli::Arity::one, "TIME", "nothing older than this, as in 30m, 24h or 7d", "24h"}};
    flags.insert(flags.end(), own.begin(), own.end());
}

base::Result<console::CollectorConfig> collector_options(const cli::Parsed& parsed, std::string_view listen,
                                                         std::string_view store) {
    console::CollectorConfig config;
    const auto address = base::SocketAddr::parse(parsed.text("--listen", listen));
    const auto size = parse_size("--max-size", parsed.text("--max-size", "256MiB"));
    const auto age = parse_time("--max-age", parsed.text("--max-age", "24h"));
    auto directory = store_dir(parsed, store);
    if (!address) {
        return base::invalid("--listen: " + address.error().message);
    }
    if (!size || !age || !directory) {
        return tl::unexpected(!size ? size.error() : !age ? age.error() : directory.error());
    }
    if (*size < console::StoreLimits::kBytesMin) {
        return base::invalid("--max-size: must be 4MiB or more");
    }
    config.listen = *address;
    config.store.bytes_max = *size;
    config.store.age_max = *age;
    config.directory = std::move(*directory);
    config.version = cli::version_text();
    return config;
}

}  // namespace grapevine::apps
