// Feeds SockJS's parsers anything: messages as JSON, which must come back the same when they are said
// again, and requests with their bodies, which must be the same in every split that doubles.

#include "gateway/transports/sockjs/message_text.hpp"
#include "gateway/transports/sockjs/request.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

namespace sockjs = gateway::sockjs;

constexpr std::size_t head_max = 4096, body_max = 64 * 1024;

void require(bool holds)
{
    if (!holds)
        std::abort();
}

void check_messages(std::string_view json)
{
    sockjs::messages came, again;
    if (sockjs::decode_messages(json, sockjs::single_string::yes, came) != sockjs::decoding::done) {
        require(came.count() == 0 && came.bytes.empty());
        return;
    }
    std::string said = "[";
    for (std::size_t n = 0; n < came.count(); ++n)
        said += (n == 0 ? "" : ",") + sockjs::in_quotes(came.at(n));
    said += ']';
    require(
        sockjs::decode_messages(said, sockjs::single_string::no, again) == sockjs::decoding::done);
    require(came.bytes == again.bytes && came.ends == again.ends);
}

struct outcome {
    int status = 0; // 1: whole, 2: the body is too large or broken
    std::string body, rest;
    bool operator==(const outcome&) const = default;
};

outcome read(std::string_view bytes, std::size_t first)
{
    std::string in;
    std::size_t size = std::min(first, bytes.size()), looked_at = 0;
    sockjs::head_read head;
    in.assign(bytes.substr(0, size));
    while (true) {
        head = sockjs::read_head(in, looked_at, head_max);
        if (head.done || head.failed || size == bytes.size())
            break;
        looked_at = in.size();
        const std::size_t more = std::min(size + 1, bytes.size() - size);
        in.append(bytes.substr(size, more));
        size += more;
    }
    if (!head.done)
        return {.status = head.failed ? head.failed->status : 0};
    require(head.done->head_bytes <= in.size() && head.done->head_bytes <= head_max);
    in.erase(0, head.done->head_bytes);
    sockjs::body_reader reader{*head.done, body_max};
    while (true) {
        switch (reader.take(in)) {
        case sockjs::body_reader::outcome::done:
            in.append(bytes.substr(size));
            return {1, reader.body(), in};
        case sockjs::body_reader::outcome::too_large:
        case sockjs::body_reader::outcome::failed: return {.status = 2};
        case sockjs::body_reader::outcome::unfinished: break;
        }
        require(reader.held() <= 4 * bytes.size() + 16 * 1024);
        if (size == bytes.size())
            return {};
        in.push_back(bytes[size++]);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    check_messages(bytes);
    const auto whole = read(bytes, bytes.size());
    for (std::size_t first = 1; first < bytes.size(); first = first * 2 + 1) {
        const auto part = read(bytes, first);
        // A head that is too long as a whole may end before in a part of it. And one split may tell
        // earlier than another that a body is broken: none takes it.
        const bool untaken = whole.status != 1 && part.status != 1;
        require(part == whole || whole.status == 431 || part.status == 431 || untaken);
    }
    return 0;
}
