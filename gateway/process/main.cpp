// teal-gateway: arguments and exit status; everything else is process.cpp.

#include "broker/net/standard_descriptors.hpp"
#include "broker/net/stray_signals.hpp"
#include "control/api/tokens.hpp"
#include "control/store/file_store.hpp"
#include "gateway/process/process.hpp"
#include "gateway/process/tls_contexts.hpp"
#include "gateway/settings/config.hpp"
#include "gateway/settings/config_values.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <string>

int main(int argc, char** argv)
{
    net::open_standard_descriptors();
    net::ignore_stray_signals(); // process.cpp says so in the log
    std::signal(SIGHUP, SIG_IGN); // until it is ready to reload
    CLI::App app{"A gateway for STOMP over WebSocket that moves live sessions between two pools of "
                 "brokers."};
    std::string file;
    bool check = false;
    app.add_option("--config", file, "the configuration, teal.yaml");
    app.add_flag("--check", check, "check the configuration and exit: 0 if it is good, else 2");
    bool restart_keys = false;
    app.add_flag(
        "--restart-keys", restart_keys,
        "print the keys whose change needs a restart, and exit; `listeners` as a whole");
    app.set_version_flag("--version", std::string{"teal-gateway "} + TEAL_VERSION);
    app.footer(
        "SIGTERM sends the clients away, then stops; a second one stops at once. Exit status: "
        "0 stopped as asked, 1 failed while running, 2 could not start.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (restart_keys) {
        for (const auto& key : gateway::restart_keys()) {
            std::printf("%s\n", key.c_str());
        }
        return 0;
    }
    if (file.empty()) {
        std::fprintf(stderr, "--config is required\nRun with --help for more information.\n");
        return 2;
    }
    auto settings = gateway::load_config(file);
    if (!settings) {
        for (const auto& error : settings.error()) {
            std::fprintf(stderr, "%s\n", gateway::to_string(error).c_str());
        }
        return 2;
    }
    if (check) {
        const std::string& tokens = settings->admin.tokens_file;
        if (const auto wrong = tokens.empty() ? std::nullopt : control::token_file::check(tokens)) {
            std::fprintf(stderr, "%s\n", wrong->c_str());
            return 2;
        }
        if (const auto opened = gateway::open_tls(*settings, {}); !opened.failures.empty()) {
            for (const auto& why : opened.failures) {
                std::fprintf(stderr, "%s\n", why.c_str());
            }
            return 2;
        }
        for (const auto& sentence : gateway::warnings_of(*settings)) {
            std::fprintf(stderr, "%s: warning: %s\n", file.c_str(), sentence.c_str());
        }
        if (const auto trouble = control::try_file_store(settings->store.path); !trouble.empty()) {
            std::fprintf(stderr, "state file %s\n", trouble.c_str());
            return 2;
        }
        std::printf("%s: good\n", file.c_str());
        return 0;
    }
    return gateway::run_gateway(std::move(*settings));
}
