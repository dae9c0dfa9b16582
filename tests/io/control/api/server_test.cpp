// The HTTP driver on real sockets: keep-alive, limits, timeouts, event streams, unix sockets, and
// stopping at any time.

#include "tests/io/control/served_control.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace control {
namespace {

using control_test::served_control;
namespace asio = boost::asio;

// A raw client, so that what is not HTTP can be sent too. Reads block; the test's own time limit
// bounds them.
template <class Protocol>
struct raw_client {
    explicit raw_client(const typename Protocol::endpoint& where) : socket(context)
    {
        socket.connect(where);
    }
    raw_client(const typename Protocol::endpoint& where, const asio::ip::address_v4& from)
        : socket(context, typename Protocol::endpoint{from, 0})
    {
        socket.connect(where);
    }
    void send(const std::string& text) { asio::write(socket, asio::buffer(text)); }
    // Up to the end of the head and its Content-Length.
    std::string receive()
    {
        boost::system::error_code error;
        const auto head = asio::read_until(socket, asio::dynamic_buffer(buffer), "\r\n\r\n", error);
        if (error) {
            return "closed";
        }
        const auto field = buffer.find("Content-Length: ");
        const std::size_t length = field < head ? std::stoul(buffer.substr(field + 16)) : 0;
        if (buffer.size() < head + length) {
            asio::read(
                socket, asio::dynamic_buffer(buffer),
                asio::transfer_exactly(head + length - buffer.size()), error);
        }
        auto message = buffer.substr(0, head + length);
        buffer.erase(0, head + length);
        return message;
    }
    std::string receive_until(const std::string& mark)
    {
        boost::system::error_code error;
        const auto length = asio::read_until(socket, asio::dynamic_buffer(buffer), mark, error);
        auto text = buffer.substr(0, error ? buffer.size() : length);
        buffer.erase(0, text.size());
        return error ? text + "<closed>" : text;
    }
    asio::io_context context;
    typename Protocol::socket socket;
    std::string buffer;
};
using tcp_client = raw_client<asio::ip::tcp>;
using unix_client = raw_client<asio::local::stream_protocol>;

asio::ip::tcp::endpoint at(const served_control& served)
{
    return {asio::ip::address_v4::loopback(), served.port};
}

const std::string livez = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST(ApiServer, KeepsTheConnectionForTheNextRequest)
{
    served_control served;
    tcp_client client(at(served));
    for (int i = 0; i < 3; ++i) {
        client.send(livez);
        EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 200 OK"));
    }
    client.send(livez + livez); // pipelined: answered one by one
    EXPECT_TRUE(client.receive().ends_with("ok\n"));
    EXPECT_TRUE(client.receive().ends_with("ok\n"));
    client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.receive().ends_with("ok\n"));
    EXPECT_EQ(client.receive(), "closed");
}

TEST(ApiServer, RefusesWhatIsTooLargeOrNotHttp)
{
    served_control served;
    const auto answer = [&](const std::string& text) {
        tcp_client client(at(served));
        client.send(text);
        return client.receive().substr(0, 12);
    };
    EXPECT_EQ(
        answer("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"), "HTTP/1.1 431");
    EXPECT_EQ(
        answer("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n"),
        "HTTP/1.1 413");
    EXPECT_EQ(answer("nonsense\r\n\r\n"), "HTTP/1.1 400");
    EXPECT_EQ(answer("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "HTTP/1.1 400");
    EXPECT_EQ(answer("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 200");
}

TEST(ApiServer, ClosesWhoDoesNotFinishARequest)
{
    api_server_options options;
    options.request_timeout = std::chrono::seconds(1);
    served_control served(options);
    tcp_client client(at(served));
    client.send("GET /livez HTTP/1.1\r\nHos");
    EXPECT_EQ(client.receive(), "closed");
}

using clients = std::vector<std::unique_ptr<tcp_client>>;

clients connected(const served_control& served, std::size_t count, const std::string& text)
{
    clients all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(std::make_unique<tcp_client>(at(served)));
        all.back()->send(text);
    }
    return all;
}

bool answers(const served_control& served, const std::string& request = livez)
{
    tcp_client client(at(served));
    client.send(request);
    return client.receive().starts_with("HTTP/1.1 200 OK");
}

TEST(ApiServer, A1_TheLongestIdleConnectionGoesForANewOne)
{
    api_server_options options;
    options.connections_max = 2;
    served_control served(options);
    auto kept = connected(served, 2, livez);
    for (auto& one : kept) {
        EXPECT_TRUE(one->receive().ends_with("ok\n"));
    }
    kept[0]->send(livez); // now the second is idle for longer
    EXPECT_TRUE(kept[0]->receive().ends_with("ok\n"));
    EXPECT_TRUE(answers(served));
    EXPECT_EQ(kept[1]->receive(), "closed");
    kept[0]->send(livez);
    EXPECT_TRUE(kept[0]->receive().ends_with("ok\n"));
}

TEST(ApiServer, A1_HealthAndAbortAreAnsweredBesideIdleAndUnfinishedRequests)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    tcp_client operating(at(served));
    operating.send("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\n"
                   "Content-Length: 14\r\n\r\n{\"to\":\"green\"}");
    EXPECT_TRUE(operating.receive().starts_with("HTTP/1.1 202"));
    const auto idle = connected(served, 100, "");
    EXPECT_TRUE(answers(served));
    const auto slow = connected(served, 100, "GET /livez HTTP/1.1\r\nHos"); // one byte at a time
    EXPECT_TRUE(answers(served));
    EXPECT_TRUE(answers(served, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto bodies = connected(
        served, 100,
        "POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{");
    EXPECT_TRUE(answers(served));
    tcp_client aborting(at(served));
    aborting.send("POST /v1/switches/7/abort HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(aborting.receive().starts_with("HTTP/1.1 202"));
}

TEST(ApiServer, A1_HealthIsAnsweredBesideWatchersAndReadersThatTakeNothing)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    tcp_client operating(at(served));
    operating.send("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\n"
                   "Content-Length: 14\r\n\r\n{\"to\":\"green\"}");
    EXPECT_TRUE(operating.receive().starts_with("HTTP/1.1 202"));
    const auto watching = connected(
        served, 100, "GET /v1/switches/7/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answers(served));
    std::string many; // more answers than any buffer between us holds
    for (int i = 0; i < 2000; ++i) {
        many += "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
    clients greedy;
    for (int i = 0; i < 80; ++i) {
        greedy.push_back(std::make_unique<tcp_client>(at(served)));
        boost::system::error_code full;
        greedy.back()->socket.non_blocking(true);
        greedy.back()->socket.write_some(asio::buffer(many), full);
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(answers(served));
    }
}

// Members that do not answer keep whoever asked them; what is asked of nobody goes on.
TEST(ApiServer, A1_HealthIsAnsweredBesideQuestionsThatMembersLeaveOpen)
{
    served_control served;
    served.on([&] { served.bench.members[0]->silent = true; });
    const auto asking =
        connected(served, 100, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answers(served));
}

// Beast's assertion on a last chunk that comes in pieces would end the process.
TEST(ApiServer, AChunkedBodyIsRefusedByItsHead)
{
    served_control served;
    tcp_client client(at(served));
    client.send("POST /v1/drain HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 411"));
    tcp_client other(at(served));
    other.send(livez);
    EXPECT_TRUE(other.receive().ends_with("ok\n"));
}

TEST(ApiServer, HeadIsGetWithoutItsContent)
{
    served_control served;
    tcp_client client(at(served));
    const auto length = [](const std::string& head) {
        return std::stoul(head.substr(head.find("Content-Length: ") + 16));
    };
    client.send("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto size = length(client.receive());
    client.send("HEAD /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" + livez);
    const auto head = client.receive_until("\r\n\r\n");
    EXPECT_EQ(length(head), size);
    EXPECT_TRUE(client.receive().ends_with("ok\n")); // right behind, on the same connection
    client.send("HEAD /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n" + livez);
    EXPECT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 405"));
    EXPECT_TRUE(client.receive().ends_with("ok\n"));
}

TEST(ApiServer, A10_WrongTokensSlowTheirAddressAndNobodyElse)
{
    const auto path = (std::filesystem::temp_directory_path() /
                       ("teal_brake_" + std::to_string(::getpid())))
                          .string();
    std::ofstream(path) << "viewer viewer-token-0001\n";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    api_options access;
    access.tokens = std::get<token_file>(token_file::open(path));
    std::filesystem::remove(path);
    served_control served({}, std::move(access));
    const auto asked = [](const std::string& token) {
        return "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
               "\r\n\r\n";
    };
    tcp_client guessing(at(served));
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 6; ++i) { // 0, 0, 0, 0, 250, 500 ms
        guessing.send(asked("wrong-token-0001"));
        EXPECT_TRUE(guessing.receive().starts_with("HTTP/1.1 401"));
    }
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(700));
    guessing.send(asked("wrong-token-0001")); // 1 s
    tcp_client neighbour(asio::ip::tcp::endpoint{asio::ip::make_address_v4("127.0.0.1"), served.port});
    tcp_client other(at(served), asio::ip::make_address_v4("127.0.0.2"));
    const auto before = std::chrono::steady_clock::now();
    other.send(asked("viewer-token-0001"));
    EXPECT_TRUE(other.receive().starts_with("HTTP/1.1 200"));
    neighbour.send(livez); // the same address: health waits for nothing
    EXPECT_TRUE(neighbour.receive().ends_with("ok\n"));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(400));
    // looked at one by one; who would wait for too long is told so
    auto more = connected(served, 40, asked("wrong-token-0001"));
    int refused = 0;
    for (std::size_t i = 30; i < more.size(); ++i) {
        refused += more[i]->receive().starts_with("HTTP/1.1 429");
    }
    EXPECT_EQ(refused, 10);
    served.on([&] { EXPECT_GE(served.router->auth_failures(), 6u); });
}

TEST(ApiServer, StreamsEventsAsTheyComeAndEndsWithTheDrain)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "hold"; });
    tcp_client client(at(served));
    client.send("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nIf-Match: "
                "\"4\"\r\nContent-Length: 14\r\n\r\n{\"to\":\"green\"}");
    EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 202"));
    client.send("GET /v1/switches/7/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(
        client.receive_until("\r\n\r\n").find("Content-Type: text/event-stream"),
        std::string::npos);
    client.receive_until("\"phase\":\"holding\"");
    served.on([&] { // the silent member speaks at last
        served.bench.members[0]->stop_at.clear();
        served.bench.members[0]->report(7, held{});
    });
    client.receive_until("event: report\n");
    client.receive_until("\n\n");
    served.on([&] {
        for (auto& member : served.bench.members) {
            member->drained(7);
        }
    });
    const auto rest = client.receive_until("never comes");
    EXPECT_NE(rest.find("\"drain\":{\"done\":true"), std::string::npos);
    EXPECT_TRUE(rest.ends_with("\n\n<closed>"));
}

TEST(ApiServer, CommentsASilentStream)
{
    api_server_options options;
    options.comment_every = std::chrono::seconds(1);
    served_control served(options);
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    tcp_client client(at(served));
    client.send("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\nContent-Length: "
                "14\r\n\r\n{\"to\":\"green\"}");
    client.receive();
    client.send("GET /v1/switches/7/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(client.receive_until(": still here\n\n").ends_with(": still here\n\n"));
}

TEST(ApiServer, AStreamWhosePeerIsGoneTakesNoConnection)
{
    api_server_options options;
    options.comment_every = std::chrono::minutes(5); // nothing is written that could fail
    served_control served(options);
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    {
        tcp_client client(at(served));
        client.send("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\n"
                    "Content-Length: 14\r\n\r\n{\"to\":\"green\"}");
        client.receive();
        client.send("GET /v1/switches/7/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.receive_until("event: phase\n");
    }
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::size_t left = 1;
    while (left != 0 && std::chrono::steady_clock::now() < limit) { // no event tells its end here
        served.on([&] { left = served.server->connections(); });
    }
    EXPECT_EQ(left, 0u);
}

TEST(ApiServer, StopsWithConnectionsAndStreamsOpen)
{
    auto served = std::make_unique<served_control>();
    served->on([&] { served->bench.members[0]->stop_at = "prepare"; });
    tcp_client idle(at(*served));
    idle.send(livez);
    idle.receive();
    tcp_client half(at(*served));
    half.send("GET /liv");
    tcp_client stream(at(*served));
    stream.send("POST /v1/switches HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\nContent-Length: "
                "14\r\n\r\n{\"to\":\"green\"}");
    stream.receive();
    stream.send("GET /v1/switches/7/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.receive_until("event: phase\n");
    served->on([&] { served->server->stop(); });
    EXPECT_EQ(idle.receive(), "closed");
    EXPECT_EQ(half.receive(), "closed");
    EXPECT_TRUE(stream.receive_until("never comes").ends_with("<closed>"));
}

TEST(ApiServer, ServesAUnixSocketAndTakesOverADeadOne)
{
    const std::string path = std::filesystem::temp_directory_path() /
                             ("teal_admin_" + std::to_string(::getpid()) + ".sock");
    {
        asio::io_context context;
        asio::local::stream_protocol::acceptor dead(context, path); // leaves its file behind
    }
    ASSERT_TRUE(std::filesystem::exists(path));
    api_server_options options;
    options.bind = "unix:" + path;
    {
        served_control served(options);
        struct stat what{};
        ASSERT_EQ(::stat(path.c_str(), &what), 0);
        EXPECT_EQ(what.st_mode & 0777u, 0660u);
        unix_client client(path);
        client.send("DELETE /v1/sessions/x HTTP/1.1\r\nHost: anything\r\n\r\n");
        EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 404")); // any Host: no page gets there
        EXPECT_THROW(served_control{options}, std::runtime_error); // somebody answers there
        EXPECT_TRUE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ApiServer, SaysWhatItCannotBindOrDo)
{
    served_control served;
    api_server_options options;
    const auto error = [&] {
        auto made = api_server::listen(
            served.bench.context, *served.router, *served.bench.service, options,
            [](log_level, const std::string&) {});
        return std::holds_alternative<std::string>(made) ? std::get<std::string>(made) : "";
    };
    options.bind = "127.0.0.1:" + std::to_string(served.port);
    EXPECT_EQ(error(), "admin.bind " + options.bind + ": Address already in use");
    for (const auto* bad : {"", "8081", "127.0.0.1:", "127.0.0.1:99999", "not a host:1"}) {
        options.bind = bad;
        EXPECT_TRUE(error().starts_with("admin.bind ")) << bad;
    }
    options.tls = true;
    EXPECT_EQ(error(), "admin.tls: not built yet");
}

TEST(ApiServer, KnowsWhichAddressesOnlyThisMachineReaches)
{
    for (const auto* here : {"127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/x", "127.9.9.9:1"}) {
        EXPECT_TRUE(reachable_from_here_only(here)) << here;
    }
    for (const auto* open : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example:1", ""}) {
        EXPECT_FALSE(reachable_from_here_only(open)) << open;
    }
}

} // namespace
} // namespace control
