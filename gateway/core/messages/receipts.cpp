// RECEIPTs to clients. docs/switch.md S13.

#include "gateway/core/messages/receipts.hpp"

#include <algorithm>

namespace gateway {

void receipts::answer_receipt(client_session& s, std::string_view receipt)
{
    if (receipt.empty()) {
        return;
    }
    // S13, H5: the new color's RECEIPTs wait for the old color's.
    if (s.part && s.part->owed_old > 0 && s.live == switch_.to) {
        s.part->keep_receipt(receipt);
        return;
    }
    send_receipt(s, receipt);
}

void receipts::send_receipt(client_session& s, std::string_view receipt)
{
    while (!receipt.empty()) {
        const auto one = receipt.substr(0, receipt.find('\n'));
        receipt.remove_prefix(std::min(receipt.size(), one.size() + 1));
        auto& frame = out_.scratch().begin(stomp::command::receipt);
        frame.raw("receipt-id", one);
        ++counters_.frames[side::client][direction::out][frame_kind::receipt];
        out_.write_client(s.id, frame.end_head(), std::string_view{}, framing::text);
    }
}

} // namespace gateway
