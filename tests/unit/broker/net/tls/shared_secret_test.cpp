// Proves that what is said with a secret is what docs/spring.md says (S19), and that a file that others
// can read holds none.

#include "broker/net/tls/shared_secret.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using tls::shared_secret;

constexpr auto long_enough = "0123456789abcdef0123456789abcdef";

std::string file_with(const std::string& text, mode_t mode)
{
    std::string path = testing::TempDir() + "/secret-XXXXXX";
    const int made = ::mkstemp(path.data());
    EXPECT_GE(made, 0);
    ::close(made);
    std::ofstream{path} << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
}

std::string error_of(const std::string& path)
{
    const auto opened = shared_secret::open(path);
    return opened ? "" : opened.error();
}

// Written with Python's hmac and base64.
TEST(SharedSecret, S19_SaysUserTimeNonceAndTheProofOfTheThree)
{
    std::string nonce;
    for (char c = 0; c < 16; ++c) {
        nonce += c;
    }
    EXPECT_EQ(
        shared_secret{long_enough}.vouch_for("Anna M\303\274ller", 1'800'000'000s, nonce),
        "QW5uYSBNw7xsbGVy.1800000000.AAECAwQFBgcICQoLDA0ODw."
        "_0tnayouwFfo9QLz4dS07UwPn4D7AtxhnzrxMG96xiU");
}

TEST(SharedSecret, S19_NeverSaysTheSameTwice)
{
    const shared_secret secret{long_enough};
    EXPECT_NE(secret.vouch_for("anna", 1s), secret.vouch_for("anna", 1s));
}

TEST(SharedSecret, S19_TheLineEndIsNoPartOfIt)
{
    const auto path = file_with(std::string{long_enough} + "\r\n", 0600);
    const auto opened = shared_secret::open(path);
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_EQ(
        (*opened)->vouch_for("anna", 1s, "n"),
        shared_secret{long_enough}.vouch_for("anna", 1s, "n"));
}

TEST(SharedSecret, S19_AFileThatOthersCanReadIsRefused)
{
    const auto path = file_with(long_enough, 0604);
    EXPECT_EQ(
        error_of(path),
        path + " holds a secret, and others can read or change it (chmod o= " + path + ")");
    EXPECT_EQ(error_of("/nowhere"), "/nowhere cannot be read: No such file or directory");
}

TEST(SharedSecret, S19_AShortOneIsRefused)
{
    const auto path = file_with("password\n", 0600);
    EXPECT_EQ(
        error_of(path), path + " must hold a secret of 32 bytes or more (openssl rand -base64 32)");
}

} // namespace
