#include "apps/grapevine/app_endpoint.hpp"

#include <unistd.h>

#include "base/ed25519.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/key_file.hpp"
#include "wire/addr.hpp"

namespace grapevine::apps {
namespace {

constexpr std::uint64_t kCloseCodeMax = (1ULL << 62U) - 1;  // RFC 9000 section 16: a variable-length integer.
constexpr std::size_t kCloseReasonMax = 256;
constexpr std::size_t kAlpnMax = 255;

base::Status check_alpn(const std::string& alpn) {
    if (alpn.empty() || alpn.size() > kAlpnMax) {
        return base::invalid("--alpn: must have 1 to " + std::to_string(kAlpnMax) + " bytes");
    }
    return {};
}

}  // namespace

void append_app_flags(std::vector<cli::Flag>& flags) {
    flags.push_back({"--alpn", cli::Arity::one, "NAME", "the application protocol (default grapevine/echo/1)"});
    flags.push_back(
        {"--key", cli::Arity::one, "FILE", "the identity; minted when absent (default: a fresh one, not kept)"});
    flags.push_back({"--bind", cli::Arity::many, "ADDR", "IP:PORT or [IP6]:PORT (default 0.0.0.0:0 and [::]:0)"});
    flags.push_back({"--close-code", cli::Arity::one, "N", "application code to close with (default 0)"});
    flags.push_back({"--close-reason", cli::Arity::one, "TEXT", "reason to close with, at most 256 bytes"});
}

base::Result<EndpointSettings> app_settings(const cli::Parsed& parsed) {
    EndpointSettings settings;
    for (const std::string& text : parsed.list("--bind")) {
        const auto addr = base::SocketAddr::parse(text);
        if (!addr) {
            return base::invalid("--bind: " + addr.error().message);
        }
        settings.bind.push_back(*addr);
    }
    settings.key_file = parsed.text("--key");
    settings.alpn = parsed.text("--alpn", kDefaultAlpn);
    settings.close.reason = parsed.text("--close-reason");
    const auto code = cli::parse_number("--close-code", parsed.text("--close-code", "0"), 0, kCloseCodeMax);
    if (!code) {
        return tl::unexpected(code.error());
    }
    settings.close.code = *code;
    if (const auto checked = check_alpn(settings.alpn); !checked) {
        return tl::unexpected(checked.error());
    }
    if (settings.close.reason.size() > kCloseReasonMax) {
        return base::invalid("--close-reason: longer than " + std::to_string(kCloseReasonMax) + " bytes");
    }
    return settings;
}

base::Result<std::unique_ptr<io::Host>> start_app_host(io::Runtime& runtime, const EndpointSettings& settings,
                                                       io::HostListener& listener) {
    auto key = settings.key_file.empty() ? base::Result<base::SecretKey>(base::SecretKey::generate())
                                         : io::load_or_mint_key(settings.key_file);
    if (!key) {
        return tl::unexpected(key.error());
    }
    io::HostConfig config;
    config.bind = settings.bind;
    config.stack.quic.alpns = {settings.alpn};
    config.stack.gossip = false;
    return io::Host::start(runtime, config, *key, listener);
}

void report_closed(const quic::CloseReason& reason) {
    boost::json::object line;
    line["event"] = "closed";
    line["code"] = reason.code;
    line["reason"] = cli::json_text(reason.text);
    line["cause"] = cli::json_text(quic::name(reason.cause));
    cli::write_all(STDERR_FILENO, cli::json_line(line));
}

std::string ready_line(const io::Host& host) {
    std::vector<std::string> addrs;
    for (const base::SocketAddr& addr : host.addrs()) {
        addrs.push_back(addr.text());
    }
    boost::json::object line;
    line["event"] = "ready";
    line["id"] = host.stack().id().hex();
    line["ticket"] = wire::ticket_text(host.stack().addr());
    line["addrs"] = cli::json_texts(addrs);
    return cli::json_line(line);
}

std::size_t StreamSender::pump() {
    if (finished_ || (pending_.empty() && !finishing_)) {
        return 0;
    }
    const auto written = host_.stack().write(connection_, stream_, pending_, finishing_);
    const std::size_t taken = written ? *written : pending_.size();
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(taken));
    finished_ = !written || (finishing_ && pending_.empty());
    host_.touch();
    return taken;
}

}  // namespace grapevine::apps
