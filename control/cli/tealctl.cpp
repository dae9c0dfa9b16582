#include "control/cli/tealctl.hpp"

#include "broker/color.hpp"
#include "control/cli/commands.hpp"
#include "control/cli/completion.hpp"
#include "control/protocol/switch_request.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <unistd.h>

namespace cli {

namespace {

struct command_line {
    std::string endpoint = "http://127.0.0.1:8081";
    std::string token_file, cacert, cert, key;
    std::string format = "table";
    bool quiet = false, no_color = false;
    switch_options change;
    bool no_wait = false;
    std::string timeout = "5m", watch_timeout;
    std::uint64_t id = 0, limit = 100;
    std::string sort, session, file, shell, drained;
    bool self = false, drain_wait = false;
};

void define_switch_options(CLI::App& command, command_line& line)
{
    command.add_flag("--no-wait", line.no_wait, "Return as soon as the switch is accepted");
    command.add_flag(
        "--wait-drain", line.change.waiting.wait_drain, "Also wait until the old color is drained");
    command
        .add_option("--timeout", line.timeout, "Stop waiting after this time; the switch goes on")
        ->capture_default_str();
    command.add_option(
        "--deadline", line.change.deadline, "Abort the switch if it is not decided after this time (2m)");
    command.add_flag(
        "--dry-run", line.change.dry_run,
        "Prepare every session on the target, then release it; nothing is switched");
    command.add_flag(
        "--pause", line.change.pause, "Wait for `tealctl go` once every session is prepared");
    command.add_option("--if-epoch", line.change.if_epoch, "Refuse the switch unless this is the epoch");
    command
        .add_option(
            "--on-hold-timeout", line.change.on_hold_timeout,
            "What to do with sessions that do not settle")
        ->check(CLI::IsMember({"abort", "pin", "cut"}));
    command.add_option(
        "--max-failed", line.change.max_failed, "How many sessions may fail: N or P%");
    command.add_option("--reason", line.change.reason, "A text for the report and the audit log");
    command.add_flag("--yes", line.change.yes, "Do not ask for confirmation");
}

void define(CLI::App& app, command_line& line)
{
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--endpoint", line.endpoint, "http://HOST:PORT or unix:PATH")
        ->envname("TEAL_ENDPOINT")
        ->capture_default_str();
    app.add_option("--token-file", line.token_file, "File whose first line is the token")
        ->envname("TEAL_TOKEN_FILE");
    app.add_option("--cacert", line.cacert, "Certificate authority, for https");
    app.add_option("--cert", line.cert, "Client certificate, for https");
    app.add_option("--key", line.key, "Client key, for https");
    app.add_option("-o,--output", line.format, "table or json")
        ->check(CLI::IsMember({"table", "json"}));
    app.add_flag("-q,--quiet", line.quiet, "No table, no progress");
    app.add_flag("--no-color", line.no_color, "No colors (also NO_COLOR)");
    app.footer("Exit status: 0 done · 1 failed, all sessions on the old color · 2 wrong usage · 3 "
               "gateway not reachable, or its answer not understood · 4 refused\n"
               "5 timeout, switch still running · 6 done, but something was counted · 7 not allowed "
               "· 130 detached");

    app.add_subcommand("status", "Epoch, live color, clients and pools");
    auto* change = app.add_subcommand("switch", "Make a color live, and wait for the final report");
    change->add_option("color", line.change.to, "blue or green")
        ->required()
        ->check(CLI::IsMember({"blue", "green"}));
    define_switch_options(*change, line);
    define_switch_options(
        *app.add_subcommand("rollback", "Back to the color before the last committed switch"),
        line);
    app.add_subcommand("abort", "Abort the running switch");
    auto* go = app.add_subcommand("go", "Let a paused switch go on, and wait for the final report");
    go->add_flag("--no-wait", line.no_wait, "Return as soon as it goes on");
    go->add_flag(
        "--wait-drain", line.change.waiting.wait_drain, "Also wait until the old color is drained");
    go->add_option("--timeout", line.timeout, "Stop waiting after this time; the switch goes on")
        ->capture_default_str();
    auto* watch = app.add_subcommand("watch", "Follow a switch until its report is final");
    watch->add_option("id", line.id, "The switch; without it the newest");
    watch->add_flag(
        "--wait-drain", line.change.waiting.wait_drain, "Also wait until the old color is drained");
    watch->add_option("--timeout", line.watch_timeout, "Stop waiting after this time");
    app.add_subcommand("history", "The last switches, newest first");
    app.add_subcommand("pools", "Brokers of both colors");
    auto* sessions = app.add_subcommand("sessions", "Sessions of clients");
    sessions->add_option("--sort", line.sort, "Sort by this, the largest first")
        ->check(CLI::IsMember({"held", "age", "rate"}));
    sessions->add_option("--limit", line.limit, "Show at most this many")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    auto* drain = app.add_subcommand("drain", "Drain an endpoint, or this gateway");
    drain->add_option("endpoint", line.drained, "COLOR/NAME or COLOR/HOST:PORT");
    drain->add_flag("--no-wait", line.no_wait, "Return as soon as the order is accepted");
    drain->add_option("--timeout", line.timeout, "Stop waiting after this time; the drain goes on")
        ->capture_default_str();
    drain->add_flag("--self", line.self, "Send the clients of this gateway away, before it stops");
    drain->add_flag("--wait", line.drain_wait, "With --self: wait until it is drained");
    app.add_subcommand("undrain", "Take a drained endpoint back")
        ->add_option("endpoint", line.drained, "COLOR/NAME or COLOR/HOST:PORT")
        ->required();
    app.add_subcommand("disconnect", "Close one session")
        ->add_option("session", line.session, "The session's id")
        ->required();
    app.add_subcommand("reload", "Load the gateway's configuration file again")
        ->add_flag("--dry-run", line.change.dry_run, "Only say what that would change");
    app.add_subcommand("config", "The configuration that runs")
        ->require_subcommand(1)
        ->add_subcommand("show", "Every key with its value; secrets are left out");
    app.add_subcommand("check", "Check a configuration file with teal-gateway")
        ->add_option("file", line.file)
        ->required();
    app.add_subcommand("completion", "Print a completion script")
        ->add_option("shell", line.shell)
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    app.add_subcommand("version", "Print the version of this program");
}

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

// "blue/NAME"
bool is_endpoint(const std::string& text)
{
    const auto slash = text.find('/');
    return slash + 1 < text.size() && broker::color_from(text.substr(0, slash)).has_value();
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
        return remote.status();
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
        return remote.history();
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
        return remote.drain(line.drained, waiting);
    }
    if (name == "undrain") {
        return remote.undrain(line.drained);
    }
    return name == "sessions" ? remote.sessions(line.sort, line.limit)
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
        {where.out, where.err, line.format == "json", line.quiet, colors, where.err_is_terminal});
    try { // of JSON whose fields are of another type than the API's
        return run_remote(name, line, remote, where);
    } catch (const std::exception& error) {
        where.err << "tealctl: the answer cannot be understood: " << error.what() << '\n';
        return exit_unreachable;
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

int run(const std::vector<std::string>& arguments, terminal where)
{
    CLI::App app("Shows and switches the live color of a Teal gateway", "tealctl");
    command_line line;
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
    if (line.self && !line.drained.empty()) {
        return usage(where.err, "drain: an endpoint or --self, not both");
    }
    if (line.drain_wait && !line.self) {
        return usage(where.err, "drain: --wait is for --self; an endpoint is waited for anyway");
    }
    if (const bool endpoint = (name == "drain" && !line.self) || name == "undrain";
        endpoint && !is_endpoint(line.drained)) {
        return usage(where.err, name + ": expected COLOR/NAME, as in blue/b1");
    }
    return connect_and_run(name, line, where);
}

} // namespace cli
