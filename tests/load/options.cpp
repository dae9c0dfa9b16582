#include "tests/load/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace load {
namespace {

// Pairs whose order is compared on queues; four bytes each.
constexpr std::uint64_t queue_pairs_max = 32ULL * 1024 * 1024;

std::chrono::nanoseconds to_ns(double seconds)
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>{seconds});
}

// Two runs against one broker must not meet, even when they start in the same instant.
std::string new_run_name()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::ostringstream name;
    name << std::hex << std::chrono::duration_cast<std::chrono::milliseconds>(now).count() << '-'
         << ::getpid();
    return name.str();
}

struct raw_options {
    std::string url, passcode_file, subprotocol = "v12.stomp";
    std::string topics = "own", acks = "auto", queue_order = "relaxed";
    double seconds = 15, warmup = 0, drain_seconds = 10;
    bool receipts = false, quiet = false, progress = false;
};

void add_workload(CLI::App& app, load_options& into, raw_options& raw)
{
    workload_shape& shape = into.fleet.shape;
    shape.clients = 1000;
    app.add_option("--clients", shape.clients, "number of clients")
        ->check(CLI::Range(1, 200'000))
        ->capture_default_str();
    app.add_option("--rate", into.fleet.rate, "messages per second of each client")
        ->check(CLI::Range(0.0, 10'000.0))
        ->capture_default_str();
    app.add_option("--size", into.fleet.body_size, "bytes of a body (at least 40)")
        ->check(CLI::Range(40, 8 * 1024 * 1024))
        ->capture_default_str();
    app.add_option("--seconds", raw.seconds, "how long to send, after the warm-up")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    app.add_option("--warmup", raw.warmup, "seconds that are checked but not measured")
        ->check(CLI::Range(0.0, 600.0))
        ->capture_default_str();
    app.add_option("--topics", raw.topics, "mixed: 1 message in 10 goes to a topic of 20")
        ->check(CLI::IsMember({"own", "shared", "mixed"}))
        ->capture_default_str();
    app.add_option("--queues", shape.queues, "number of queues; each is used by every n-th client")
        ->check(CLI::Range(0, 100'000));
    app.add_option("--queue-percent", shape.queue_percent, "percent of the messages that go to the queues")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option("--queue-order", raw.queue_order, "strict: the order on queues is judged, too")
        ->check(CLI::IsMember({"relaxed", "strict"}))
        ->capture_default_str();
    app.add_option("--ack", raw.acks, "ack mode of the subscriptions to queues")
        ->check(CLI::IsMember({"auto", "client", "client-individual"}))
        ->capture_default_str();
    app.add_option("--transactions", shape.transaction_percent, "percent of the SENDs that are in a transaction")
        ->check(CLI::Range(0, 100));
    app.add_flag("--receipts", raw.receipts, "each SEND asks for a receipt; one without a receipt does not count as lost");
    app.add_option(
           "--id-header", into.fleet.client.id_header,
           "each SEND has a header of that name with a unique value (brokers.backplane: shared)")
        ->check([](const std::string& name) {
            const bool token = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
                return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
            });
            return token ? std::string{} : "not letters, digits, '-', '_' and '.': " + name;
        });
    app.add_option("--seed", into.fleet.seed, "seed of the clients' phases")->capture_default_str();
}

void add_connection(CLI::App& app, load_options& into, raw_options& raw)
{
    client_settings& client = into.fleet.client;
    client.virtual_host = "/";
    app.add_option("--url", raw.url, "ws://HOST:PORT/PATH or stomp://HOST:PORT")->required();
    app.add_option("--login", client.login, "login");
    app.add_option("--passcode-file", raw.passcode_file, "its first line is the passcode")
        ->check(CLI::ExistingFile);
    app.add_flag(
        "--also-login-per-client", client.login_per_client,
        "login NAME-0, NAME-1, ...: every client is an identity of its own");
    app.add_option("--virtual-host", client.virtual_host, "host header of CONNECT")
        ->capture_default_str();
    app.add_option("--subprotocol", raw.subprotocol, "v10.stomp, v11.stomp, v12.stomp; none")
        ->check(CLI::IsMember({"v10.stomp", "v11.stomp", "v12.stomp", "none"}))
        ->capture_default_str();
    app.add_option("--connect-rate", into.fleet.connect_rate, "connects per second")
        ->check(CLI::Range(1.0, 100'000.0))
        ->capture_default_str();
    app.add_option("--drain-seconds", raw.drain_seconds, "longest wait for messages that are still missing")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    app.add_option("--json", into.json_file, "write the result as JSON");
    app.add_option(
        "--missing", into.missing_file, "write each copy that did not arrive, with its time");
    app.add_flag("--quiet", raw.quiet, "no progress on stderr");
    app.add_flag("--progress", raw.progress, "a line a second on stderr (the default)")
        ->excludes("--quiet");
}

// Empty, or why the options do not go together.
std::string complete(load_options& into, const raw_options& raw)
{
    const auto url = parse_url(raw.url);
    if (!url) {
        return url.error();
    }
    fleet_options& fleet = into.fleet;
    into.address = url->address;
    fleet.client.target = url->target;
    fleet.client.target.subprotocol = raw.subprotocol != "none";
    if (raw.subprotocol == "v10.stomp") {
        fleet.client.target.versions = {stomp::version::v10};
    } else if (raw.subprotocol == "v11.stomp") {
        fleet.client.target.versions = {stomp::version::v11};
    }
    if (!raw.passcode_file.empty()) {
        std::ifstream file{raw.passcode_file};
        std::getline(file, fleet.client.passcode);
    }
    fleet.duration = to_ns(raw.seconds);
    fleet.warmup = to_ns(raw.warmup);
    fleet.drain_limit = to_ns(raw.drain_seconds);
    fleet.progress = !raw.quiet;
    fleet.tell_missing = !into.missing_file.empty();
    fleet.order = raw.queue_order == "strict" ? queue_order::strict : queue_order::relaxed;
    for (const ack_mode mode : {ack_mode::automatic, ack_mode::cumulative, ack_mode::individual}) {
        if (raw.acks == to_string(mode)) {
            fleet.client.acks = mode;
        }
    }
    fleet.shape.topics = raw.topics == "own"      ? topic_mix::own
                         : raw.topics == "shared" ? topic_mix::shared
                                                  : topic_mix::mixed;
    fleet.client.confirm = raw.receipts ? confirmation::receipts : confirmation::flush;
    fleet.client.outbox_bytes_max = std::max(fleet.client.outbox_bytes_max, 4 * fleet.body_size);
    fleet.shape.run = new_run_name();
    fleet.client.run = fleet.shape.run;
    const workload plan{fleet.shape};
    const std::uint64_t width = plan.width(stream_kind::queue);
    if (plan.destinations(stream_kind::queue) * width * width > queue_pairs_max) {
        return "--queues: too few for that many clients";
    }
    return {};
}

} // namespace

boost::system::result<load_url, std::string> parse_url(const std::string& url)
{
    load_url result;
    std::string rest;
    if (url.starts_with("ws://")) {
        rest = url.substr(5);
    } else if (url.starts_with("stomp://")) {
        rest = url.substr(8);
        result.target.over = dial_target::transport::tcp;
    } else {
        return "--url: ws://HOST:PORT/PATH or stomp://HOST:PORT, not " + url;
    }
    const std::size_t slash = rest.find('/');
    if (slash != std::string::npos && result.target.over == dial_target::transport::websocket) {
        result.target.path = rest.substr(slash);
    }
    result.target.host_port = rest.substr(0, slash);
    const auto address = net::parse_address(result.target.host_port);
    if (!address || address->is_unix()) {
        return "--url: not HOST:PORT: " + result.target.host_port;
    }
    result.address = *address;
    return result;
}

boost::system::result<load_options, usage_exit> parse_options(int argc, const char* const* argv)
{
    CLI::App app{
        "A fleet of STOMP clients with numbered messages, and the judgement of what came.\n"
        "Exit status: 0 nothing lost, duplicated, reordered or disconnected; 1 otherwise;\n"
        "2 usage; 3 could not connect.",
        "teal-load"};
    load_options options;
    raw_options raw;
    add_connection(app, options, raw);
    add_workload(app, options, raw);
    app.set_version_flag("--version", "teal-load " TEAL_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::ostringstream text;
        const int status = app.exit(error, text, text) == 0 ? 0 : 2;
        return usage_exit{status, text.str()};
    }
    if (std::string why = complete(options, raw); !why.empty()) {
        return usage_exit{2, "teal-load: " + why + "\n"};
    }
    return options;
}

} // namespace load
