#include "control/cli/tables.hpp"

#include "control/record/json.hpp"
#include "control/record/plain_text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace cli {

namespace {

using boost::json::object;
using rows = std::vector<std::vector<std::string>>;

std::string emphasized(const std::string& text, const char* escape, bool colors)
{
    return colors ? std::string(escape) + text + "\x1b[0m" : text;
}

const boost::json::array& array_at(const object& from, std::string_view key)
{
    static const boost::json::array empty;
    const auto* found = from.if_contains(key);
    return found != nullptr ? found->as_array() : empty; // throws where it is another type
}

void add_pools(rows& table, const object& pools)
{
    for (const auto& [color, value] : pools) {
        if (!value.is_object()) {
            continue;
        }
        for (const auto& one : array_at(value.as_object(), "endpoints")) {
            const auto& endpoint = one.as_object();
            const std::string health = text_at(endpoint, "healthy") == "true" ? "healthy" : "down";
            const bool drained = text_at(endpoint, "draining") == "true";
            const std::string state = !drained           ? health
                                      : health == "down" ? "draining, down"
                                                         : "draining";
            table.push_back(
                {control::printable(color), text_at(endpoint, "name"), text_at(endpoint, "url"), state,
                 text_at(endpoint, "links"), text_at(endpoint, "sessions"),
                 text_at(endpoint, "last_error")});
        }
    }
}

constexpr std::size_t columns = 80, indent = 12;

std::vector<std::string> words_of(const std::string& text)
{
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

// `  name      words`, folded where a terminal of 80 columns would fold it in a word.
void print_folded(
    std::ostream& out, const std::string& name, const std::vector<std::string>& words,
    const std::string& gap)
{
    std::string line = "  " + name;
    line.resize(std::max(indent, line.size() + 1), ' ');
    bool first = true;
    for (const auto& word : words) {
        const auto width = control::characters_in(line) + control::characters_in(gap + word);
        if (!first && width > columns) {
            out << line << '\n';
            line.assign(indent, ' ');
            first = true;
        }
        line += (first ? "" : gap) + word;
        first = false;
    }
    out << line << '\n';
}

// By cause, the commonest first, with the first sessions of each; one by one where no cause is known.
void print_failures(std::ostream& out, const object& report)
{
    const auto& causes = array_at(report, "causes");
    for (const auto& cause : causes) {
        const auto& one = cause.as_object();
        const auto sessions = text_at(one, "sessions");
        auto words = words_of(
            sessions + (sessions == "1" ? " session: " : " sessions: ") + text_at(one, "error"));
        std::string first;
        for (const auto& session : array_at(one, "first")) {
            first += (first.empty() ? "" : ", ") + control::printable(std::string(session.as_string()));
        }
        words.push_back(first.empty() ? "" : "(" + first + ")");
        print_folded(out, "cause", words, " ");
    }
    if (!causes.empty()) {
        return;
    }
    for (const auto& failure : array_at(report, "failures")) {
        const auto& one = failure.as_object();
        print_folded(
            out, "failed",
            {text_at(one, "session"), text_at(one, "endpoint"), text_at(one, "error")}, "  ");
    }
}

} // namespace

std::string text_at(const object& from, std::string_view path)
{
    const auto dot = path.find('.');
    const auto* found = from.if_contains(path.substr(0, dot));
    if (found == nullptr || found->is_null()) {
        return "";
    }
    if (dot != std::string_view::npos) {
        return found->is_object() ? text_at(found->get_object(), path.substr(dot + 1)) : "";
    }
    // A peer, a login or a broker's error is somebody else's text: nothing of it drives the terminal.
    return control::printable(
        found->is_string() ? std::string(found->get_string()) : control::to_text(*found));
}

void print_columns(std::ostream& out, const rows& table, bool colors)
{
    std::vector<std::size_t> widths;
    for (const auto& row : table) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], control::characters_in(row[i]));
        }
    }
    bool head = true;
    for (const auto& row : table) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - control::characters_in(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out << (head ? emphasized(line, "\x1b[1m", colors) : line) << '\n';
        head = false;
    }
}

void print_check(std::ostream& out, const object& status)
{
    std::string health = text_at(status, "health");
    std::ranges::transform(health, health.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    std::string text;
    for (const auto& one : array_at(status, "sentences")) {
        text += (text.empty() ? "" : "; ") + control::printable(std::string(one.as_string()));
    }
    if (text.empty()) {
        text = "live " + text_at(status, "live") + ", epoch " + text_at(status, "epoch") + ", " +
               text_at(status, "clients") + " clients";
    }
    out << "TEAL " << health << ": " << text << '\n';
}

void print_status(std::ostream& out, const object& status, bool colors)
{
    const auto live = text_at(status, "live");
    out << "live " << emphasized(live, live == "blue" ? "\x1b[1;34m" : "\x1b[1;32m", colors)
        << ", epoch " << text_at(status, "epoch") << ", " << text_at(status, "clients")
        << " clients\n";
    if (const auto health = text_at(status, "health"); !health.empty() && health != "ok") {
        out << emphasized(health, health == "down" ? "\x1b[1;31m" : "\x1b[1;33m", colors) << '\n';
        for (const auto& one : array_at(status, "sentences")) {
            out << "  " << control::printable(std::string(one.as_string())) << '\n';
        }
    }
    if (const auto id = text_at(status, "switch.id"); !id.empty()) {
        out << "switch " << id << " to " << text_at(status, "switch.to") << ": "
            << text_at(status, "switch.phase") << '\n';
    }
    if (const auto* sessions = status.if_contains("sessions");
        sessions != nullptr && sessions->is_object()) {
        out << "sessions";
        for (const auto& [state, count] : sessions->get_object()) {
            if (control::to_text(count) != "0") {
                out << "  " << control::printable(state) << ' '
                    << control::printable(control::to_text(count));
            }
        }
        out << '\n';
    }
    if (const auto* pools = status.if_contains("pools"); pools != nullptr && pools->is_object()) {
        print_pools(out, pools->get_object(), colors);
    }
}

void print_pools(std::ostream& out, const object& pools, bool colors)
{
    rows table{{"COLOR", "ENDPOINT", "URL", "STATE", "LINKS", "SESSIONS", "ERROR"}};
    add_pools(table, pools);
    print_columns(out, table, colors);
}

void print_report(std::ostream& out, const object& report, bool colors)
{
    const auto result = text_at(report, "result");
    const bool good = result == "switched" || result == "would_switch";
    out << "switch " << text_at(report, "id") << "  " << text_at(report, "from") << " -> "
        << text_at(report, "to") << "  "
        << emphasized(
               result.empty() ? text_at(report, "phase") : result,
               good ? "\x1b[1;32m" : "\x1b[1;31m", colors)
        << "  epoch " << text_at(report, "epoch") << "  " << text_at(report, "duration_ms")
        << " ms\n";
    for (const auto* field : {"detail", "started", "who", "reason"}) {
        if (const auto text = text_at(report, field); !text.empty()) {
            print_folded(out, field, words_of(text), " ");
        }
    }
    const auto line = [&](const char* name, std::string_view group,
                          std::initializer_list<std::string_view> fields) {
        std::vector<std::string> numbers;
        for (const auto field : fields) {
            numbers.push_back(
                std::string(field) + " " +
                text_at(report, std::string(group) + "." + std::string(field)));
        }
        print_folded(out, name, numbers, "  ");
    };
    line("sessions", "sessions", {"total", "ready", "moved", "pinned", "failed", "gone"});
    line("held ms", "held_ms", {"p50", "p99", "max"});
    line(
        "sends", "sends",
        {"accepted", "confirmed", "unconfirmed", "open", "held", "refused", "in_doubt"});
    line(
        "seams", "seams",
        {"total", "joined", "forced", "best_effort", "late", "foreign_late", "gaps"});
    if (const auto ms = text_at(report, "overlap.ms"); !ms.empty() && ms != "0") {
        line("overlap", "overlap", {"ms", "seams", "delivered", "twins", "still_coming"});
    }
    print_folded(out, "backplane", {text_at(report, "backplane")}, " ");
    print_folded(out, "fence", words_of(text_at(report, "fence")), " ");
    const bool drained = text_at(report, "drain.done") == "true";
    print_folded(
        out, "drain", {drained ? "done, " + text_at(report, "drain.ms") + " ms" : "goes on"}, " ");
    for (const auto& sentence : array_at(report, "counted")) {
        print_folded(
            out, "counted", words_of(control::printable(std::string(sentence.as_string()))), " ");
    }
    print_failures(out, report);
}

void print_history(std::ostream& out, const object& history, bool colors)
{
    rows table{
        {"ID", "STARTED", "FROM", "TO", "RESULT", "PHASE", "EPOCH", "MS", "MOVED", "FAILED",
         "COUNTED", "REASON"}};
    for (const auto& one : array_at(history, "switches")) {
        const auto& report = one.as_object();
        const auto result = text_at(report, "result");
        table.push_back(
            {text_at(report, "id"), text_at(report, "started"), text_at(report, "from"),
             text_at(report, "to"), result.empty() ? "-" : result, text_at(report, "phase"),
             text_at(report, "epoch"), text_at(report, "duration_ms"),
             text_at(report, "sessions.moved"), text_at(report, "sessions.failed"),
             std::to_string(array_at(report, "counted").size()), text_at(report, "reason")});
    }
    print_columns(out, table, colors);
}

void print_sessions(std::ostream& out, const object& sessions, bool colors)
{
    rows table{
        {"ID", "PEER", "LOGIN", "STATE", "COLOR", "ENDPOINT", "SUBSCRIPTIONS", "IN", "OUT", "AGE S",
         "HELD MS", "RATE"}};
    for (const auto& row : array_at(sessions, "sessions")) {
        std::vector<std::string> cells;
        for (const auto* field :
             {"id", "peer", "login", "state", "color", "endpoint", "subscriptions", "frames_in",
              "frames_out", "age_s", "held_ms", "rate"}) {
            cells.push_back(text_at(row.as_object(), field));
        }
        table.push_back(std::move(cells));
    }
    print_columns(out, table, colors);
    out << array_at(sessions, "sessions").size() << " of " << text_at(sessions, "total") << '\n';
}

} // namespace cli
