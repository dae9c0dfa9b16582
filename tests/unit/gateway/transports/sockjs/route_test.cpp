// Which path is which resource, and what a first request wants.

#include "gateway/transports/sockjs/door.hpp"
#include "gateway/transports/sockjs/route.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gateway::sockjs {
namespace {

const std::vector<service> services{{.path = "/ws"}, {.path = "/off", .websocket = false}};

TEST(Route, N11_FindsWhatTheProtocolNames)
{
    struct row {
        const char* path;
        resource what;
        const char* session;
    };
    for (const row& r :
         {row{"/ws", resource::greeting, ""}, row{"/ws/", resource::greeting, ""},
          row{"/ws?x=/y", resource::greeting, ""}, row{"/ws/info?t=1", resource::info, ""},
          row{"/ws/websocket", resource::raw_websocket, ""},
          row{"/ws/000/abc/websocket", resource::framed_websocket, "abc"},
          row{"/ws/a/b%20/xhr", resource::xhr, "b%20"},
          row{"/ws/1/2/xhr_send/", resource::xhr_send, "2"},
          row{"/off/1/2/xhr_streaming", resource::xhr_streaming, "2"},
          row{"/ws/1/2/eventsource", resource::eventsource, "2"}}) {
        const auto found = find_route(r.path, services);
        ASSERT_TRUE(found) << r.path;
        EXPECT_EQ(found->what, r.what) << r.path;
        EXPECT_EQ(found->session, r.session) << r.path;
        EXPECT_EQ(found->service, std::string{r.path}.starts_with("/off") ? 1U : 0U) << r.path;
    }
}

TEST(Route, N11_NothingElseIsThere)
{
    for (const char* path :
         {"/", "/wsx", "/ws//", "/ws///", "/ws/a", "/ws/a/b", "/ws//b/xhr", "/ws/a//xhr",
          "/ws/a./b/xhr", "/ws/a/b.c/xhr", "/ws/a/b/c/xhr", "/ws/a/b/xhrx", "/ws/iframe.html",
          "/ws/a/b/jsonp", "/other/info"}) {
        EXPECT_FALSE(find_route(path, services)) << path;
    }
    EXPECT_TRUE(find_route("/ws/1/" + std::string(256, 'x') + "/xhr", services));
    EXPECT_FALSE(find_route("/ws/1/" + std::string(257, 'x') + "/xhr", services));
    EXPECT_TRUE(find_route("/info", std::vector<service>{{.path = ""}}));
}

wish wish_for(const std::string& head)
{
    const premises at{services, {"/ws", "/plain", "/ws/websocket", "/off/websocket"}};
    return wish_of(head, 0, 4096, at);
}

TEST(Door, N11_TellsAWebSocketFromARequest)
{
    const std::string upgrade =
        " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n";
    const std::string plain = " HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(wish_for("GET /ws" + upgrade), wish::plain_websocket);
    EXPECT_EQ(wish_for("GET /ws/websocket" + upgrade), wish::plain_websocket);
    EXPECT_EQ(wish_for("GET /ws/1/2/websocket" + upgrade), wish::framed_websocket);
    EXPECT_EQ(wish_for("GET /off/1/2/websocket" + upgrade), wish::http);
    EXPECT_EQ(wish_for("POST /ws/1/2/websocket" + upgrade), wish::http);
    EXPECT_EQ(wish_for("GET /ws" + plain), wish::http);
    EXPECT_EQ(wish_for("GET /ws/info" + upgrade), wish::http);
    EXPECT_EQ(wish_for("GET /ws/nothing" + plain), wish::http);
    // Its own handshake says 426 and 404.
    EXPECT_EQ(wish_for("GET /plain" + plain), wish::plain_websocket);
    EXPECT_EQ(wish_for("GET /nothing" + plain), wish::plain_websocket);
    EXPECT_EQ(wish_for("GET /ws HTTP/1.1\r\nHost: a\r\n"), wish::unfinished);
    EXPECT_EQ(wish_for(std::string(5000, 'x')), wish::plain_websocket);
}

} // namespace
} // namespace gateway::sockjs
