#include "control/cli/tealctl.hpp"

#include "control/cli/command_line.hpp"
#include "control/cli/completion.hpp"
#include "control/cli/nearest.hpp"
#include "control/protocol/switch_request.hpp"
#include "control/record/plain_text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <unistd.h>

namespace cli {

namespace {

// Replaces this process, so the gateway's exit status is ours. Returns where there is none to run.
int check_file(const std::string& file, std::ostream& err)
{
    std::array<char, PATH_MAX> self{};
    const auto length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
    std::string beside(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    beside.replace(
        beside.rfind('/') == std::string::npos ? 0 : beside.rfind('/') + 1, std::string::npos,
        "teal-gateway");
    ::execl(
        beside.c_str(), "teal-gateway", "--check", "--config", file.c_str(),
        static_cast<char*>(nullptr));
    ::execlp(
        "teal-gateway", "teal-gateway", "--check", "--config", file.c_str(),
        static_cast<char*>(nullptr));
    err << "tealctl: no teal-gateway beside this program or in PATH\n";
    return exit_usage;
}

int usage(std::ostream& err, const std::string& what)
{
    err << "tealctl: " << what << '\n';
    return exit_usage;
}

int run_remote(const std::string& name, command_line& line, commands& remote, terminal& where)
{
    auto& waiting = line.change.waiting;
    const std::string& limit = name == "watch" ? line.watch_timeout : line.timeout;
    waiting.timeout = control::duration_from(limit);
    if (!waiting.timeout && !limit.empty()) {
        return usage(where.err, "--timeout " + limit + ": expected a duration as in 90s or 5m");
    }
    waiting.wait = !line.no_wait;
    line.change.ask = where.in_is_terminal && where.err_is_terminal;
    if (name == "status") {
        line.asked_health = line.check;
        return line.check ? remote.check() : remote.status();
    }
    if (name == "switch") {
        return remote.switch_to(line.change);
    }
    if (name == "rollback") {
        return remote.rollback(line.change);
    }
    if (name == "abort") {
        return remote.abort();
    }
    if (name == "go") {
        return remote.go(waiting);
    }
    if (name == "watch") {
        return remote.watch(line.id != 0 ? std::optional(line.id) : std::nullopt, waiting);
    }
    if (name == "history") {
        return line.id != 0 ? remote.report(line.id) : remote.history();
    }
    if (name == "pools") {
        return remote.pools();
    }
    if (name == "reload") {
        return remote.reload(line.change.dry_run);
    }
    if (name == "config") {
        return remote.show_configuration();
    }
    if (line.self) {
        waiting.wait = line.drain_wait;
        return remote.drain_self(waiting);
    }
    if (name == "drain") {
        return remote.drain(line.drained, line.force, waiting);
    }
    if (name == "undrain") {
        return remote.undrain(line.drained);
    }
    if (name == "sessions") {
        return remote.sessions(line.sort, line.limit, line.all, line.which);
    }
    return line.session.empty() ? remote.disconnect_all(line.which, *rate_from(line.pace))
                                : remote.disconnect(line.session);
}

int connect_and_run(const std::string& name, command_line& line, terminal& where)
{
    const auto endpoint = address_from(line.endpoint);
    if (const auto* wrong = std::get_if<std::string>(&endpoint)) {
        return usage(where.err, *wrong);
    }
    if (!line.cacert.empty() || !line.cert.empty() || !line.key.empty()) {
        return usage(where.err, "--cacert, --cert, --key: https is not built yet");
    }
    std::string token;
    if (!line.token_file.empty()) {
        std::ifstream file(line.token_file);
        if (!(file >> token)) {
            return usage(where.err, "token file " + line.token_file + ": cannot be read, or empty");
        }
    }
    const bool colors =
        !line.no_color && std::getenv("NO_COLOR") == nullptr && where.out_is_terminal;
    commands remote(
        http_client(std::get<address>(endpoint), token),
        {where.out, where.err, line.format == "json", line.quiet, colors, where.err_is_terminal,
         line.token_file});
    try { // of JSON whose fields are of another type than the API's
        return run_remote(name, line, remote, where);
    } catch (const std::exception& error) {
        return remote.fail(
            exit_unreachable,
            "the answer cannot be understood: " + control::printable(std::string(error.what())));
    }
}

} // namespace

std::vector<std::string> command_names()
{
    CLI::App app;
    command_line line;
    define(app, line);
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    return names;
}

namespace {

// The first word that is neither an option nor an option's value.
std::string verb_of(const std::vector<std::string>& arguments)
{
    static const std::vector<std::string> with_value{
        "--endpoint", "--token-file", "--cacert", "--cert", "--key", "-o", "--output"};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (std::ranges::find(with_value, arguments[i]) != with_value.end()) {
            ++i;
        } else if (!arguments[i].starts_with('-')) {
            return arguments[i];
        }
    }
    return "";
}

std::string unknown_command(const std::string& verb)
{
    return "unknown command '" + control::printable(verb) + "'" +
           did_you_mean(verb, command_names()) + "; `tealctl help` lists them";
}

int help(CLI::App& app, const std::string& verb, terminal& where)
{
    if (verb.empty()) {
        where.out << app.help();
        return exit_done;
    }
    const auto known = command_names();
    if (std::ranges::find(known, verb) == known.end()) {
        return usage(where.err, unknown_command(verb));
    }
    where.out << app.get_subcommand(verb)->help("tealctl");
    return exit_done;
}

int run_as_asked(const std::vector<std::string>& arguments, command_line& line, terminal& where)
{
    if (const auto verb = verb_of(arguments); !verb.empty()) {
        const auto known = command_names();
        if (std::ranges::find(known, verb) == known.end()) {
            return usage(where.err, unknown_command(verb));
        }
    }
    CLI::App app("Shows and switches the live color of a Teal gateway", "tealctl");
    define(app, line);
    try {
        app.parse(std::vector<std::string>(
            arguments.rbegin(), arguments.rend())); // CLI11 takes them from the back
    } catch (const CLI::ParseError& error) {
        return app.exit(error, where.out, where.err) == 0 ? exit_done : exit_usage;
    }
    const std::string name = app.get_subcommands().front()->get_name();
    if (name == "version") {
        where.out << "tealctl " TEAL_VERSION "\n";
        return exit_done;
    }
    if (name == "completion") {
        where.out << completion_for(line.shell).value_or("");
        return exit_done;
    }
    if (name == "check") {
        return check_file(line.file, where.err);
    }
    if (name == "help") {
        return help(app, line.verb, where);
    }
    if (const auto wrong = contradiction(name, line); !wrong.empty()) {
        return usage(where.err, wrong);
    }
    return connect_and_run(name, line, where);
}

} // namespace

int run(const std::vector<std::string>& arguments, terminal where)
{
    command_line line;
    const int status = run_as_asked(arguments, line, where);
    // To a monitoring system 2 says that the gateway is down, which a wrong command line does not know.
    const bool check = std::ranges::count(arguments, "status") > 0 &&
                       std::ranges::count(arguments, "--check") > 0;
    return check && status == exit_usage && !line.asked_health ? check_unknown : status;
}

} // namespace cli
