#include "control/cli/command_line.hpp"

#include "broker/color.hpp"
#include "control/cli/nearest.hpp"

namespace cli {

namespace {

// "blue/NAME"
bool is_endpoint(const std::string& text)
{
    const auto slash = text.find('/');
    return slash + 1 < text.size() && broker::color_from(text.substr(0, slash)).has_value();
}

void define_switch_options(CLI::App& command, command_line& line)
{
    command.add_flag("--no-wait", line.no_wait, "Return as soon as the switch is accepted");
    command.add_flag(
        "--wait-drain", line.change.waiting.wait_drain, "Also wait until the old color is drained");
    command
        .add_option("--timeout", line.timeout, "Stop waiting after this time; the switch goes on")
        ->capture_default_str();
    command.add_option(
        "--deadline", line.change.deadline,
        "Abort the switch if it is not decided after this time (2m)");
    command.add_flag(
        "--dry-run", line.change.dry_run,
        "Prepare every session on the target, then release it; nothing is switched");
    command.add_flag(
        "--pause", line.change.pause, "Wait for `tealctl go` once every session is prepared");
    command.add_option(
        "--if-epoch", line.change.if_epoch, "Refuse the switch unless this is the epoch");
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

const CLI::Validator& a_color()
{
    static const CLI::Validator check(
        [](std::string& word) {
            return broker::color_from(word) ? std::string()
                                            : "'" + word + "' is no color: blue or green" +
                                                  did_you_mean(word, {"blue", "green"});
        },
        "", "color");
    return check;
}

void define_filter(CLI::App& command, session_filter& which)
{
    command.add_option("--at", which.at, "Those at this endpoint: COLOR/NAME");
    command.add_option("--login", which.login, "Those with this login");
    command.add_option("--state", which.state, "Those in this state, as in the table");
    command.add_option("--address", which.address, "Those from this address or block (10.0.0.0/8)");
    command.add_option(
        "--older-than", which.older_than, "Those that are connected for longer, as in 90s or 2h");
}

void define_global_options(CLI::App& app, command_line& line)
{
    app.set_version_flag("--version", "tealctl " TEAL_VERSION);
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
    app.footer(
        "Exit status: 0 done · 1 failed, all sessions on the old color · 2 wrong usage · 3 "
        "gateway not reachable, or its answer not understood · 4 refused\n"
        "5 timeout, switch still running · 6 done, but something was counted · 7 not allowed "
        "· 130 detached");
}

} // namespace

void define(CLI::App& app, command_line& line)
{
    define_global_options(app, line);
    app.add_subcommand("status", "Health, epoch, live color, clients and pools")
        ->add_flag(
            "--check", line.check,
            "One line for monitoring; exit status 0 ok, 1 degraded, 2 down, 3 unknown");
    auto* change = app.add_subcommand("switch", "Make a color live, and wait for the final report");
    change->add_option("color", line.change.to, "blue or green")->required()->check(a_color());
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
    app.add_subcommand("history", "The last switches, newest first; with an id one report whole")
        ->add_option("id", line.id, "The switch");
    app.add_subcommand("pools", "Brokers of both colors");
    auto* sessions = app.add_subcommand("sessions", "Sessions of clients");
    sessions->add_option("--sort", line.sort, "Sort by this, the largest first")
        ->check(CLI::IsMember({"held", "age", "rate"}));
    sessions->add_option("--limit", line.limit, "Show at most this many")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    sessions->add_flag("--all", line.all, "Show all of them, page after page");
    define_filter(*sessions, line.which);
    auto* drain = app.add_subcommand("drain", "Drain an endpoint, or this gateway");
    drain->add_option("endpoint", line.drained, "COLOR/NAME or COLOR/HOST:PORT");
    drain->add_flag("--no-wait", line.no_wait, "Return as soon as the order is accepted");
    drain->add_option("--timeout", line.timeout, "Stop waiting after this time; the drain goes on")
        ->capture_default_str();
    drain->add_flag(
        "--force", line.force,
        "Also where no other endpoint of the live color can take its sessions");
    drain->add_flag("--self", line.self, "Send the clients of this gateway away, before it stops");
    drain->add_flag("--wait", line.drain_wait, "With --self: wait until it is drained");
    app.add_subcommand("undrain", "Take a drained endpoint back")
        ->add_option("endpoint", line.drained, "COLOR/NAME or COLOR/HOST:PORT")
        ->required();
    auto* disconnect = app.add_subcommand("disconnect", "Close one session, or those that match");
    disconnect->add_option("session", line.session, "The session's id");
    define_filter(*disconnect, line.which);
    disconnect->add_option("--pace", line.pace, "How many a second, where several match")
        ->capture_default_str();
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
    app.add_subcommand("help", "Print what a command does")->add_option("command", line.verb);
}

std::optional<unsigned> rate_from(const std::string& text)
{
    constexpr std::size_t digits_max = 6;
    const auto slash = text.find('/');
    const auto digits = text.substr(0, slash);
    if (slash == std::string::npos || text.substr(slash) != "/s" || digits.empty() ||
        digits.size() > digits_max || digits.find_first_not_of("0123456789") != std::string::npos ||
        std::stoul(digits) == 0) {
        return std::nullopt;
    }
    return static_cast<unsigned>(std::stoul(digits));
}

std::string contradiction(const std::string& name, const command_line& line)
{
    if (line.self && !line.drained.empty()) {
        return "drain: an endpoint or --self, not both";
    }
    if (line.drain_wait && !line.self) {
        return "drain: --wait is for --self; an endpoint is waited for anyway";
    }
    if (((name == "drain" && !line.self) || name == "undrain") && !is_endpoint(line.drained)) {
        return name + ": expected COLOR/NAME, as in blue/b1";
    }
    if (name == "disconnect" && line.session.empty() != line.which.any()) {
        return "disconnect: a session, or what those that are meant have in common (--at, --login, "
               "--state, --address, --older-than)";
    }
    if (name == "disconnect" && !rate_from(line.pace)) {
        return "--pace " + line.pace + ": expected a rate as in 100/s";
    }
    if (line.change.pause && line.change.dry_run) {
        return "--pause: a dry run does not pause";
    }
    return "";
}

} // namespace cli
