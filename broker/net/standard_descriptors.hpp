#pragma once

namespace net {

// Opens /dev/null for each of stdin, stdout and stderr that is closed, so that no socket gets its
// number and is written to as if it were the log. Call first in main().
void open_standard_descriptors() noexcept;

} // namespace net
