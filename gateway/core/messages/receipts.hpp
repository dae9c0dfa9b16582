#pragma once

// RECEIPTs to clients, in the order that STOMP demands.
//
// Threading:  belongs to one shard.

#include "gateway/core/tables/workbench.hpp"

namespace gateway {

class receipts : workbench {
public:
    explicit receipts(shard_state& shard) noexcept : workbench(shard) {}

    void answer_receipt(client_session& s, std::string_view receipt);
    void send_receipt(client_session& s, std::string_view receipt);

private:
};

} // namespace gateway
