#include "control/record/json.hpp"

#include "control/record/plain_text.hpp"

#include <boost/json/src.hpp> // the one place where Boost.JSON is compiled

#include <array>
#include <charconv>
#include <cmath>

namespace control {

namespace {

class writer {
public:
    explicit writer(bool indented) : indented_(indented) {}

    // Depth is that of our own documents, or of parsed ones: Boost.JSON's parser stops at 32.
    void write(const boost::json::value& value) // NOLINT(misc-no-recursion)
    {
        if (const auto* object = value.if_object()) {
            group('{', '}', *object, [this](const auto& field) {
                text_ += json_string(field.key());
                text_ += indented_ ? ": " : ":";
                write(field.value());
            });
        } else if (const auto* array = value.if_array()) {
            group('[', ']', *array, [this](const auto& element) { write(element); });
        } else if (const auto* string = value.if_string()) {
            text_ += json_string(*string);
        } else if (const auto* number = value.if_double()) {
            std::array<char, 512> digits{};
            const double shown = std::isfinite(*number) ? *number : 0;
            const auto end =
                std::to_chars(
                    digits.data(), digits.data() + digits.size(), shown, std::chars_format::fixed)
                    .ptr;
            text_.append(digits.data(), end);
        } else {
            text_ += boost::json::serialize(value);
        }
    }
    std::string take() { return std::move(text_); }

private:
    template <class Group, class Write>
    void group(
        char open, char close, const Group& elements, Write write_one) // NOLINT(misc-no-recursion)
    {
        text_ += open;
        ++depth_;
        bool first = true;
        for (const auto& element : elements) {
            if (!first) {
                text_ += ',';
            }
            first = false;
            line();
            write_one(element);
        }
        --depth_;
        if (!first) {
            line();
        }
        text_ += close;
    }
    void line()
    {
        if (indented_) {
            text_ += '\n';
            text_.append(2 * depth_, ' ');
        }
    }

    bool indented_;
    std::size_t depth_ = 0;
    std::string text_;
};

} // namespace

std::string to_text(const boost::json::value& value)
{
    writer out(false);
    out.write(value);
    return out.take();
}

std::string to_indented_text(const boost::json::value& value)
{
    writer out(true);
    out.write(value);
    return out.take();
}

double rounded(double value) noexcept
{
    return std::round(value * 1000) / 1000;
}

} // namespace control
