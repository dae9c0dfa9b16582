#pragma once

// Requests to the router without a socket.

#include "control/api/api.hpp"
#include "control/record/json.hpp"
#include "tests/unit/control/fake_members.hpp"

#include <boost/json/parse.hpp>

namespace control_test {

struct api_bench : control_bench {
    explicit api_bench(control::api_options options = {}, control::control_settings settings = {})
        : control_bench(settings)
    {
        options.version = "1.2.3";
        options.metrics = [] { return std::string("teal_epoch 4\n"); };
        router = std::make_unique<control::api>(
            *service, std::move(options),
            [this](control::log_level, std::string line) { log.push_back(std::move(line)); });
    }
    control::http_response
    ask(std::string method, std::string target, control::http_headers headers = {},
        std::string body = {})
    {
        headers.emplace_back("Host", "127.0.0.1:8081");
        std::optional<control::http_response> got;
        router->handle(
            {std::move(method), std::move(target), std::move(headers), std::move(body), peer},
            [&](control::http_response r) { got = std::move(r); });
        run_until([&] { return got.has_value(); });
        return got.value_or(control::http_response{0, {}, "no answer at all", std::nullopt});
    }
    control::http_response post(std::string body, control::http_headers more = {})
    {
        more.emplace_back("if-match", "\"4\"");
        return ask("POST", "/v1/switches", std::move(more), std::move(body));
    }
    static boost::json::object json(const control::http_response& response)
    {
        return boost::json::parse(response.body).as_object();
    }
    static std::string at(const control::http_response& response, const char* key)
    {
        return control::to_text(json(response).at(key));
    }
    static std::string header(const control::http_response& response, std::string_view name)
    {
        for (const auto& [key, value] : response.headers) {
            if (key == name) {
                return value;
            }
        }
        return "";
    }
    std::unique_ptr<control::api> router;
    std::string peer = "127.0.0.1:5"; // of the next requests
};

} // namespace control_test
