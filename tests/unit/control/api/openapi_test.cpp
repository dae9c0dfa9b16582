// The document that is served and the router's table name exactly the same routes, with the same
// roles; and every reference in it leads somewhere.

#include "control/api/api.hpp"
#include "control/record/json.hpp"
#include "control/api/openapi_document.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace control {
namespace {

using routes = std::map<std::string, std::string>;

std::string upper(std::string text)
{
    std::ranges::transform(
        text, text.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

TEST(OpenApi, NamesExactlyTheRoutersRoutesWithTheirRoles)
{
    const auto document = boost::json::parse(openapi_document).as_object();
    EXPECT_EQ(document.at("openapi"), "3.1.0");
    routes described;
    for (const auto& [path, methods] : document.at("paths").as_object()) {
        for (const auto& [method, operation] : methods.as_object()) {
            described[upper(std::string(method)) + " " + std::string(path)] =
                operation.at("x-teal-role").as_string().c_str();
        }
    }
    routes served;
    for (const auto& one : api::routes()) {
        served[std::string(one.method) + " " + std::string(one.pattern)] = to_string(one.needed);
    }
    EXPECT_EQ(described, served);
}

TEST(OpenApi, EveryReferenceLeadsToASchema)
{
    const auto document = boost::json::parse(openapi_document).as_object();
    const auto& schemas = document.at("components").at("schemas").as_object();
    const std::string prefix = "\"#/components/schemas/";
    const std::string text(openapi_document);
    int references = 0;
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
        const auto begin = at + prefix.size();
        EXPECT_TRUE(schemas.contains(text.substr(begin, text.find('"', begin) - begin)));
        ++references;
    }
    EXPECT_GT(references, 10);
}

} // namespace
} // namespace control
