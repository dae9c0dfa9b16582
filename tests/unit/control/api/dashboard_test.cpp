// The dashboard is one page that needs nobody else, is open without a token, asks only what the
// router serves, and has no way to change anything or to take the API's text for markup.

#include "control/api/dashboard_document.hpp"
#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace control {
namespace {

using control_test::api_bench;

bool page_has(std::string_view text)
{
    return dashboard_document.find(text) != std::string_view::npos;
}

TEST(Dashboard, IsServedWholeAtTheRootUnderItsPolicy)
{
    api_bench bench;
    const auto response = bench.ask("GET", "/");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(api_bench::header(response, "Content-Type"), "text/html; charset=utf-8");
    // A8: e2e/admin.test computes the hashes from the page
    const auto policy = api_bench::header(response, "Content-Security-Policy");
    EXPECT_EQ(
        policy, "default-src 'none'; style-src 'sha256-" +
                    std::string(dashboard_document_style_hash) + "'; script-src 'sha256-" +
                    std::string(dashboard_document_script_hash) +
                    "'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                    "frame-ancestors 'none'");
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(dashboard_document_script_hash.size(), 44u);
    EXPECT_NE(dashboard_document_script_hash, dashboard_document_style_hash);
    EXPECT_TRUE(response.body.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(response.body.ends_with("</html>\n"));
    EXPECT_EQ(bench.ask("GET", "/?x=1").status, 200u);
    EXPECT_EQ(bench.ask("POST", "/").status, 405u);
    EXPECT_EQ(bench.ask("GET", "//").status, 404u);
}

TEST(Dashboard, IsOpenWithoutATokenAndStillNotUnderAForeignName)
{
    const std::string path =
        std::filesystem::temp_directory_path() / ("teal_dash_" + std::to_string(::getpid()));
    std::ofstream(path) << "viewer viewer-token-0001\n";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    api_options with;
    with.tokens = std::get<token_file>(token_file::open(path));
    api_bench guarded(std::move(with));
    EXPECT_EQ(guarded.ask("GET", "/").status, 200u);
    EXPECT_EQ(guarded.ask("GET", "/v1/status").status, 401u); // the page then asks for a token
    std::filesystem::remove(path);

    api_bench bench;
    EXPECT_EQ(bench.ask("GET", "/", {{"Host", "evil.example"}}).status, 403u);
}

TEST(Dashboard, NeedsNothingFromElsewhere)
{
    for (const auto* outside :
         {"http:", "https:", " src=", " href=", "@import", "url(", "import("}) {
        EXPECT_FALSE(page_has(outside)) << outside;
    }
}

TEST(Dashboard, AsksOnlyRoutesThatViewersMayRead)
{
    int asked = 0;
    for (auto at = dashboard_document.find("\"/v1/"); at != std::string_view::npos;
         at = dashboard_document.find("\"/v1/", at + 1)) {
        auto path = dashboard_document.substr(at + 1);
        path = path.substr(0, path.find('"'));
        bool served = false; // a path that goes on with a number ends in '/'
        for (const auto& one : api::routes()) {
            served |= one.method == "GET" && one.needed == role::viewer &&
                      (path.ends_with('/') ? one.pattern.starts_with(path) : one.pattern == path);
        }
        EXPECT_TRUE(served) << path;
        ++asked;
    }
    EXPECT_EQ(asked, 3); // status, switches, the events of one
    for (const auto* change : {"POST", "DELETE", "PUT", "PATCH", "method:", "XMLHttpRequest"}) {
        EXPECT_FALSE(page_has(change)) << change;
    }
}

// The policy knows one style and one script; what stands in attributes it forbids.
TEST(Dashboard, A8_HasOneStyleOneScriptAndNothingInAttributes)
{
    const auto times = [](std::string_view text) {
        int count = 0;
        for (auto at = dashboard_document.find(text); at != std::string_view::npos;
             at = dashboard_document.find(text, at + 1)) {
            ++count;
        }
        return count;
    };
    EXPECT_EQ(times("<style"), 1);
    EXPECT_EQ(times("<style>"), 1);
    EXPECT_EQ(times("<script"), 1);
    EXPECT_EQ(times("<script>"), 1);
    for (const auto* inlined : {" style=", " onclick=", " onload=", "javascript:", "\"style\""}) {
        EXPECT_FALSE(page_has(inlined)) << inlined;
    }
}

// An endpoint's error or a switch's reason is somebody else's text.
TEST(Dashboard, NeverTakesTextForMarkupAndKeepsNoToken)
{
    for (const auto* markup :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(",
          "createContextualFragment", "new Function"}) {
        EXPECT_FALSE(page_has(markup)) << markup;
    }
    for (const auto* kept : {"localStorage", "sessionStorage", "cookie", "indexedDB"}) {
        EXPECT_FALSE(page_has(kept)) << kept;
    }
}

// embed.cmake may cut within a character of several bytes.
TEST(Dashboard, IsAscii)
{
    for (const char c : dashboard_document) {
        ASSERT_LT(static_cast<unsigned char>(c), 0x80) << std::string(1, c);
    }
}

} // namespace
} // namespace control
