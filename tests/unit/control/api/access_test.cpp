// Who may ask what: tokens, roles, re-reading, and the guard against web pages.

#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

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
        std::filesystem::permissions(path + "~", std::filesystem::perms(0600));
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

// The file's mode and group have said who it may be.
TEST(ApiAccess, A14_ByAUnixSocketBesideTcpNoTokenIsNeeded)
{
    const tokens_on_disk file;
    auto with = file.options();
    with.sockets_ask_tokens = false;
    api_bench bench(with);
    EXPECT_EQ(bench.ask("GET", "/v1/status").status, 401u);
    bench.peer = "unix uid=0";
    EXPECT_EQ(bench.ask("GET", "/v1/status").status, 200u);
    EXPECT_EQ(bench.ask("DELETE", "/v1/sessions/x").status, 404u);
    EXPECT_NE(bench.log.back().find("who=\"local unix uid=0\""), std::string::npos);
    EXPECT_EQ(bench.ask("DELETE", "/v1/sessions/x", bearing(viewer)).status, 403u)
        << "who says a token means it";
    EXPECT_EQ(bench.ask("GET", "/v1/status", bearing("wrong-token-00001")).status, 401u);
    api_bench alone(file.options()); // where there is no other way in than the socket
    alone.peer = "unix uid=0";
    EXPECT_EQ(alone.ask("GET", "/v1/status").status, 401u);
}

TEST(ApiAccess, A14_MetricsAskForNoTokenWhereTheConfigurationSaysSo)
{
    const tokens_on_disk file;
    auto with = file.options();
    with.open_metrics = true;
    api_bench bench(with);
    EXPECT_EQ(bench.ask("GET", "/metrics").status, 200u);
    EXPECT_EQ(bench.ask("GET", "/v1/status").status, 401u);
    EXPECT_EQ(api_bench(file.options()).ask("GET", "/metrics").status, 401u);
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
    bench.log.clear(); // of the wrong token
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

TEST(ApiAccess, A11_ATokensFileThatOthersCanReadOrChangeIsRefused)
{
    const tokens_on_disk file;
    const auto why = [&](const std::string& path) {
        const auto opened = token_file::open(path);
        const auto* sentence = std::get_if<std::string>(&opened);
        return sentence != nullptr ? *sentence : "";
    };
    using std::filesystem::perms;
    for (const unsigned good : {0600u, 0400u, 0700u}) {
        std::filesystem::permissions(file.path, perms(good));
        EXPECT_EQ(why(file.path), "") << good;
    }
    for (const unsigned open : {0644u, 0602u, 0604u, 0601u, 0660u, 0620u, 0640u, 0666u, 0777u}) {
        std::filesystem::permissions(file.path, perms(open));
        EXPECT_NE(why(file.path).find("chmod 600"), std::string::npos) << open;
    }
    std::filesystem::permissions(file.path, perms(0600));

    const std::string folder = file.path + "_open";
    std::filesystem::create_directory(folder);
    std::filesystem::copy(file.path, folder + "/tokens");
    std::filesystem::permissions(folder + "/tokens", perms(0600));
    std::filesystem::permissions(folder, perms(0777));
    EXPECT_NE(why(folder + "/tokens").find("chmod o-w its folder"), std::string::npos);
    std::filesystem::permissions(folder, perms(01777)); // sticky, as /tmp is
    EXPECT_EQ(why(folder + "/tokens"), "");
    std::filesystem::remove(folder + "/tokens");
    ::mkfifo((folder + "/tokens").c_str(), 0600); // would be read for ever
    EXPECT_NE(why(folder + "/tokens").find("not a regular file"), std::string::npos);
    std::filesystem::remove_all(folder);
}

TEST(ApiAccess, A11_OneThatIsOpenedToOthersLeavesTheTokensUntilItIsClosedAgain)
{
    const tokens_on_disk file;
    api_bench bench(file.options());
    std::filesystem::permissions(file.path, std::filesystem::perms(0666));
    const auto status = [&](const std::string& token) {
        return bench.ask("GET", "/v1/switches", bearing(token)).status;
    };
    EXPECT_EQ(status(viewer), 200u);
    EXPECT_EQ(status(viewer), 200u);
    ASSERT_EQ(bench.log.size(), 1u);
    EXPECT_NE(bench.log[0].find("chmod 600"), std::string::npos);
    std::ofstream(file.path) << "viewer another-token-0001\n";
    std::filesystem::permissions(file.path, std::filesystem::perms(0600)); // only its mode changes
    EXPECT_EQ(status("another-token-0001"), 200u);
}

TEST(ApiAccess, A10_AWrongTokenIsCountedLoggedAndItsAddressWaits)
{
    const tokens_on_disk file;
    api_bench bench(file.options());
    const auto wrong = bearing("wrong-token-00001");
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(bench.ask("GET", "/v1/status", wrong).status, 401u);
    }
    EXPECT_EQ(bench.ask("GET", "/v1/status").status, 401u);
    EXPECT_EQ(bench.router->auth_failures(), 7u);
    ASSERT_EQ(bench.log.size(), 1u);
    EXPECT_EQ(bench.log[0], "admin: a wrong token from 127.0.0.1 (1 since the last such line)");

    const auto pause = [&](const char* target, const char* peer, const http_headers& headers) {
        return bench.router->pause_before(
            {"GET", target, headers, "", peer}, net::clock::now());
    };
    const auto right = bearing(viewer); // else a right guess would be told by its speed
    EXPECT_GT(pause("/v1/status", "127.0.0.1:9", right).value(), net::duration{});
    EXPECT_EQ(pause("/v1/status", "127.0.0.2:9", right).value(), net::duration{});
    EXPECT_EQ(pause("/v1/status", "127.0.0.1:9", {}).value(), net::duration{}); // nothing to guess
    for (const auto* open : {"/livez", "/readyz", "/readyz?x=1", "/"}) {
        EXPECT_EQ(pause(open, "127.0.0.1:9", right).value(), net::duration{}) << open;
    }
}

TEST(ApiAccess, A7_AFieldThatDecidesStandsThereOnce)
{
    const tokens_on_disk file;
    api_bench open;
    api_bench guarded(file.options());
    const std::string here = "http://127.0.0.1:8081";
    EXPECT_EQ(
        open.ask("GET", "/v1/status", {{"Origin", here}, {"origin", "https://evil.example"}}).status,
        400u);
    EXPECT_EQ(open.ask("GET", "/v1/status", {{"Origin", here}, {"Origin", here}}).status, 400u);
    auto two = bearing(viewer);
    two.emplace_back("authorization", "Bearer " + admin);
    EXPECT_EQ(guarded.ask("GET", "/v1/status", two).status, 400u);
    EXPECT_EQ(open.post("{\"to\":\"green\"}", {{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}}).status, 400u);
}

TEST(ApiAccess, EachAnswerIsCountedByItsRouteNeverByAPath)
{
    std::vector<std::string> counted;
    api_options options;
    options.answered = [&](std::string_view route, unsigned status) {
        counted.push_back(std::string(route) + " " + std::to_string(status));
    };
    api_bench bench(std::move(options));
    bench.ask("GET", "/v1/status");
    bench.ask("GET", "/v1/switches/99");
    bench.ask("GET", "/somebody/asked/this");
    bench.ask("PUT", "/v1/status");
    EXPECT_EQ(
        counted, (std::vector<std::string>{
                     "/v1/status 200", "/v1/switches/{id} 404", "other 404", "other 405"}));
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
