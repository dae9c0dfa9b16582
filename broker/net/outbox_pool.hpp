#pragma once

// What the outboxes of this thread left behind for the next ones: at most 128 KiB of blocks of each
// size, and 512 states, which lie scattered among all that a crowd has left and pin a page each.
//
// Threading:  each thread has its own.

namespace net {

// Frees it. For the moment behind a crowd's leaving, so that its pages go back.
void release_pooled_outboxes() noexcept;

} // namespace net
