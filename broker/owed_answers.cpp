#include "broker/owed_answers.hpp"

namespace broker {

// H6: taken by its number, because RECEIPTs of SENDs arrive when they are confirmed, and others
// overtake them.
std::optional<owed_answer> owed_answers::take(std::string_view wire_receipt)
{
    const auto number = parse_receipt(wire_receipt);
    return number ? take(*number) : std::nullopt;
}

} // namespace broker
