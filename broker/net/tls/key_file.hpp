#pragma once

// A private key's file.

#include <boost/system/result.hpp>

#include <memory>
#include <string>

struct evp_pkey_st;

namespace tls {

struct free_key {
    void operator()(evp_pkey_st* key) const noexcept;
};
using key_ptr = std::unique_ptr<evp_pkey_st, free_key>;

// The error is a sentence that names the file. One that others can read or change is refused: the
// key must be taken for known.
boost::system::result<key_ptr, std::string> read_key(const std::string& path);

} // namespace tls
