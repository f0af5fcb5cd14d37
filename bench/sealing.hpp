#pragma once

// AES-128-GCM by GnuTLS, the cipher and library of the QUIC endpoint, over each datagram of a train: the part of QUIC's
// work that no implementation on this cipher can avoid.

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace grapevine::bench {

class Sealing {
public:
    static constexpr std::size_t kTagBytes = 16;

    explicit Sealing(std::size_t segment_bytes) : segment_bytes_(segment_bytes), scratch_(segment_bytes) {
        gnutls_datum_t key{key_.data(), static_cast<unsigned>(key_.size())};
        if (::gnutls_aead_cipher_init(&cipher_, GNUTLS_CIPHER_AES_128_GCM, &key) != 0)
            throw std::runtime_error("GnuTLS has no AES-128-GCM");
    }
    ~Sealing() { ::gnutls_aead_cipher_deinit(cipher_); }
    Sealing(const Sealing&) = delete;
    Sealing& operator=(const Sealing&) = delete;

    // Encrypts the payload of each datagram of `train` in place; the last bytes of a datagram become the tag.
    void seal(std::span<std::uint8_t> train) {
        each(train, [&](std::span<std::uint8_t> datagram) {
            std::size_t sealed = datagram.size();
            const int status =
                ::gnutls_aead_cipher_encrypt(cipher_, nonce_.data(), nonce_.size(), nullptr, 0, kTagBytes,
                                             plain_.data(), datagram.size() - kTagBytes, datagram.data(), &sealed);
            if (status != 0) throw std::runtime_error("sealing failed");
        });
    }
    // Decrypts each datagram; true if all were genuine.
    bool open(std::span<std::uint8_t> train) {
        bool genuine = true;
        each(train, [&](std::span<std::uint8_t> datagram) {
            std::size_t plain = scratch_.size();
            genuine = ::gnutls_aead_cipher_decrypt(cipher_, nonce_.data(), nonce_.size(), nullptr, 0, kTagBytes,
                                                   datagram.data(), datagram.size(), scratch_.data(), &plain) == 0 &&
                      genuine;
        });
        return genuine;
    }

private:
    template <typename Work>
    void each(std::span<std::uint8_t> train, const Work& work) {
        for (std::size_t at = 0; at + kTagBytes < train.size(); at += segment_bytes_)
            work(train.subspan(at, std::min(segment_bytes_, train.size() - at)));
    }

    std::size_t segment_bytes_;
    gnutls_aead_cipher_hd_t cipher_ = nullptr;
    std::array<std::uint8_t, 16> key_{1};
    std::array<std::uint8_t, 12> nonce_{};
    std::vector<std::uint8_t> plain_ = std::vector<std::uint8_t>(65536, 0x5a);
    std::vector<std::uint8_t> scratch_;
};

}  // namespace grapevine::bench
