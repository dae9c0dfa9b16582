// Feeds both sides of the WebSocket upgrade anything, and checks what must hold for every input: a
// request is accepted or answered with one of the statuses that are promised, what is forwarded can
// be sent to a broker, and an answer of ours is always one that a client of ours understands.

#include "broker/websocket/upgrade.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

const websocket::upgrade_policy policies[] = {
    {},
    {.allowed_origins = {"https://*.example.com", "http://localhost:3000", "null"},
     .forward_headers = {"Cookie", "Authorization", "Connection", "Host"}},
    {.paths = {"/", "/a/"}, .allowed_origins = {"*"}, .stomp_v12 = false},
};

void check_request(
    std::string_view head, const websocket::upgrade_policy& policy, websocket::hop from)
{
    const websocket::upgrade_answer answer = websocket::answer_upgrade(head, policy, from);
    require(answer.request.has_value() == (answer.status == 101));
    require(answer.reason.empty() == (answer.status == 101));
    const auto end = websocket::end_of_head(answer.response);
    require(end.has_value());
    if (answer.status != 101) {
        require(
            answer.status == 400 || answer.status == 403 || answer.status == 404 ||
            answer.status == 405 || answer.status == 426);
        require(answer.response.find("\r\nConnection: close") < *end);
        return;
    }
    require(*end == answer.response.size());
    require(
        head.size() <= websocket::http_head_bytes_max &&
        websocket::end_of_head(head) == head.size());
    // What start_upgrade asserts must hold for everything that an accepted request can bring along.
    const websocket::pending_upgrade pending = websocket::start_upgrade(
        {.host = answer.request->host,
         .target = answer.request->target,
         .subprotocols = {},
         .headers = answer.request->forwarded});
    require(websocket::end_of_head(pending.request) == pending.request.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view head{reinterpret_cast<const char*>(data), size};
    for (const websocket::upgrade_policy& policy : policies)
        for (const websocket::hop from : {websocket::hop::peer, websocket::hop::trusted_proxy})
            check_request(head, policy, from);
    // However a head is cut into reads, its end is the same.
    const auto end = websocket::end_of_head(head);
    for (std::size_t cut = 0; cut < head.size(); cut = cut * 2 + 1)
        if (!websocket::end_of_head(head.substr(0, cut)))
            require(websocket::end_of_head(head, cut) == end);

    const stomp::version offered[] = {stomp::version::v12, stomp::version::v10};
    const websocket::pending_upgrade pending{.request = {}, .key = "dGhlIHNhbXBsZSBub25jZQ=="};
    const auto checked = websocket::check_upgrade(head, pending, offered);
    if (checked.has_value())
        require(head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string_view::npos);
    else
        require(!checked.error().empty());
    return 0;
}
