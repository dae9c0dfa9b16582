// Who may ask what: tokens, roles, re-reading, and the guard against web pages.

#include "tests/unit/control/api_bench.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace control {
namespace {

using control_test::api_bench;

const std::string viewer = "viewer-token-0001", operating = "operator-token-01",
                  admin = "admin-token-00001";

struct tokens_on_disk {
    std::string path =
        std::filesystem::temp_directory_path() / ("teal_tokens_" + std::to_string(::getpid()));
    tokens_on_disk()
    {
        write("# people\nviewer " + viewer + "\noperator " + operating + "\nadmin " + admin + "\n");
    }
    ~tokens_on_disk() { std::filesystem::remove(path); }
    void write(const std::string& text) const
    {
        std::ofstream(path + "~") << text; // renamed into place, so that its inode is another one
        std::filesystem::rename(path + "~", path);
    }
    api_options options() const
    {
        api_options with;
        with.tokens = std::get<token_file>(token_file::open(path));
        return with;
    }
};

http_headers bearing(const std::string& token)
{
    return {{"Authorization", "Bearer " + token}, {"If-Match", "\"4\""}};
}

TEST(ApiAccess, EveryRouteAsksForItsRole)
{
    const tokens_on_disk file;
    for (const auto& route : api::routes()) {
        api_bench bench(file.options());
        const auto status = [&](const std::string& token) {
            return bench.ask(std::string(route.method), std::string(route.pattern), bearing(token))
                .status;
        };
        const bool open = route.needed == role::none;
        EXPECT_EQ(
            bench.ask(std::string(route.method), std::string(route.pattern)).status == 401, !open)
            << route.pattern;
        EXPECT_EQ(status("wrong-token-00001") == 401, !open) << route.pattern;
        EXPECT_EQ(status(viewer) == 403, route.needed > role::viewer) << route.pattern;
        EXPECT_NE(status(operating), 403u) << route.pattern;
        EXPECT_NE(status(admin), 403u) << route.pattern;
        // What changes something is never a viewer's.
        EXPECT_EQ(route.needed >= role::operator_, route.method != "GET") << route.pattern;
    }
}

TEST(ApiAccess, TheAuditNamesTheTokenByItsLine)
{
    const tokens_on_disk file;
    api_bench bench(file.options());
    bench.ask("DELETE", "/v1/sessions/x", bearing(operating));
    EXPECT_NE(
        bench.log.front().find("who=\"operator token of line 3, 127.0.0.1:5\""), std::string::npos)
        << bench.log.front();
}

TEST(ApiAccess, ATokensFileIsReadAgainWhenItChanges)
{
    const tokens_on_disk file;
    api_bench bench(file.options());
    const auto status = [&](const std::string& token) {
        return bench.ask("GET", "/v1/switches", bearing(token)).status;
    };
    EXPECT_EQ(status(viewer), 200u);
    file.write("viewer another-token-0001\n");
    EXPECT_EQ(status(viewer), 401u);
    EXPECT_EQ(status("another-token-0001"), 200u);
    file.write("viewer\n"); // a mistake leaves what was
    EXPECT_EQ(status("another-token-0001"), 200u);
    ASSERT_EQ(bench.log.size(), 1u); // and is said once
    EXPECT_NE(bench.log[0].find("line 1"), std::string::npos);
    EXPECT_EQ(status("another-token-0001"), 200u);
    EXPECT_EQ(bench.log.size(), 1u);
}

TEST(ApiAccess, ABadTokensFileIsAStartUpErrorThatNamesIt)
{
    const tokens_on_disk file;
    for (const auto* bad :
         {"", "# none\n", "root aaaaaaaaaaaaaaaaaaaaaa\n", "viewer short\n",
          "viewer a-long-enough-token more\n"}) {
        file.write(bad);
        const auto opened = token_file::open(file.path);
        ASSERT_TRUE(std::holds_alternative<std::string>(opened)) << bad;
        EXPECT_NE(std::get<std::string>(opened).find(file.path), std::string::npos);
    }
    EXPECT_TRUE(std::holds_alternative<std::string>(token_file::open(file.path + ".absent")));
}

TEST(ApiAccess, APrefixOrExtensionOfATokenIsNotThatToken)
{
    const auto table = std::get<token_table>(token_table::parse("viewer " + viewer + "\n"));
    EXPECT_TRUE(table.find(viewer));
    for (const auto& wrong : {viewer.substr(1), viewer + "x", viewer + viewer, std::string()}) {
        EXPECT_FALSE(table.find(wrong)) << wrong;
    }
}

TEST(ApiAccess, APageOfAnotherOriginMayNotAsk)
{
    api_bench bench;
    EXPECT_EQ(bench.ask("GET", "/v1/status", {{"Origin", "https://evil.example"}}).status, 403u);
    EXPECT_EQ(bench.ask("GET", "/v1/status", {{"Origin", "null"}}).status, 403u);
    EXPECT_EQ(bench.ask("GET", "/v1/status", {{"Origin", "http://127.0.0.1:8081"}}).status, 200u);
}

TEST(ApiAccess, WithoutTokensOnlyAddressesAndLocalhostAreServed)
{
    api_bench bench;
    const auto status = [&](const char* host) { // the first Host counts
        return bench.ask("GET", "/v1/status", {{"Host", host}}).status;
    };
    for (const auto* good : {"localhost:8081", "127.0.0.1", "[::1]:8081", "10.0.0.1:80"}) {
        EXPECT_EQ(status(good), 200u) << good;
    }
    for (const auto* bad : {"evil.example", "localhost.evil.example:8081", "", "[::1"}) {
        EXPECT_EQ(status(bad), 403u) << bad;
    }
}

} // namespace
} // namespace control
