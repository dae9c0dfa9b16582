// Proves that teal.yaml is read as the contract's page of keys says: the defaults, every key, every
// unit; and that what is wrong is reported, all of it, at its line and column with the path of its
// key.

#include "gateway/settings/config.hpp"
#include "gateway/settings/config_values.hpp"
#include "gateway/settings/value_text.hpp"
#include "gateway/settings/yaml_document.hpp"

#include <gtest/gtest.h>

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace gateway {
namespace {

using namespace std::chrono_literals;

const std::string minimal = R"(listeners:
  - bind: 127.0.0.1:8080          # clients; ws://127.0.0.1:8080/ws
brokers:
  blue:
    endpoints:
      - stomp://127.0.0.1:61613
  green:
    endpoints:
      - stomp://127.0.0.1:61713
)";

// Every key of the contract whose part is built, each with a value that is not its default.
const std::string full = R"(
listeners:
  - bind: 0.0.0.0:9000
    protocol: websocket
    path: [/stomp, /ws]
    trusted_proxies: [10.0.0.0/8, unix]
    allowed_origins: ["https://*.example.com", "*"]
    frames: binary
    forward_headers: [Cookie, Authorization]
    proxy_protocol: false
    reuse_port: true
  - bind: unix:/run/teal/clients.sock
    protocol: stomp
    mode: 0660
    owner: root
    group: 12345
    proxy_protocol: v2
    trusted_proxies: [unix]
admin:
  bind: [unix:/run/teal/admin.sock, 0.0.0.0:8099]
  mode: 0600
  group: 12345
  tokens_file: tokens
  open_metrics: true
brokers:
  blue:
    endpoints:
      - { url: "stomp://b1.example.com:61613", weight: 3, name: b1 }
      - ws://b2.example.com:15674/ws
    health: { interval: 5s, rise: 1, fall: 4, login: probe, passcode_file: passcode, headers: { Authorization: "Basic eA==", x-probe: "" }, path: /up }
    dialect: rabbitmq
    identity: { header: X-User, secret_file: passcode }
  green:
    endpoints: ["stomp://[::1]:61713"]
    health: { interval: 1s }
  multiplex: dedicated
  dialect: plain
  backplane: shared
  links_per_key: 8
  broadcast: ["/topic/**"]
  prefetch: 10
  mark_sessions: false
  x_forwarded: false
  origin: preserve
  auth_recheck: 2m
  connect_rate: 50/s
  park_timeout: 1m
initial_color: green
switch: { prepare_timeout: 61s, hold_timeout: 3s, pause_timeout: 16m, on_hold_timeout: abort, max_failed: 2%, on_refused: close, pin_timeout: 1m,
          drain_timeout: 31s, linger: 2s, queue_order: strict, seam_timeout: 2s, seam_quiet: 51ms,
          overlap: 6s, receipt_timeout: 3s, trial_timeout: 2s, marker_interval: 101ms, dedup: header x-id }
store: { kind: file, path: state/teal.state }
limits: { clients: 5, clients_per_address: 6, handshake_timeout: 7s, connect_timeout: 8s,
          frame_before_connect: 9KiB, frame: 10MiB, headers: 11, header_line: 12KiB, broker_frame: 65KiB, subscriptions: 13,
          transactions: 14, transaction_bytes: 15MiB, client_outbox: 16KiB, client_stall: 17s, client_carry: 18KiB,
          seam_buffer: 19KiB, broker_outbox: 20KiB, links_per_login: 24, buffered_total: 21%, http_head: 22KiB, idle_ping: 23s,
          tls_handshake_share: 25%, tls_handshakes_per_address: 26 }
drain: { delay: 6s, pace: 7/s, timeout: 61s }
heart_beat: { client: 11s, broker: 12s }
threads: 3
log: { level: warning, format: json }
)";

// A folder for the files that a configuration names; gone at the end of the test.
class scratch {
public:
    scratch()
    {
        std::string name = (std::filesystem::temp_directory_path() / "teal-config-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error{"mkdtemp"};
        }
        path_ = name;
    }
    ~scratch() { std::filesystem::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string write(const std::string& name, const std::string& text) const
    {
        std::ofstream{path_ / name} << text;
        return (path_ / name).string();
    }
    std::string path(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

config must_parse(const std::string& text, const std::string& file = "teal.yaml")
{
    auto result = parse_config(text, file);
    if (result.has_error()) {
        for (const auto& e : result.error()) {
            ADD_FAILURE() << to_string(e);
        }
        return {};
    }
    return *result;
}

// All messages, one a line.
std::string errors_of(const std::string& text)
{
    const auto result = parse_config(text, "teal.yaml");
    std::string out;
    if (result.has_error()) {
        for (const auto& e : result.error()) {
            out += to_string(e) + '\n';
        }
    }
    return out;
}
std::string errors_beside_minimal(const std::string& more)
{
    return errors_of(minimal + more);
}
std::string with_listener(const std::string& keys)
{
    std::string text = minimal;
    text.insert(text.find("brokers:"), "    " + keys + '\n');
    return text;
}
std::string with_brokers(const std::string& key)
{
    return minimal + "  " + key + '\n';
}

TEST(Config, MinimalOneHasTheDefaultsOfTheContract)
{
    const auto c = must_parse(minimal);
    config expected;
    listener_config l;
    l.bind = {"127.0.0.1", 8080, "", "127.0.0.1:8080"};
    expected.listeners = {l};
    endpoint_config e;
    e.host = "127.0.0.1";
    e.port = 61613;
    e.name = "127.0.0.1:61613";
    e.url = "stomp://127.0.0.1:61613";
    expected.brokers.colors.blue.endpoints = {e};
    e.port = 61713;
    e.name = "127.0.0.1:61713";
    e.url = "stomp://127.0.0.1:61713";
    expected.brokers.colors.green.endpoints = {e};
    expected.file = "teal.yaml";
    expected.switching.dedup.by = dedup_by::automatic; // where the backplane is found to be shared
    EXPECT_EQ(c, expected);
    EXPECT_EQ(c.listeners[0].paths, std::vector<std::string>{"/ws"});
    EXPECT_EQ(c.admin.binds.at(0).port, 8081);
    EXPECT_EQ(c.limits.frame, 4U * 1024 * 1024);
    EXPECT_EQ(c.switching.hold_timeout, 2s);
    EXPECT_EQ(c.limits.buffered_total.of(1000), 250U);
}

// S19: only the gateway may say that header.
TEST(Config, S19_IdentityNeedsAnApplicationAFileAndANameOfItsOwn)
{
    const auto errors = [](const std::string& identity, const std::string& url = "ws://b:1/ws",
                           const std::string& forward = "Cookie", const std::string& more = "") {
        return errors_of(
            "listeners:\n  - { bind: \"127.0.0.1:1\", forward_headers: [" + forward +
            "] }\nbrokers:\n  blue:\n    endpoints: [\"" + url + "\"]\n    identity: {" + identity +
            "}\n" + more + "  green:\n    endpoints: [\"stomp://b:2\"]\n");
    };
    const std::string good = "secret_file: /etc/passwd";
    EXPECT_EQ(errors(good), "");
    EXPECT_EQ(
        errors(" header: X-User "), "teal.yaml:6:5: brokers.blue.identity.secret_file: is needed\n");
    EXPECT_EQ(
        errors("secret_file: /nowhere"),
        "teal.yaml:6:29: brokers.blue.identity.secret_file: '/nowhere' cannot be read\n");
    EXPECT_EQ(
        errors(good, "stomp://b:1"),
        "teal.yaml:6:5: brokers.blue.identity: needs a ws:// or wss:// endpoint in this color\n");
    EXPECT_NE(errors(good + ", header: Cookie").find("is not allowed: a name of its own"), std::string::npos);
    EXPECT_NE(
        errors(good, "ws://b:1/ws", "x-teal-USER").find("is in forward_headers of 127.0.0.1:1"),
        std::string::npos);
    EXPECT_NE(
        errors(good, "ws://b:1/ws", "Cookie", "    health: { headers: { X-Teal-User: anna } }\n")
            .find("is in health.headers"),
        std::string::npos);
}

TEST(Config, N14_OriginTowardsApplicationsIsAWordOrAnOrigin)
{
    EXPECT_EQ(errors_of(with_brokers("origin: strip")), "");
    EXPECT_EQ(errors_of(with_brokers("origin: \"https://app.example.com\"")), "");
    for (const auto* bad : {"\"*\"", "\"https://*.example.com\"", "app.example.com"}) {
        EXPECT_NE(
            errors_of(with_brokers(std::string{"origin: "} + bad)).find("must be strip, preserve"),
            std::string::npos)
            << bad;
    }
}

TEST(Config, FullOneSetsEveryKeyOfListenersAndBrokers)
{
    const scratch dir;
    dir.write("tokens", "viewer x\n");
    dir.write("passcode", "p\n");
    const auto c = must_parse(full, dir.path("teal.yaml"));
    ASSERT_EQ(c.listeners.size(), 2U);
    EXPECT_EQ(c.listeners[0].bind.host, "0.0.0.0");
    EXPECT_EQ(c.listeners[0].paths, (std::vector<std::string>{"/stomp", "/ws"}));
    EXPECT_EQ(
        c.listeners[0].trusted_proxies,
        (std::vector{
            *net::parse_address_range("10.0.0.0/8"), *net::parse_address_range("unix")}));
    EXPECT_EQ(c.listeners[1].paths, std::vector<std::string>{"/ws"});
    EXPECT_EQ(
        c.listeners[0].allowed_origins, (std::vector<std::string>{"https://*.example.com", "*"}));
    EXPECT_EQ(
        c.listeners[0].forward_headers, (std::vector<std::string>{"Cookie", "Authorization"}));
    EXPECT_EQ(c.listeners[0].frames, client_frames::binary);
    EXPECT_EQ(c.listeners[1].frames, client_frames::automatic);
    EXPECT_TRUE(c.listeners[0].reuse_port);
    EXPECT_EQ(c.listeners[0].protocol, client_protocol::websocket);
    EXPECT_EQ(c.listeners[0].proxy_protocol, proxy_versions::none);
    EXPECT_EQ(c.listeners[1].bind.unix_path, "/run/teal/clients.sock");
    EXPECT_EQ(c.listeners[1].protocol, client_protocol::stomp);
    EXPECT_EQ(c.listeners[1].proxy_protocol, proxy_versions::v2);
    EXPECT_EQ(c.listeners[1].socket_file, (socket_file_config{0660U, 0U, 12'345U}));
    ASSERT_EQ(c.admin.binds.size(), 2U);
    EXPECT_TRUE(c.admin.binds[0].is_unix());
    EXPECT_EQ(c.admin.binds[1].port, 8099);
    EXPECT_EQ(c.admin.socket_file, (socket_file_config{0600U, std::nullopt, 12'345U}));
    EXPECT_TRUE(c.admin.open_metrics);
    EXPECT_TRUE(c.admin.by_tcp());
    EXPECT_FALSE(c.admin.all_local());
    EXPECT_EQ(c.admin.tokens_file, dir.path("tokens"));
    const auto& b = c.brokers;
    ASSERT_EQ(b.colors.blue.endpoints.size(), 2U);
    EXPECT_EQ(b.colors.blue.endpoints[0].weight, 3U);
    EXPECT_EQ(b.colors.blue.endpoints[0].name, "b1");
    EXPECT_EQ(b.colors.blue.endpoints[1].scheme, endpoint_scheme::ws);
    EXPECT_EQ(b.colors.blue.endpoints[1].path, "/ws");
    EXPECT_EQ(b.colors.blue.endpoints[1].name, "b2.example.com:15674");
    EXPECT_EQ(
        b.colors.blue.health, (health_config{
                                  5s,
                                  1,
                                  4,
                                  "probe",
                                  dir.path("passcode"),
                                  {{"Authorization", "Basic eA=="}, {"x-probe", ""}},
                                  "/up"}));
    EXPECT_EQ(b.colors.green.endpoints[0].host, "::1");
    EXPECT_EQ(b.colors.green.health.interval, 1s);
    EXPECT_EQ(b.dialect_of(broker::color::blue), broker::dialect::rabbitmq);
    EXPECT_EQ(b.dialect_of(broker::color::green), broker::dialect::plain);
    EXPECT_EQ(b.multiplex, multiplex_mode::dedicated);
    EXPECT_EQ(b.links_per_key, 8U);
    EXPECT_EQ(b.broadcast, (std::vector<std::string>{"/topic/**"}));
    EXPECT_EQ(b.prefetch, 10U);
    EXPECT_EQ(b.colors.blue.identity, (identity_config{"X-User", dir.path("passcode")}));
    EXPECT_FALSE(b.colors.green.identity);
    EXPECT_FALSE(b.x_forwarded);
    EXPECT_EQ(b.origin, "preserve");
    EXPECT_TRUE(b.tells_place());
    EXPECT_EQ(b.auth_recheck, 2min);
    EXPECT_EQ(b.connect_rate, 50U);
    EXPECT_EQ(b.park_timeout, 1min);
}

TEST(Config, FullOneSetsEveryOtherKey)
{
    const scratch dir;
    dir.write("tokens", "viewer x\n");
    dir.write("passcode", "p\n");
    const auto c = must_parse(full, dir.path("teal.yaml"));
    switch_config s{61s,
                    3s,
                    16min,
                    control::hold_policy::abort,
                    {2, true},
                    control::refused_policy::close,
                    1min,
                    31s,
                    2s,
                    stored_order::strict,
                    2s,
                    51ms,
                    6s,
                    3s,
                    2s,
                    101ms,
                    {dedup_by::header, "x-id"}};
    EXPECT_EQ(c.switching, s);
    EXPECT_EQ(c.initial_color, broker::color::green);
    EXPECT_EQ(c.store.path, dir.path("state/teal.state"));
    constexpr std::size_t KiB = 1024, MiB = 1024 * KiB;
    limits_config l{5,        6,        7s,       8s,      9 * KiB,  10 * MiB, 11,
                    12 * KiB, 65 * KiB, 13,       14,      15 * MiB, 16 * KiB, 17s,
                    18 * KiB, 19 * KiB, 20 * KiB, 24, {0, 21}, 22 * KiB, 25,       26,
                    23s};
    EXPECT_EQ(c.limits, l);
    EXPECT_EQ(c.drain, (drain_config{6s, 7, 61s}));
    EXPECT_EQ(c.heart_beat, (heart_beat_config{11s, 12s}));
    EXPECT_EQ(c.threads, 3U);
    EXPECT_EQ(c.log, (log_config{log_level::warning, log_format::json}));
}

// A key that values_of() lacks would change by a reload unnoticed.
TEST(Config, A13_EveryKeyIsShownAndCompared)
{
    const scratch dir;
    dir.write("tokens", "viewer x\n");
    dir.write("passcode", "p\n");
    std::set<std::string> shown;
    for (const auto& one : values_of(must_parse(full, dir.path("teal.yaml")))) {
        shown.insert(one.key);
    }
    const std::function<void(const YAML::Node&, const std::string&)> walk =
        [&](const YAML::Node& node, const std::string& path) {
            for (const auto& item : node) {
                const auto key = item.first.as<std::string>();
                const auto& value = item.second;
                if (key == "listeners") {
                    for (const auto& one : value) {
                        walk(one, "listeners[" + one["bind"].as<std::string>() + "].");
                    }
                } else if (key == "endpoints") {
                    const std::string first = path == "brokers.blue." ? "b1" : "[::1]:61713";
                    EXPECT_TRUE(shown.contains(path + "endpoints[" + first + "].url")) << path;
                } else if (value.IsMap()) {
                    walk(value, path + key + ".");
                } else {
                    const bool known = shown.contains(path + key) || path + key == "store.kind";
                    EXPECT_TRUE(known) << path + key;
                }
            }
        };
    walk(YAML::Load(full), "");
}

TEST(Config, ErrorNamesLineColumnAndPathOfTheKey)
{
    std::string text = minimal;
    text += "    helth: { interval: 2s }\n";
    const auto result = parse_config(text, "dir/teal.yaml");
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(
        result.error(),
        (std::vector{config_error{
            "dir/teal.yaml", 10, 5, "brokers.green.helth", "unknown key; did you mean health?"}}));
    EXPECT_EQ(
        to_string(result.error()[0]),
        "dir/teal.yaml:10:5: brokers.green.helth: unknown key; did you mean health?");
}

TEST(Config, UnknownKeyFarFromAnyHasNoSuggestion)
{
    EXPECT_EQ(errors_beside_minimal("sandwich: 1\n"), "teal.yaml:10:1: sandwich: unknown key\n");
}

TEST(Config, ReportsAllErrorsInTheOrderOfTheFile)
{
    EXPECT_EQ(
        errors_of("treads: 4\nlisteners: []\nlog: { level: loud }\nbrokers:\n  blue:\n    "
                  "endpoints: [http://a:1]\n"),
        "teal.yaml:1:1: treads: unknown key; did you mean threads?\n"
        "teal.yaml:2:1: listeners: at least one listener is needed\n"
        "teal.yaml:3:15: log.level: 'loud' is not allowed: must be debug, info, warning or error\n"
        "teal.yaml:4:1: brokers.green: is needed: both colors are\n"
        "teal.yaml:6:17: brokers.blue.endpoints[0]: 'http://a:1' is not allowed: must be "
        "stomp://HOST:PORT or "
        "ws://HOST:PORT/PATH, or stomps:// or wss:// within TLS\n");
}

TEST(Config, DuplicateKeyIsAnErrorAtItsSecondPlace)
{
    EXPECT_EQ(
        errors_beside_minimal("threads: 1\nthreads: 2\n"),
        "teal.yaml:11:1: threads: is there twice\n");
    EXPECT_EQ(
        errors_beside_minimal("limits: { frame: 1MiB, frame: 2MiB }\n"),
        "teal.yaml:10:24: limits.frame: is there twice\n");
}

TEST(Config, MergeKeyIsAnError)
{
    EXPECT_EQ(
        errors_beside_minimal("log: &l { level: info }\nheart_beat: { <<: *l, client: 1s }\n"),
        "teal.yaml:11:15: heart_beat.<<: merge keys are not allowed: write the keys out\n");
}

TEST(Config, AliasesStandForWhatTheyName)
{
    const auto c = must_parse(
        "listeners: [{ bind: 127.0.0.1:1 }]\nbrokers:\n  blue: &b\n    endpoints: [stomp://h:1]\n"
        "  green: *b\n");
    EXPECT_EQ(c.brokers.colors.blue, c.brokers.colors.green);
}

TEST(Config, AliasesAreCountedExpanded)
{
    // Each level has ten of the one before: 10^5 values out of 60 words.
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char level = 'b'; level <= 'e'; ++level) {
        bomb += std::string{level} + ": &" + level + " [";
        for (int i = 0; i < 10; ++i) {
            bomb += std::string{i ? ", *" : "*"} + static_cast<char>(level - 1);
        }
        bomb += "]\n";
    }
    EXPECT_NE(errors_of(bomb).find("holds more than 10000 values"), std::string::npos)
        << errors_of(bomb);
}

TEST(Config, AnAliasOfItselfEnds)
{
    EXPECT_NE(errors_of("a: &a [*a]\n").find("is nested too deeply"), std::string::npos);
}

TEST(Config, DepthAndSizeAreBounded)
{
    EXPECT_NE(
        errors_of("a: " + std::string(20, '[') + std::string(20, ']')).find("is nested too deeply"),
        std::string::npos);
    EXPECT_FALSE(errors_of("a: " + std::string(100'000, '[')).empty());
    EXPECT_EQ(
        errors_of(minimal + std::string(config_bytes_max, '#')),
        "teal.yaml: is larger than 1 MiB\n");
    EXPECT_EQ(errors_of(std::string{"a\0b", 3}), "teal.yaml: holds a NUL byte\n");
}

TEST(Config, NumberOfErrorsIsBounded)
{
    std::string text = minimal;
    for (int i = 0; i < 500; ++i) {
        text += "unknown" + std::to_string(i) + ": 1\n";
    }
    const auto result = parse_config(text, "f");
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().size(), config_errors_max);
}

TEST(Config, SyntaxErrorHasItsPlace)
{
    const auto result = parse_config("listeners:\n  - bind: [\n", "f");
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error()[0].line, 3);
    EXPECT_EQ(result.error()[0].sentence.find("is no YAML: "), 0U);
    EXPECT_EQ(errors_of("[]"), "teal.yaml:1:1: must be a map of keys\n");
    EXPECT_NE(errors_of("a: 1\n---\nb: 2\n").find("more than one document"), std::string::npos);
}

TEST(Config, EmptyFileNamesWhatIsNeeded)
{
    const auto errors = errors_of("");
    EXPECT_NE(errors.find("listeners: at least one listener is needed"), std::string::npos);
    EXPECT_NE(errors.find("brokers.blue: is needed"), std::string::npos);
    EXPECT_NE(errors.find("brokers.green: is needed"), std::string::npos);
}

TEST(Config, KeysWhosePartIsNotBuiltSaySo)
{
    const auto says = [](const std::string& text, const std::string& what) {
        const auto errors = errors_of(text);
        EXPECT_NE(errors.find("not built yet: " + what + '\n'), std::string::npos)
            << text << errors;
        EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
    };
    says(minimal + "admin: { tls: { certificate: f } }\n", "tls");
    says(minimal + "store: { kind: etcd }\n", "kind: etcd");
    says(minimal + "store: { kind: kubernetes }\n", "kind: kubernetes");
}

TEST(Config, P4P5DedupIsAutoOrOffOrContentOrAHeaderOnASharedBackplane)
{
    const auto dedup_of = [](const std::string& value) {
        return must_parse(with_brokers("backplane: shared") + "switch: { dedup: " + value + " }\n")
            .switching.dedup;
    };
    EXPECT_EQ(dedup_of("off"), dedup_config{});
    EXPECT_EQ(dedup_of("auto"), (dedup_config{dedup_by::automatic, ""}));
    EXPECT_EQ(
        must_parse(with_brokers("backplane: shared")).switching.dedup,
        (dedup_config{dedup_by::automatic, ""}))
        << "the default there";
    EXPECT_EQ(
        must_parse(minimal + "switch: { dedup: auto }\n").switching.dedup,
        (dedup_config{dedup_by::automatic, ""}))
        << "each switch finds out whether it is shared";
    EXPECT_EQ(
        must_parse(with_brokers("backplane: separate") + "switch: { dedup: auto }\n").switching.dedup,
        dedup_config{});
    EXPECT_EQ(dedup_of("content"), (dedup_config{dedup_by::content, ""}));
    EXPECT_EQ(dedup_of("\"header x-id\""), (dedup_config{dedup_by::header, "x-id"}));
    EXPECT_EQ(dedup_of("header JMSMessageID").header, "JMSMessageID");
}

TEST(Config, P4DedupSaysWhatIsWrongAndWhere)
{
    const auto error_of = [](const std::string& value) {
        return errors_of(with_brokers("backplane: shared") + "switch: { dedup: " + value + " }\n");
    };
    const std::string place = "teal.yaml:11:18: switch.dedup: ";
    EXPECT_EQ(
        error_of("on"), place + "'on' is not allowed: must be auto, off, content or \"header NAME\"\n");
    EXPECT_EQ(
        error_of("header"),
        place + "'header' is not allowed: must be auto, off, content or \"header NAME\"\n");
    EXPECT_EQ(error_of("header x id"), place + "'x id' is no name of a header\n");
    EXPECT_EQ(error_of("\"header \""), place + "'' is no name of a header\n");
    EXPECT_EQ(
        error_of("header message-id"), place + "the header 'message-id' is no key of a message\n");
    EXPECT_EQ(
        error_of("header content-length"),
        place + "the header 'content-length' is no key of a message\n");
    EXPECT_EQ(
        errors_beside_minimal("  backplane: separate\nswitch: { dedup: content }\n"),
        "teal.yaml:11:18: switch.dedup: needs brokers.backplane: shared or auto; otherwise no message "
        "comes twice\n");
}

TEST(Config, BadValueNamesKeyAndWhatIsAllowed)
{
    EXPECT_EQ(
        errors_beside_minimal("switch: { hold_timeout: 2 }\n"),
        "teal.yaml:10:25: switch.hold_timeout: '2' is not allowed: must be a duration from 10ms to "
        "1h, like "
        "500ms, 30s, 5m\n");
    EXPECT_EQ(
        errors_beside_minimal("limits: { headers: 7 }\n"),
        "teal.yaml:10:20: limits.headers: '7' is not allowed: must be a number from 8 to 10000\n");
    EXPECT_EQ(
        errors_beside_minimal("limits: { client_outbox: 1KiB }\n"),
        "teal.yaml:10:26: limits.client_outbox: '1KiB' is not allowed: must be a size from 16KiB "
        "to 1GiB, like "
        "512B, 64KiB, 4MiB\n");
    EXPECT_EQ(
        errors_of(with_brokers("connect_rate: 500")),
        "teal.yaml:10:17: brokers.connect_rate: '500' is not allowed: must be a rate from 1/s to "
        "1000000/s, like "
        "500/s\n");
    EXPECT_EQ(
        errors_beside_minimal("initial_color: red\n"),
        "teal.yaml:10:16: initial_color: 'red' is not allowed: must be blue or green\n");
    EXPECT_EQ(
        errors_beside_minimal("threads: 0\n"),
        "teal.yaml:10:10: threads: '0' is not allowed: must be auto, or a number from 1 to 1024\n");
}

TEST(Config, ValueOfTheWrongShapeIsAnError)
{
    EXPECT_EQ(
        errors_beside_minimal("threads: [1]\n"), "teal.yaml:10:1: threads: must be one value\n");
    EXPECT_EQ(errors_beside_minimal("threads:\n"), "teal.yaml:10:1: threads: needs a value\n");
    EXPECT_EQ(errors_beside_minimal("log: info\n"), "teal.yaml:10:6: log: must be a map of keys\n");
    EXPECT_EQ(
        errors_of(with_brokers("broadcast: /topic/**")),
        "teal.yaml:10:14: brokers.broadcast: must be a list\n");
    EXPECT_EQ(
        errors_of(with_listener("reuse_port: yes")),
        "teal.yaml:3:17: listeners[0].reuse_port: 'yes' is not allowed: must be true or false\n");
}

TEST(Config, SectionWithoutKeysIsTheDefault)
{
    EXPECT_EQ(must_parse(minimal + "limits:\nswitch:\nlog: {}\n"), must_parse(minimal));
}

TEST(Config, TwoListenersCannotBindTheSame)
{
    const auto two = [](const std::string& bind) {
        return errors_of(
            "listeners: [{ bind: '" + bind + "' }, { bind: '" + bind + "' }]\n" +
            minimal.substr(minimal.find("brokers:")));
    };
    EXPECT_EQ(
        two("127.0.0.1:8080"),
        "teal.yaml:1:49: listeners[1].bind: 127.0.0.1:8080 is bound by another listener\n");
    EXPECT_NE(two("unix:/run/a").find("is bound by another listener"), std::string::npos);
    EXPECT_EQ(two("127.0.0.1:0"), "");
}

TEST(Config, AdminCannotBindWhatAListenerBinds)
{
    EXPECT_EQ(
        errors_beside_minimal("admin: { bind: 127.0.0.1:8080 }\n"),
        "teal.yaml:10:16: admin.bind: 127.0.0.1:8080 is bound by a listener\n");
}

TEST(Config, AdminNeedsTokensUnlessItIsLocal)
{
    const auto bind = [](const std::string& at) {
        return errors_beside_minimal("admin: { bind: '" + at + "' }\n");
    };
    EXPECT_EQ(bind("127.1.2.3:1"), "");
    EXPECT_EQ(bind("[::1]:1"), "");
    EXPECT_EQ(bind("localhost:1"), "");
    EXPECT_EQ(bind("unix:/run/teal.sock"), "");
    for (const auto* at :
         {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.evil.example.com:1", "127.0.0.1.evil:1"}) {
        EXPECT_NE(bind(at).find("admin.bind: tokens_file is needed"), std::string::npos) << at;
    }
}

TEST(Config, FilesItNamesMustBeReadable)
{
    EXPECT_EQ(
        errors_beside_minimal("admin: { tokens_file: no/such/file }\n"),
        "teal.yaml:10:23: admin.tokens_file: 'no/such/file' cannot be read\n");
    const scratch dir;
    EXPECT_NE(
        errors_beside_minimal("admin: { tokens_file: " + dir.path("") + " }\n")
            .find("cannot be read"),
        std::string::npos);
}

TEST(Config, EndpointIsInAColorOnce)
{
    EXPECT_EQ(
        errors_of(minimal + "      - stomp://127.0.0.1:61713\n"),
        "teal.yaml:10:9: brokers.green.endpoints[1]: stomp://127.0.0.1:61713 is in this color "
        "twice\n");
    EXPECT_EQ(
        errors_of(
            minimal +
            "      - { url: stomp://b:1, name: x }\n      - { url: stomp://c:1, name: x }\n"),
        "teal.yaml:11:9: brokers.green.endpoints[2]: the name x is in this color twice\n");
    // The same endpoint in both colors is allowed: two virtual hosts of one broker, or a rehearsal.
    EXPECT_EQ(errors_of(minimal + "      - stomp://127.0.0.1:61613\n"), "");
}

TEST(Config, EndpointsAreChecked)
{
    for (const auto* url :
         {"stomp://", "stomp://h", "stomp://h:0", "stomp://h:65536", "stomp://h:1/path",
          "stomp://user:pass@h:1", "ws://h:1/a b", "ws://h:1/a?b", "stomp://h h:1", "//h:1",
          "h:1"}) {
        EXPECT_FALSE(parse_endpoint_url(url)) << url;
    }
    EXPECT_EQ(parse_endpoint_url("ws://h:1")->path, "/");
    EXPECT_EQ(
        errors_of(minimal + "      - { weight: 1 }\n"),
        "teal.yaml:10:9: brokers.green.endpoints[1].url: is needed\n");
    EXPECT_EQ(
        errors_of(minimal + "      - { url: stomp://b:1, name: a/b }\n"),
        "teal.yaml:10:35: brokers.green.endpoints[1].name: 'a/b' is not allowed: must be 1 to 64 "
        "letters, "
        "digits, '.', '_' or '-'\n");
}

TEST(Config, OriginsAndForwardedHeadersAreChecked)
{
    EXPECT_EQ(
        errors_of(with_listener("allowed_origins: [\"https://a.example\", \"http://b:8080\"]")),
        "");
    EXPECT_NE(
        errors_of(with_listener("allowed_origins: [\"a.example\"]"))
            .find("listeners[0].allowed_origins"),
        std::string::npos);
    for (const auto* origin :
         {"null", "*", "capacitor://localhost", "chrome-extension://abcdef", "file://", "app://-",
          "vscode-webview://1a2b", "https://*.example.com:8443", "moz-extension+x.y://id"}) {
        EXPECT_EQ(
            errors_of(with_listener("allowed_origins: [\"" + std::string{origin} + "\"]")), "");
    }
    for (const auto* origin :
         {"", "NULL", "https://", "http://", "://a", "1a://b", "https://a/", "https://a b", "a:b"}) {
        EXPECT_NE(
            errors_of(with_listener("allowed_origins: [\"" + std::string{origin} + "\"]")), "")
            << origin;
    }
    for (const auto* name : {"Host", "Sec-WebSocket-Key", "connection", "a b", "a:b"}) {
        EXPECT_NE(
            errors_of(with_listener("forward_headers: [\"" + std::string{name} + "\"]"))
                .find("cannot be forwarded"),
            std::string::npos)
            << name;
    }
}

TEST(Config, HealthSaysHowAWebSocketEndpointIsAsked)
{
    const auto errors = [](const std::string& health, const std::string& url = "ws://b:1/ws") {
        std::string text = minimal;
        const std::string before = "stomp://127.0.0.1:61613\n";
        text.replace(text.find(before), before.size(), url + "\n    health: { " + health + " }\n");
        return errors_of(text);
    };
    EXPECT_EQ(errors("headers: { Cookie: a=1, Origin: \"https://a\" }, path: /ready"), "");
    EXPECT_NE(
        errors("headers: { a: secret }", "stomp://b:1").find("needs a ws:// or wss:// endpoint"),
        std::string::npos);
    EXPECT_NE(errors("path: /up", "stomp://b:1").find("needs a ws:// or wss:// endpoint"), std::string::npos);
    for (const auto* headers :
         {"[a]", "a", "{ a: [secret] }", "{ a: \"secret\\r\\nb: c\" }", "{ Host: secret }",
          "{ expect: secret }", "{ Sec-WebSocket-Key: secret }", "{ \"a b\": secret }",
          "{ \"\": secret }"}) {
        const auto said = errors("headers: " + std::string{headers});
        EXPECT_NE(said.find("brokers.blue.health.headers"), std::string::npos) << headers << said;
        EXPECT_EQ(said.find("secret"), std::string::npos) << said;
    }
    for (const auto* path : {"up", "/a?b", "/a#b", "/a b"}) {
        EXPECT_NE(
            errors("path: \"" + std::string{path} + "\"").find("must begin with /"),
            std::string::npos)
            << path;
    }
}

TEST(Config, N4_PathIsOneOrSeveral)
{
    const auto paths = [](const std::string& value) {
        const auto c = parse_config(with_listener("path: " + value), "teal.yaml");
        return c.has_error() ? std::vector<std::string>{} : c->listeners[0].paths;
    };
    EXPECT_EQ(paths("/ws"), std::vector<std::string>{"/ws"});
    EXPECT_EQ(paths("[/ws, /stomp/websocket]"), (std::vector<std::string>{"/ws", "/stomp/websocket"}));
    for (const auto* value : {"[]", "ws", "[/ws, stomp]", "[/a?b]", "{ a: b }", "[[/ws]]"}) {
        EXPECT_TRUE(paths(value).empty()) << value;
    }
}

TEST(Config, N5_TrustedProxiesAreAddresses)
{
    EXPECT_EQ(errors_of(with_listener("trusted_proxies: [10.0.0.0/8, \"fd00::/8\", unix]")), "");
    for (const auto* value : {"[proxy.example.com]", "[10.0.0.0/33]", "[\"*\"]", "10.0.0.0/8"}) {
        EXPECT_NE(
            errors_of(with_listener("trusted_proxies: " + std::string{value}))
                .find("listeners[0].trusted_proxies"),
            std::string::npos)
            << value;
    }
}

TEST(Config, N8_WhoMayProxyIsNamedWhereOthersCanConnect)
{
    const auto parsed = [](const std::string& bind, const std::string& keys) {
        return errors_of(
            "listeners:\n  - bind: " + bind + "\n    " + keys + "\n" +
            minimal.substr(minimal.find("brokers:")));
    };
    for (const auto* word : {"true", "any", "v1", "v2"}) {
        const auto key = "proxy_protocol: " + std::string{word};
        EXPECT_EQ(parsed("127.0.0.1:1", key), "") << word;
        EXPECT_EQ(parsed("unix:/run/s", key), "") << word;
        EXPECT_EQ(parsed("0.0.0.0:1", key + "\n    trusted_proxies: [10.0.0.0/8]"), "") << word;
        EXPECT_EQ(
            parsed("0.0.0.0:1", key),
            "teal.yaml:3:21: listeners[0].proxy_protocol: trusted_proxies is needed, which names who "
            "may say where clients come from, unless bind is a loopback address or a unix socket\n");
    }
    EXPECT_EQ(parsed("0.0.0.0:1", "proxy_protocol: off"), "");
    EXPECT_NE(
        parsed("127.0.0.1:1", "proxy_protocol: v3").find("'v3' is not allowed: must be "),
        std::string::npos);
    listener_config at;
    at.bind = {"127.0.0.1", 1, {}, "127.0.0.1:1"};
    EXPECT_TRUE(may_proxy(at, "127.0.0.1:5"));
    at.bind.host = "0.0.0.0";
    EXPECT_FALSE(may_proxy(at, "127.0.0.1:5"));
    at.trusted_proxies = {*net::parse_address_range("10.0.0.0/8")};
    EXPECT_TRUE(may_proxy(at, "10.1.2.3:5"));
    EXPECT_FALSE(may_proxy(at, "127.0.0.1:5"));
    EXPECT_FALSE(may_proxy(at, "unix"));
}

TEST(Config, N10_PlainStompHasNoKeysOfAHandshake)
{
    for (const auto* key :
         {"path: /ws", "allowed_origins: [\"*\"]", "frames: text", "forward_headers: [Cookie]",
          "sockjs: true", "sockjs_path: /s", "cookie_needed: true"}) {
        const std::string text{key};
        EXPECT_NE(
            errors_of(with_listener("protocol: stomp\n    " + text))
                .find(
                    "listeners[0]." + text.substr(0, text.find(':')) +
                    ": is for protocol: websocket; plain STOMP has no handshake and no messages\n"),
            std::string::npos)
            << key;
    }
    EXPECT_NE(
        errors_of(with_listener("protocol: stomp\n    trusted_proxies: [unix]"))
            .find("trusted_proxies: says nothing with protocol: stomp and without proxy_protocol"),
        std::string::npos);
    EXPECT_EQ(errors_of(with_listener("protocol: stomp")), "");
    EXPECT_NE(
        errors_of(with_listener("protocol: mqtt")).find("must be websocket or stomp"),
        std::string::npos);
}

TEST(Config, N11_SockJsIsBeneathEachPathOrWhereItIsSaid)
{
    const auto paths = [](const std::string& text) {
        const auto c = parse_config(with_listener(text), "teal.yaml");
        EXPECT_TRUE(c) << errors_of(with_listener(text));
        return c ? c->listeners[0].sockjs_paths : std::vector<std::string>{};
    };
    using names = std::vector<std::string>;
    EXPECT_EQ(paths("path: /ws"), names{});
    EXPECT_EQ(paths("sockjs: false"), names{});
    EXPECT_EQ(paths("sockjs: true"), names{"/ws"});
    EXPECT_EQ(paths("sockjs: true\n    path: [/a/, /]"), (names{"/a", ""}));
    EXPECT_EQ(paths("sockjs_path: /s/"), names{"/s"});
    EXPECT_EQ(paths("sockjs: true\n    sockjs_path: [/s, /t]\n    cookie_needed: true"), (names{"/s", "/t"}));
    EXPECT_EQ(errors_of(with_listener("sockjs: true\n    cookie_needed: true")), "");
    for (const auto* wrong : {"sockjs: maybe", "sockjs_path: s", "sockjs_path: []", "cookie_needed: true",
                              "sockjs: false\n    sockjs_path: /s"}) {
        EXPECT_NE(errors_of(with_listener(wrong)), "") << wrong;
    }
}

TEST(Config, N9_AUnixSocketsFileMayHaveAModeAndAnOwner)
{
    const auto parsed = [](const std::string& bind, const std::string& key) {
        return errors_of(
            "listeners: [{ bind: \"" + bind + "\", " + key + " }]\n" +
            minimal.substr(minimal.find("brokers:")));
    };
    for (const auto* key : {"mode: 0660", "mode: 660", "owner: root", "owner: 0", "group: root"}) {
        EXPECT_EQ(parsed("unix:/run/s", key), "") << key;
        EXPECT_NE(parsed("127.0.0.1:1", key).find("is for a unix socket (bind: unix:PATH)"), std::string::npos)
            << key;
    }
    for (const auto* key :
         {"mode: 0880", "mode: 1777", "mode: rw", "mode: 06600", "mode: 6", "owner: no-such-user",
          "group: no-such-group", "owner: 4294967295", "owner: -1"}) {
        EXPECT_NE(parsed("unix:/run/s", key).find(" is not allowed: must be "), std::string::npos) << key;
    }
}

TEST(Config, A14_AdminBindIsOneAddressOrAList)
{
    const auto errors = [](const std::string& admin) {
        return errors_of(minimal + "admin: { " + admin + " }\n");
    };
    EXPECT_EQ(errors("bind: [unix:/a, 127.0.0.1:9]"), "");
    EXPECT_NE(errors("bind: []").find("admin.bind: must be 1 to 8 addresses"), std::string::npos);
    EXPECT_NE(
        errors("bind: [unix:/a, unix:/a]").find("unix:/a stands there twice"), std::string::npos);
    EXPECT_NE(
        errors("bind: [unix:/a, 127.0.0.1:8080]").find("127.0.0.1:8080 is bound by a listener"),
        std::string::npos);
    EXPECT_NE(
        errors("bind: [unix:/a, 0.0.0.0:9]").find("tokens_file is needed"), std::string::npos);
    EXPECT_NE(errors("bind: [here]").find("must be HOST:PORT or unix:PATH"), std::string::npos);
    EXPECT_NE(errors("mode: 0660").find("admin.mode: is for a unix socket"), std::string::npos);
    EXPECT_NE(
        errors("open_metrics: true").find("says nothing without tokens_file"), std::string::npos);
}

TEST(Config, A12_AWarningSaysThatTheClientsCannotLeaveInTime)
{
    using sentences = std::vector<std::string>;
    EXPECT_EQ(
        warnings_of(must_parse(minimal)),
        (sentences{"drain.timeout: 1m is too short for 100000 clients (limits.clients): at "
                   "drain.pace 500/s "
                   "they take 200s, and who is left at the end is closed at once"}));
    EXPECT_EQ(warnings_of(must_parse(minimal + "limits: { clients: 30000 }\n")), sentences{})
        << "60 s";
    EXPECT_EQ(warnings_of(must_parse(minimal + "limits: { clients: 30001 }\n")).size(), 1U);
    EXPECT_EQ(
        warnings_of(must_parse(minimal + "drain: { pace: 10000/s, timeout: 10s }\n")), sentences{});
}

TEST(Config, LimitsFitTogether)
{
    EXPECT_EQ(
        errors_beside_minimal("limits: { frame: 32KiB }\n"),
        "teal.yaml:10:1: limits.frame_before_connect: is larger than limits.frame\n");
}

TEST(Config, MessageIsOneLineWhateverTheFileHolds)
{
    const auto errors = errors_beside_minimal("\"a\\nb\\e[31m\": 1\nthreads: \"1\\n2\"\n");
    EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 2) << errors;
    EXPECT_EQ(errors.find('\x1b'), std::string::npos);
}

TEST(Config, LoadsAFileAndSaysWhenItCannot)
{
    const scratch dir;
    const auto file = dir.write("teal.yaml", minimal);
    const auto good = load_config(file);
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(good->store.path, dir.path("teal.state"));
    const auto missing = load_config(dir.path("none.yaml"));
    ASSERT_TRUE(missing.has_error());
    EXPECT_EQ(missing.error()[0].sentence, "cannot be read");
    EXPECT_TRUE(load_config(dir.path("")).has_error());
}

TEST(ConfigValue, UnitsAreRead)
{
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("0"), 0ms);
    EXPECT_EQ(parse_size("512B"), 512U);
    EXPECT_EQ(parse_size("64KiB"), 65'536U);
    EXPECT_EQ(parse_size("4MiB"), 4'194'304U);
    EXPECT_EQ(parse_size("1GiB"), 1'073'741'824U);
    EXPECT_EQ(parse_rate("500/s"), 500U);
    EXPECT_EQ(parse_percent("25%"), 25U);
    EXPECT_EQ(parse_memory_mark("2GiB"), (memory_mark{std::size_t{2} << 30, 0}));
    EXPECT_EQ(parse_memory_mark("25%"), (memory_mark{0, 25}));
}

TEST(ConfigValue, WhatIsNoUnitIsRefused)
{
    for (const auto* text :
         {"", "s", "5", "5 s", "-5s", "+5s", "5S", "1.s", ".5s", "0.5ms", "5s ", "99999999999999999999s",
          "9223372036854775807h"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
    for (const auto* text : {"", "4", "4MB", "4k", "-1KiB", "0x10B", "99999999999GiB"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
    for (const auto* text : {"", "500", "500/m", "/s", "4294967296/s"}) {
        EXPECT_FALSE(parse_rate(text)) << text;
    }
    EXPECT_FALSE(parse_percent("101%"));
    EXPECT_FALSE(parse_memory_mark("0%"));
}

TEST(ConfigValue, FailureAllowanceIsANumberOrAPercentage)
{
    EXPECT_EQ(control::failure_limit_from("5")->allowed(1000), 5U);
    EXPECT_EQ(control::failure_limit_from("0")->allowed(1000), 0U);
    EXPECT_EQ(control::failure_limit_from("0.5%")->allowed(1000), 5U);
    EXPECT_EQ(control::failure_limit_from("100%")->allowed(1000), 1000U);
    for (const auto* text : {"", "%", "-1", "101%", "inf%", "1e1%", ".5%", "5.%", "1.2.3%", "x"}) {
        EXPECT_FALSE(control::failure_limit_from(text)) << text;
    }
}

TEST(ConfigValue, AddressesAreRead)
{
    EXPECT_EQ(*parse_bind("[::1]:80"), (bind_address{"::1", 80, "", "[::1]:80"}));
    EXPECT_EQ(*parse_bind("unix:a.sock"), (bind_address{"", 0, "a.sock", "unix:a.sock"}));
    for (const auto* text :
         {"", ":80", "80", "h:", "h:x", "h:65536", "::1:80", "[::1]", "[::1]80",
          "unix:", "h:00080 "}) {
        EXPECT_FALSE(parse_bind(text)) << text;
    }
    EXPECT_FALSE(parse_bind("unix:/" + std::string(107, 'x')));
}

TEST(ConfigValue, WhatItWritesItReads)
{
    for (const auto value : {0ms, 1ms, 1'000ms, 1'500ms, 60'000ms, 90'000ms, 3'600'000ms}) {
        EXPECT_EQ(parse_duration(text_of(value)), value);
    }
    for (const std::size_t bytes : {0UL, 1UL, 1024UL, 1536UL, 1UL << 20, 3UL << 30}) {
        EXPECT_EQ(parse_size(text_of_size(bytes)), bytes);
    }
}

} // namespace
} // namespace gateway
