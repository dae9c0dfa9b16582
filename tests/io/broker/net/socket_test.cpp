// Proves how listeners are taken, shared and refused, and that a unix path is freed only when
// nobody answers on it.

#include "loop_fixture.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace {

using namespace net_test;
namespace errc = boost::system::errc;
using net::listen_on;
using net::reuse_port;

class unix_path {
public:
    unix_path()
    {
        std::string name = (std::filesystem::temp_directory_path() / "teal-net-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~unix_path() { std::filesystem::remove_all(folder_); }
    net::address address() const { return {{}, 0, (folder_ / "listener").string()}; }

private:
    std::filesystem::path folder_;
};

int option(int descriptor, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof(value);
    EXPECT_EQ(::getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

TEST(Socket, ATakenPortIsRefused)
{
    const raw_socket first{listen_on({"127.0.0.1", 0, {}}, reuse_port::no).value()};
    const auto at = net::local_address(first.get()).value();
    EXPECT_NE(at.port, 0);
    EXPECT_EQ(listen_on(at, reuse_port::no).error(), errc::address_in_use);
    EXPECT_EQ(listen_on(at, reuse_port::yes).error(), errc::address_in_use);
}

TEST(Socket, ASharedPortIsSharedOnlyByConsent)
{
    const raw_socket first{listen_on({"127.0.0.1", 0, {}}, reuse_port::yes).value()};
    const auto at = net::local_address(first.get()).value();
    const raw_socket second{listen_on(at, reuse_port::yes).value()};
    EXPECT_EQ(net::local_address(second.get()).value().port, at.port);
    EXPECT_EQ(listen_on(at, reuse_port::no).error(), errc::address_in_use);
}

TEST(Socket, BothEndsAreSetUpForLatency)
{
    const auto [ours, theirs] = tcp_pair();
    for (const int end : {ours.get(), theirs.get()}) {
        EXPECT_EQ(option(end, IPPROTO_TCP, TCP_NODELAY), 1);
        EXPECT_NE(::fcntl(end, F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(::fcntl(end, F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(
        net::peer_address(ours.get()).value(), net::local_address(theirs.get()).value().text());
}

TEST(Socket, N7_BothEndsNoticeAPeerThatVanished)
{
    const auto [ours, theirs] = tcp_pair();
    for (const int end : {ours.get(), theirs.get()}) {
        EXPECT_EQ(option(end, SOL_SOCKET, SO_KEEPALIVE), 1);
        EXPECT_EQ(option(end, IPPROTO_TCP, TCP_KEEPIDLE), 60);
        EXPECT_EQ(option(end, IPPROTO_TCP, TCP_KEEPINTVL), 15);
        EXPECT_EQ(option(end, IPPROTO_TCP, TCP_KEEPCNT), 4);
    }
}

// What the kernel does not take stays in the outbox, where it is counted.
TEST(Socket, N2_TheKernelsPartCanBeBoundedByTheListener)
{
    const raw_socket listener{listen_on({"127.0.0.1", 0, {}}, reuse_port::no).value()};
    net::bound_unsent(listener.get(), 16 * 1024);
    const auto at = net::resolve(net::local_address(listener.get()).value()).value();
    const raw_socket dialled{net::start_connect(at.front()).value()};
    pollfd wait{listener.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, 5000), 1);
    const raw_socket accepted{net::accept_one(listener.get()).value()};
    EXPECT_EQ(option(accepted.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16 * 1024);
    net::bound_unsent(accepted.get(), 0);
    EXPECT_EQ(option(accepted.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT), 0);
}

TEST(Socket, AcceptSaysWhenThereIsNone)
{
    const raw_socket listener{listen_on({"127.0.0.1", 0, {}}, reuse_port::no).value()};
    EXPECT_EQ(net::accept_one(listener.get()).error(), boost::asio::error::would_block);
}

TEST(Socket, ResolvesNumbersAndPathsAndRefusesNames)
{
    EXPECT_EQ(net::resolve({"127.0.0.1", 61613, {}}).value().at(0).text(), "127.0.0.1:61613");
    EXPECT_EQ(net::resolve({"::1", 80, {}}).value().at(0).text(), "[::1]:80");
    EXPECT_EQ(net::resolve({{}, 0, "/run/x"}).value().at(0).text(), "unix:/run/x");
    // A label longer than 63 octets is not a name (RFC 1035): refused without asking a server.
    EXPECT_TRUE(net::resolve({std::string(70, 'x') + ".invalid", 80, {}}).has_error());
}

TEST(Socket, AUnixListenerIsReachedByItsPath)
{
    const unix_path path;
    const raw_socket listener{listen_on(path.address(), reuse_port::no).value()};
    EXPECT_EQ(net::local_address(listener.get()).value().text(), path.address().text());
    const raw_socket client{
        net::start_connect(net::resolve(path.address()).value().front()).value()};
    const raw_socket server{net::accept_one(listener.get()).value()};
    EXPECT_EQ(net::peer_address(server.get()).value(), "unix");
    client.write("hello");
    EXPECT_EQ(server.read(), "hello");
}

TEST(Socket, AUnixPathIsFreedOnlyWhenNobodyAnswers)
{
    const unix_path path;
    {
        const raw_socket living{listen_on(path.address(), reuse_port::no).value()};
        EXPECT_EQ(listen_on(path.address(), reuse_port::no).error(), errc::address_in_use);
        EXPECT_TRUE(std::filesystem::is_socket(path.address().path));
    }
    // The file outlives its process.
    EXPECT_TRUE(std::filesystem::is_socket(path.address().path));
    const raw_socket heir{listen_on(path.address(), reuse_port::no).value()};
    EXPECT_GE(heir.get(), 0);
}

TEST(Socket, AUnixPathThatIsAnotherFileIsKept)
{
    const unix_path path;
    std::ofstream(path.address().path) << "precious";
    EXPECT_EQ(listen_on(path.address(), reuse_port::no).error(), errc::address_in_use);
    EXPECT_EQ(std::filesystem::file_size(path.address().path), 8U);
}

} // namespace
