#pragma once

// A file that one process at a time holds (flock). The lock ends with the process, however the
// process ends, so a crash leaves nothing locked. The file itself stays and names the process that
// held it last.
//
// Threading:  any one thread.

#include <string>
#include <utility>
#include <variant>

namespace control {

// Owns a descriptor.
class descriptor {
public:
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor();
    int number() const noexcept { return number_; }
    bool open() const noexcept { return number_ >= 0; }

private:
    int number_;
};

class file_lock {
public:
    // The string is a sentence that names the file, and where it can be read the process that holds
    // it.
    static std::variant<file_lock, std::string> take(const std::string& path);

private:
    explicit file_lock(descriptor held) : held_(std::move(held)) {}
    descriptor held_;
};

} // namespace control
