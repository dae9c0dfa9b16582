#include "control/store.hpp"

#include "control/json.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace control {

namespace {

constexpr std::size_t state_bytes_max = 4096;

class descriptor {
public:
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor()
    {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    int number() const noexcept { return number_; }
    bool open() const noexcept { return number_ >= 0; }

private:
    int number_;
};

std::string folder_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Before the rename nothing has changed; after it only the directory's fsync is open, so a failure
// there is `unknown`.
write_result replace(const std::string& path, const std::string& line, std::string& why)
{
    const auto failed_at = [&](const char* step) {
        why = std::string(step) + ": " + std::strerror(errno);
        return write_result::failed;
    };
    const std::string temporary = path + ".new";
    {
        const descriptor file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (!file.open()) {
            return failed_at("open");
        }
        if (::write(file.number(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            return failed_at("write");
        }
        if (::fsync(file.number()) != 0) {
            return failed_at("fsync");
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return failed_at("rename");
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

read_outcome read_file(const std::string& path)
{
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) {
        return {errno == ENOENT, std::nullopt, std::strerror(errno)};
    }
    std::string text(state_bytes_max, '\0');
    const ssize_t got = ::read(file.number(), text.data(), text.size());
    if (got < 0) {
        return {false, std::nullopt, std::strerror(errno)};
    }
    text.resize(static_cast<std::size_t>(got));
    auto state = stored_state_from(text);
    return {false, state, state ? "" : "not a state file of this program"};
}

class file_store final : public store {
public:
    explicit file_store(std::string path) : path_(std::move(path)) {}

    void write(const stored_state& state, std::function<void(write_result)> done) override
    {
        std::string
            why; // C7: whatever went wrong, what the file holds is read before anything is decided
        done(replace(path_, to_line(state), why));
    }
    void read(std::function<void(std::optional<stored_state>)> done) override
    {
        done(read_file(path_).state);
    }

private:
    std::string path_;
};

} // namespace

std::string to_line(const stored_state& state)
{
    boost::json::object line;
    line["epoch"] = state.epoch;
    line["live"] = to_string(state.live);
    line["previous"] = state.previous ? boost::json::value(to_string(*state.previous)) : nullptr;
    line["last_switch"] = state.last_switch;
    return to_text(line) + "\n";
}

std::optional<stored_state> stored_state_from(const std::string& line)
{
    boost::system::error_code error;
    const auto parsed = boost::json::parse(line, error);
    const auto* object = error ? nullptr : parsed.if_object();
    if (object == nullptr) {
        return std::nullopt;
    }
    const auto number = [&](const char* key) {
        const auto* found = object->if_contains(key);
        boost::system::error_code bad;
        const auto value =
            found != nullptr && found->is_number() ? found->to_number<std::uint64_t>(bad) : 0;
        return found != nullptr && found->is_number() && !bad ? std::optional(value) : std::nullopt;
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
    if (!epoch || *epoch == 0 || !live || !last || !previous_fits) {
        return std::nullopt;
    }
    return stored_state{*epoch, *live, color("previous"), *last};
}

std::variant<opened_store, std::string>
open_file_store(const std::string& path, broker::color initial)
{
    auto found = read_file(path);
    if (!found.state && !found.absent) {
        return "state file " + path + ": " + found.why;
    }
    if (!found.state) {
        found.state = stored_state{1, initial, std::nullopt, 0};
        std::string why;
        if (replace(path, to_line(*found.state), why) != write_result::written) {
            return "state file " + path + ": " + why;
        }
    }
    return opened_store{std::make_unique<file_store>(path), *found.state};
}

} // namespace control
