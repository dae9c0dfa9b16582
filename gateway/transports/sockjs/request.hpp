#pragma once

// One HTTP request off the front of a connection's bytes: first its head, then its body. No I/O.
// HTTP/1.1 and 1.0 (RFC 9112). A head that two programs could read differently is refused, as an
// upgrade's is (docs/outside.md N4).
//
// Limits: the head's and the body's are given. What a Content-Length promises is not set aside: room
//         grows with what came.

#include "broker/websocket/http_head.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::sockjs {

// What is wrong with a request. Its connection ends behind the answer.
struct bad_request {
    int status = 400;
    std::string sentence;
};

struct request {
    websocket::http_head head;
    std::string path; // of the target, with its query
    std::size_t head_bytes = 0;
    std::size_t content_length = 0;
    bool chunked = false;
    bool keep_alive = true;
};

struct head_read {
    std::optional<request> done;
    std::optional<bad_request> failed; // neither: more bytes are needed
};
// `looked_at`: so many bytes were given before.
head_read read_head(std::string_view bytes, std::size_t looked_at, std::size_t bytes_max);

// Collects a request's body.
class body_reader {
public:
    body_reader(const request& of, std::size_t bytes_max);
    ~body_reader();
    body_reader(body_reader&&) noexcept;
    body_reader& operator=(body_reader&&) noexcept;

    enum class outcome : std::uint8_t { unfinished, done, too_large, failed };
    // Takes what belongs to the body off the front of `bytes`; the rest is what comes next.
    outcome take(std::string& bytes);
    std::string& body() noexcept { return body_; }
    std::size_t held() const noexcept;

private:
    struct chunks;

    outcome take_chunks(std::string& bytes);

    std::string body_;
    std::size_t left_ = 0;
    std::size_t bytes_max_;
    std::unique_ptr<chunks> chunks_;
};

} // namespace gateway::sockjs
