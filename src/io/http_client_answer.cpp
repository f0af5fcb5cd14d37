#include "io/http_client_answer.hpp"

#include <algorithm>
#include <cctype>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/assert.hpp"

namespace grapevine::io {

namespace {

namespace http = boost::beast::http;

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
               return std::tolower(x) == std::tolower(y);
           });
}

bool is_limit(const boost::system::error_code& error) {
    return error == http::error::header_limit || error == http::error::body_limit ||
           error == http::error::buffer_overflow;
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (same_name(key, name)) return value;
    return {};
}

struct HttpAnswerParser::Parser {
    http::response_parser<http::string_body> beast;
};

HttpAnswerParser::HttpAnswerParser(std::size_t body_bytes_max, Expect expect)
    : body_bytes_max_(body_bytes_max), expect_(expect) {
    renew();
}
HttpAnswerParser::~HttpAnswerParser() = default;

void HttpAnswerParser::renew() {
    parser_ = std::make_unique<Parser>();
    parser_->beast.eager(true);
    parser_->beast.skip(expect_ == Expect::no_body);
    parser_->beast.header_limit(static_cast<std::uint32_t>(kHeadBytesMax));
    parser_->beast.body_limit(body_bytes_max_);
}

HttpAnswerParser::State HttpAnswerParser::fail(State state, std::string error) {
    state_ = state;
    error_ = std::move(error);
    pending_.clear();
    return state_;
}

HttpAnswerParser::State HttpAnswerParser::put(std::string_view bytes) {
    if (state_ != State::more) {
        keep_alive_ = keep_alive_ && bytes.empty();
        return state_;
    }
    bytes_seen_ += bytes.size();
    if (bytes_seen_ / 8 > body_bytes_max_ + 64 * 1024 / 8)
        return fail(State::too_large, "the answer does not end within its limit");
    pending_.append(bytes);
    return consume();
}

// Gives the parser what it can use; it asks for a line again, from its beginning, until the line is whole. Boost 1.81
// asserts that a last chunk which it saw incomplete comes back with five bytes at least, so chunks wait for these: a
// whole answer has no fewer left at any point before its end ("0", two line ends).
HttpAnswerParser::State HttpAnswerParser::consume() {
    std::size_t used = 0;
    while (state_ == State::more && pending_.size() - used >= bytes_needed()) {
        boost::system::error_code error;
        used += parser_->beast.put(boost::asio::buffer(pending_.data() + used, pending_.size() - used), error);
        if (error == http::error::need_more) break;
        if (error) return fail(is_limit(error) ? State::too_large : State::broken, error.message());
        if (parser_->beast.is_done()) finish();
    }
    if (state_ == State::broken || state_ == State::too_large) return state_;
    pending_.erase(0, used);
    if (state_ == State::done) {
        keep_alive_ = keep_alive_ && pending_.empty();
        pending_ = {};
    } else if (pending_.size() > kHeadBytesMax) {
        return fail(State::too_large, "a line of the answer is longer than its limit");
    }
    return state_;
}

std::size_t HttpAnswerParser::bytes_needed() const {
    constexpr std::size_t kLastChunkMin = 5;
    const bool chunks = parser_->beast.is_header_done() && parser_->beast.chunked();
    return chunks ? kLastChunkMin : 1;
}

// An interim answer is followed by another (RFC 9110, section 15.2); 101 would change the protocol, which nobody asked.
HttpAnswerParser::State HttpAnswerParser::finish() {
    const unsigned status = parser_->beast.get().result_int();
    if (status >= 200) {
        keep_alive_ = parser_->beast.keep_alive();
        return state_ = State::done;
    }
    if (status < 100 || status == 101 || ++interim_ > kInterimMax)
        return fail(State::broken, "status " + std::to_string(status) + " was not asked for");
    renew();
    return state_;
}

HttpAnswerParser::State HttpAnswerParser::end() {
    if (state_ != State::more) return state_;
    boost::system::error_code error;
    if (bytes_seen_ == 0 || !parser_->beast.is_header_done())
        return fail(State::broken,
                    bytes_seen_ == 0 ? "closed without an answer" : "closed in the middle of the answer");
    parser_->beast.put_eof(error);
    if (error || !parser_->beast.is_done()) return fail(State::broken, "closed in the middle of the answer");
    finish();
    keep_alive_ = false;
    if (state_ == State::more) return fail(State::broken, "closed in the middle of the answer");
    return state_;
}

HttpAnswer HttpAnswerParser::take() {
    GRAPEVINE_ASSERT(state_ == State::done, "an answer is taken when it is complete");
    auto message = parser_->beast.release();
    HttpAnswer answer;
    answer.status = message.result_int();
    for (const auto& field : message.base())
        answer.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    answer.body = std::move(message.body());
    return answer;
}

}  // namespace grapevine::io
