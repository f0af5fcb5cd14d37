#pragma once

// Text encodings of bytes. Unless said otherwise, encoders print lower case without padding. Decoders accept any case,
// refuse padding, foreign characters, impossible lengths and non-zero trailing bits (so that each byte string has one
// text), and never throw.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace grapevine::base {

std::string hex_encode(ByteView bytes);
Result<Bytes> hex_decode(std::string_view text);

// RFC 4648 section 6, alphabet a-z2-7.
std::string base32_encode(ByteView bytes);
Result<Bytes> base32_decode(std::string_view text);

// RFC 4648 section 7 ("base32hex"), alphabet 0-9a-v.
std::string base32hex_encode(ByteView bytes);
Result<Bytes> base32hex_decode(std::string_view text);

// z-base-32 (O'Whielacronx 2002), alphabet ybndrfg8ejkmcpqxot1uwisza345h769; names of endpoints in DNS.
std::string zbase32_encode(ByteView bytes);
Result<Bytes> zbase32_decode(std::string_view text);

// RFC 4648 section 4, padded: for bytes in JSON.
std::string base64_encode(ByteView bytes);
Result<Bytes> base64_decode(std::string_view text);

// `text` fit to be quoted in a message: control and non-ASCII bytes escaped as \xNN, cut to `limit` characters.
std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace grapevine::base
