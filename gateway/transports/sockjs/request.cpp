#include "gateway/transports/sockjs/request.hpp"

#include "broker/websocket/origin.hpp"
#include "broker/websocket/upgrade.hpp"

#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <charconv>

namespace gateway::sockjs {

namespace {

namespace http = boost::beast::http;

constexpr std::size_t chunk_head_bytes_max = 1024; // with its extensions; and trailers

// string_body sets aside what Content-Length promises. This one only takes what comes.
struct gradual_body {
    using value_type = std::string;
    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(http::header<IsRequest, Fields>&, value_type& body) : body_(body)
        {
        }
        void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& ec) { ec = {}; }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, boost::beast::error_code& ec)
        {
            ec = {};
            std::size_t size = 0;
            for (auto at = boost::asio::buffer_sequence_begin(buffers);
                 at != boost::asio::buffer_sequence_end(buffers); ++at) {
                const boost::asio::const_buffer piece = *at;
                body_.append(static_cast<const char*>(piece.data()), piece.size());
                size += piece.size();
            }
            return size;
        }
        void finish(boost::beast::error_code& ec) { ec = {}; }

    private:
        value_type& body_;
    };
};

std::optional<bad_request> against_fields(const websocket::http_head& head)
{
    const std::size_t hosts = head.count("Host");
    if (hosts > 1 || (hosts == 0 && !head.http_1_0)) {
        return bad_request{400, "the request needs exactly one Host"};
    }
    if (hosts == 1 && !websocket::is_host_and_port(*head.find("Host"))) {
        return bad_request{400, "Host is malformed"};
    }
    const std::size_t codings = head.count("Transfer-Encoding");
    if (head.count("Content-Length") > 1 || (codings > 0 && head.count("Content-Length") > 0)) {
        return bad_request{400, "the request's length is said more than once"};
    }
    if (codings > 0 &&
        (head.http_1_0 || codings > 1 ||
         !websocket::same_but_for_case(*head.find("Transfer-Encoding"), "chunked"))) {
        return bad_request{501, "this transfer coding is not known here"};
    }
    if (head.count("Origin") > 1) {
        return bad_request{400, "Origin is repeated"};
    }
    return std::nullopt;
}

std::optional<std::size_t> length_of(const websocket::http_head& head) noexcept
{
    const auto field = head.find("Content-Length");
    if (!field) {
        return 0;
    }
    std::size_t length = 0;
    const auto [end, failed] =
        std::from_chars(field->data(), field->data() + field->size(), length);
    return failed == std::errc{} && end == field->data() + field->size() ? std::optional{length}
                                                                         : std::nullopt;
}

head_read refused(bad_request why)
{
    return {.done = std::nullopt, .failed = std::move(why)};
}

} // namespace

head_read read_head(std::string_view bytes, std::size_t looked_at, std::size_t bytes_max)
{
    const auto end = websocket::end_of_head(bytes, looked_at);
    if (end ? *end > bytes_max : bytes.size() > bytes_max) {
        return refused({431, "the HTTP head is too long"});
    }
    if (!end) {
        return {};
    }
    auto parsed = websocket::parse_request_head(
        bytes.substr(0, *end), bytes_max, websocket::http_versions::from_1_0);
    if (!parsed) {
        return refused({400, parsed.error()});
    }
    request made{.head = std::move(*parsed), .head_bytes = *end};
    if (auto against = against_fields(made.head)) {
        return refused(*std::move(against));
    }
    const auto path = websocket::origin_form(made.head.target, made.head.find("Host").value_or(""));
    const auto length = length_of(made.head);
    if (!path || !length) {
        return refused({400, path ? "Content-Length is malformed" : "the target is malformed"});
    }
    made.path = std::string{*path};
    made.content_length = *length;
    made.chunked = made.head.count("Transfer-Encoding") > 0;
    made.keep_alive = !made.head.http_1_0 && !made.head.lists("Connection", "close");
    return {.done = std::move(made), .failed = std::nullopt};
}

// Beast's parser asserts that a last chunk that it has seen begin ("0", CR LF) is never given to it in
// less than five bytes (1.81, basic_parser::parse_chunk_header). It ends with another CR LF, so what
// looks like it waits for more.
bool may_be_part_of_the_last_chunk(std::string_view rest) noexcept
{
    return rest.size() < 5 && rest.starts_with('0');
}

// Beast's parser, behind a head of its own.
struct body_reader::chunks {
    explicit chunks(std::size_t bytes_max)
    {
        static constexpr std::string_view head =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        boost::beast::error_code ignored;
        parser.body_limit(bytes_max);
        parser.header_limit(chunk_head_bytes_max);
        parser.eager(true);
        parser.put(boost::asio::buffer(head.data(), head.size()), ignored);
    }
    http::request_parser<gradual_body> parser;
};

body_reader::body_reader(const request& of, std::size_t bytes_max)
    : left_(of.content_length), bytes_max_(bytes_max),
      chunks_(of.chunked ? std::make_unique<chunks>(bytes_max) : nullptr)
{
}

body_reader::~body_reader() = default;
body_reader::body_reader(body_reader&&) noexcept = default;
body_reader& body_reader::operator=(body_reader&&) noexcept = default;

body_reader::outcome body_reader::take(std::string& bytes)
{
    if (chunks_ != nullptr) {
        return take_chunks(bytes);
    }
    if (left_ > bytes_max_ - std::min(bytes_max_, body_.size())) {
        return outcome::too_large;
    }
    const std::size_t size = std::min(left_, bytes.size());
    if (body_.empty() && size == left_ && size == bytes.size()) {
        body_.swap(bytes);
        bytes.clear();
    } else {
        body_.append(bytes, 0, size);
        bytes.erase(0, size);
    }
    left_ -= size;
    return left_ == 0 ? outcome::done : outcome::unfinished;
}

body_reader::outcome body_reader::take_chunks(std::string& bytes)
{
    boost::beast::error_code failed;
    std::size_t used = 0;
    while (!failed && used < bytes.size() && !chunks_->parser.is_done() &&
           !may_be_part_of_the_last_chunk(std::string_view{bytes}.substr(used))) {
        used += chunks_->parser.put(
            boost::asio::buffer(bytes.data() + used, bytes.size() - used), failed);
    }
    bytes.erase(0, used);
    body_.append(chunks_->parser.get().body());
    chunks_->parser.get().body().clear();
    if (failed == http::error::body_limit || body_.size() > bytes_max_) {
        return outcome::too_large;
    }
    if (failed && failed != http::error::need_more) {
        return outcome::failed;
    }
    if (chunks_->parser.is_done()) {
        return outcome::done;
    }
    return bytes.size() > chunk_head_bytes_max ? outcome::failed : outcome::unfinished;
}

std::size_t body_reader::held() const noexcept
{
    return body_.capacity() +
           (chunks_ ? sizeof(chunks) + chunks_->parser.get().body().capacity() : 0);
}

} // namespace gateway::sockjs
