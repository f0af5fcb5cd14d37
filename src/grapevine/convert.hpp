#pragma once

// Between the public headers' types and those of the layers below.

#include <string>
#include <string_view>
#include <vector>

#include <grapevine/endpoint.hpp>
#include <grapevine/result.hpp>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "wire/addr.hpp"

namespace grapevine {

Error lift(const base::Error& error);

template <typename T>
Result<T> lift(base::Result<T>&& result) {
    if (!result) {
        return tl::unexpected(lift(result.error()));
    }
    if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        return std::move(*result);
    }
}

// A ticket ("endpoint..."), or "<64 hex>@<ip:port>", with at least one direct address.
base::Result<wire::EndpointAddr> parse_peer(std::string_view text);
base::Result<std::vector<wire::EndpointAddr>> parse_peers(const std::vector<std::string>& texts);
base::Result<std::vector<base::SocketAddr>> parse_binds(const std::vector<std::string>& texts);

std::string text_of(const wire::TransportAddr& addr);

}  // namespace grapevine
