#include "control/store/file_store.hpp"

#include "control/store/file_lock.hpp"
#include "control/record/json.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace control {

// The string says what is wrong with it.
static std::variant<stored_state, std::string> read_state(const std::string& line);

namespace {

constexpr std::size_t state_bytes_max = 4096;
// The largest number that every reader of JSON holds exactly. One more switch must still be
// counted.
constexpr std::uint64_t number_max = (std::uint64_t{1} << 53) - 2;

std::string folder_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Writes a file that must not be there yet, and syncs it. False: `why` names the step.
bool write_new_file(const std::string& path, const std::string& line, std::string& why)
{
    const auto failed_at = [&](const char* step) {
        why = std::string(step) + ": " + std::strerror(errno);
        return false;
    };
    const descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.open()) {
        return failed_at("open");
    }
    if (::write(file.number(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        return failed_at("write");
    }
    return ::fsync(file.number()) == 0 || failed_at("fsync");
}

// Before the rename nothing has changed; after it only the directory's fsync is open, so a failure
// there is `unknown`.
write_result replace(const std::string& path, const std::string& line, std::string& why)
{
    // Whatever lies there (a rest of a crash, a link, a FIFO) is nobody's and goes.
    const std::string temporary = path + ".new";
    ::unlink(temporary.c_str());
    if (!write_new_file(temporary, line, why)) {
        return write_result::failed;
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        why = std::string("rename: ") + std::strerror(errno);
        return write_result::failed;
    }
    const descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open() || ::fsync(folder.number()) != 0) {
        why = std::string("fsync of the directory: ") + std::strerror(errno);
        return write_result::unknown;
    }
    return write_result::written;
}

struct read_outcome {
    bool absent = false;
    std::optional<stored_state> state;
    std::string why;
};

// The kind of a path that is not a regular file.
const char* kind_of(mode_t mode) noexcept
{
    return S_ISLNK(mode)   ? "a symbolic link, which a write would replace: name the file itself"
           : S_ISDIR(mode) ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

read_outcome read_file(const std::string& path)
{
    struct stat what{};
    if (::lstat(path.c_str(), &what) != 0) {
        return {errno == ENOENT, std::nullopt, std::strerror(errno)};
    }
    // O_NONBLOCK: a FIFO that took the file's place meanwhile would keep us for ever.
    const descriptor file(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (S_ISREG(what.st_mode) && (!file.open() || ::fstat(file.number(), &what) != 0)) {
        return {errno == ENOENT, std::nullopt, std::strerror(errno)};
    }
    if (!S_ISREG(what.st_mode)) {
        return {false, std::nullopt, std::string("it is ") + kind_of(what.st_mode)};
    }
    if (what.st_size > static_cast<off_t>(state_bytes_max)) {
        return {
            false, std::nullopt,
            "it has " + std::to_string(what.st_size) + " bytes, a state file has at most " +
                std::to_string(state_bytes_max)};
    }
    std::string text(state_bytes_max, '\0');
    const ssize_t got = ::read(file.number(), text.data(), text.size());
    if (got < 0) {
        return {false, std::nullopt, std::strerror(errno)};
    }
    text.resize(static_cast<std::size_t>(got));
    auto read = read_state(text);
    if (auto* why = std::get_if<std::string>(&read)) {
        return {false, std::nullopt, *why};
    }
    return {false, std::get<stored_state>(read), ""};
}

class file_store final : public store {
public:
    file_store(std::string path, file_lock lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    void write(const stored_state& state, std::function<void(write_result)> done) override
    {
        std::string why;
        const auto result = replace(path_, to_line(state), why);
        trouble_ = why.empty() ? "" : path_ + ": " + why;
        done(result); // C7: whatever went wrong, what the file holds is read before anything is decided
    }
    std::string trouble() const override { return trouble_; }
    void read(std::function<void(std::optional<stored_state>)> done) override
    {
        done(read_file(path_).state);
    }

private:
    std::string path_;
    std::string trouble_;
    file_lock lock_; // held as long as this process writes here
};

} // namespace

std::string try_file_store(const std::string& path)
{
    if (const auto found = read_file(path); !found.state && !found.absent) {
        return path + ": " + found.why;
    }
    const std::string trial = path + ".try";
    ::unlink(trial.c_str());
    std::string why;
    const bool good = write_new_file(trial, to_line({}), why);
    ::unlink(trial.c_str());
    return good ? "" : path + ": " + why;
}

std::string to_line(const stored_state& state)
{
    boost::json::object line;
    line["epoch"] = state.epoch;
    line["live"] = to_string(state.live);
    line["previous"] = state.previous ? boost::json::value(to_string(*state.previous)) : nullptr;
    line["last_switch"] = state.last_switch;
    return to_text(line) + "\n";
}

static std::variant<stored_state, std::string> read_state(const std::string& line)
{
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) {
        return std::string("it is empty");
    }
    boost::system::error_code error;
    const auto parsed = boost::json::parse(line, error);
    const auto* object = error ? nullptr : parsed.if_object();
    if (object == nullptr) {
        return std::string("it is not one whole JSON object, so not a state file of this program");
    }
    const auto number = [&](const char* key) {
        const auto* found = object->if_contains(key);
        boost::system::error_code bad;
        const auto value =
            found != nullptr && found->is_number() ? found->to_number<std::uint64_t>(bad) : 0;
        const bool fits = found != nullptr && found->is_number() && !bad && value <= number_max;
        return fits ? std::optional(value) : std::nullopt;
    };
    const auto color = [&](const char* key) -> std::optional<broker::color> {
        const auto* found = object->if_contains(key);
        return found != nullptr && found->is_string()
                   ? broker::color_from(std::string_view(found->get_string()))
                   : std::nullopt;
    };
    const auto epoch = number("epoch");
    const auto live = color("live");
    const auto last = number("last_switch");
    const auto* previous = object->if_contains("previous");
    const bool previous_fits = previous != nullptr && (previous->is_null() || color("previous"));
    const std::string range = " to " + std::to_string(number_max);
    if (!epoch || *epoch == 0) {
        return "its epoch is not a number of 1" + range;
    }
    if (!last) {
        return "its last_switch is not a number of 0" + range;
    }
    if (!live || !previous_fits) {
        return std::string(live ? "its previous is not null, blue or green"
                                : "its live is not blue or green");
    }
    return stored_state{*epoch, *live, color("previous"), *last};
}

std::optional<stored_state> stored_state_from(const std::string& line)
{
    auto read = read_state(line);
    auto* state = std::get_if<stored_state>(&read);
    return state != nullptr ? std::optional(*state) : std::nullopt;
}

std::variant<opened_store, std::string>
open_file_store(const std::string& path, broker::color initial)
{
    const auto wrong = [&](const std::string& why) { return "state file " + path + ": " + why; };
    // The path is checked first: a lock beside a path that is no state file helps nobody.
    if (auto found = read_file(path); !found.state && !found.absent) {
        return wrong(found.why);
    }
    auto locked = file_lock::take(path + ".lock");
    if (auto* why = std::get_if<std::string>(&locked)) {
        return wrong(*why);
    }
    auto found = read_file(path); // again: it is ours only from here on
    if (!found.state && !found.absent) {
        return wrong(found.why);
    }
    if (!found.state) {
        found.state = stored_state{1, initial, std::nullopt, 0};
        std::string why;
        if (replace(path, to_line(*found.state), why) != write_result::written) {
            return wrong(why);
        }
    }
    return opened_store{
        std::make_unique<file_store>(path, std::move(std::get<file_lock>(locked))), *found.state};
}

} // namespace control
