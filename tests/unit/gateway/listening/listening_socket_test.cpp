// Opens listeners on files of a folder of its own, and looks at what lies there afterwards.

#include "gateway/listening/listening_socket.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gateway {
namespace {

class ListeningSocket : public ::testing::Test {
protected:
    ListeningSocket()
    {
        std::string name =
            (std::filesystem::temp_directory_path() / "teal-listening-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        at_.bind.unix_path = folder_ / "s";
        at_.bind.text = "unix:" + at_.bind.unix_path;
    }
    ~ListeningSocket() override { std::filesystem::remove_all(folder_); }

    listening_socket open(std::size_t shards = 1)
    {
        auto made = open_listening_socket(at_, shards);
        all_.insert(all_.end(), made.descriptors.begin(), made.descriptors.end());
        return made;
    }
    void close_all()
    {
        for (const int one : std::exchange(all_, {})) {
            ::close(one);
        }
    }
    void TearDown() override { close_all(); }
    bool there() const { return std::filesystem::exists(at_.bind.unix_path); }
    bool can_connect() const
    {
        const int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        at_.bind.unix_path.copy(name.sun_path, sizeof(name.sun_path) - 1);
        const bool done =
            ::connect(client, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
        ::close(client);
        return done;
    }

    std::filesystem::path folder_;
    listener_config at_;
    std::vector<int> all_;
};

TEST_F(ListeningSocket, N9_AUnixSocketIsOneForAllShardsAndItsFileGoesWithIt)
{
    auto made = open(3);
    EXPECT_EQ(made.failed, "");
    EXPECT_EQ(made.descriptors.size(), 3U);
    EXPECT_EQ(made.bound, at_.bind.text);
    EXPECT_TRUE(can_connect());
    made.file.remove();
    EXPECT_FALSE(there());
}

TEST_F(ListeningSocket, N9_TheFileHasTheModeThatIsAskedFor)
{
    const mode_t before = ::umask(027);
    for (const unsigned mode : {0600U, 0660U, 0777U}) {
        at_.socket_file.mode = mode;
        auto made = open();
        struct stat found{};
        ASSERT_EQ(::stat(at_.bind.unix_path.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777U, mode);
        made.file.remove();
    }
    EXPECT_EQ(::umask(before), 027U) << "the process's umask is as it was";
}

TEST_F(ListeningSocket, N9_AnOwnerThatMayNotBeGivenIsAnErrorAndLeavesNothing)
{
    if (::geteuid() == 0) {
        at_.socket_file = {.mode = {}, .owner = 12'345U, .group = 54'321U};
        auto made = open();
        struct stat found{};
        ASSERT_EQ(::stat(at_.bind.unix_path.c_str(), &found), 0);
        EXPECT_EQ(found.st_uid, 12'345U);
        EXPECT_EQ(found.st_gid, 54'321U);
        return;
    }
    at_.socket_file.owner = 0U;
    EXPECT_NE(open().failed.find("may not give the socket's file"), std::string::npos);
    EXPECT_FALSE(there());
}

TEST_F(ListeningSocket, N9_WhatADeadProcessLeftIsReplaced)
{
    auto dead = open();
    close_all(); // as the system does it for a process that was killed: the file stays
    ASSERT_TRUE(there());
    ASSERT_FALSE(can_connect());
    auto made = open();
    EXPECT_EQ(made.failed, "");
    EXPECT_TRUE(can_connect());
    dead.file.remove(); // is another one's now
    EXPECT_TRUE(there());
}

TEST_F(ListeningSocket, N9_WhatALivingProcessHasIsLeftAlone)
{
    auto first = open();
    EXPECT_EQ(
        open().failed,
        "cannot listen on " + at_.bind.text + ": another process listens on that socket");
    EXPECT_TRUE(can_connect());
}

TEST_F(ListeningSocket, N9_AFileThatIsNoSocketIsLeftAlone)
{
    std::ofstream{at_.bind.unix_path} << "precious";
    EXPECT_EQ(
        open().failed,
        "cannot listen on " + at_.bind.text + ": a file that is no socket has that name");
    EXPECT_EQ(std::filesystem::file_size(at_.bind.unix_path), 8U);
}

TEST_F(ListeningSocket, TcpIsOneSocketForEachShardOnOnePort)
{
    at_.bind = {.host = "127.0.0.1", .port = 0, .unix_path = {}, .text = "127.0.0.1:0"};
    auto made = open(3);
    EXPECT_EQ(made.failed, "");
    EXPECT_EQ(made.descriptors.size(), 3U);
    EXPECT_TRUE(made.bound.starts_with("127.0.0.1:"));
    EXPECT_NE(made.bound, "127.0.0.1:0");
    at_.bind.text = made.bound;
    at_.bind.port = static_cast<std::uint16_t>(std::stoi(made.bound.substr(10)));
    EXPECT_EQ(open().failed, "cannot listen on " + made.bound + ": Address already in use");
}

} // namespace
} // namespace gateway
