#include "apps/grapevine/exchange.hpp"

#include "base/encoding.hpp"

namespace grapevine::apps {

Exchange::Exchange(io::Host& host, quic::ConnectionRef connection, quic::StreamRef stream, base::ByteView data)
    : host_(host), connection_(connection), stream_(stream), data_(data) {
    crypto_hash_sha256_init(&hash_);
}

void Exchange::pump() {
    if (sent_) {
        return;
    }
    const auto written = host_.stack().write(connection_, stream_, data_, true);
    host_.touch();
    if (!written) {
        sent_ = true;  // The stream is gone; its end is an event.
        return;
    }
    sent_ = *written == data_.size();
    data_ = data_.subspan(*written);
}

void Exchange::on_data(const quic::StreamData& event) {
    crypto_hash_sha256_update(&hash_, event.data.data(), event.data.size());
    bytes_ += event.data.size();
    ended_ = ended_ || event.fin;
}

std::string Exchange::sha256() {
    std::array<std::uint8_t, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(&hash_, digest.data());
    return base::hex_encode(digest);
}

}  // namespace grapevine::apps
