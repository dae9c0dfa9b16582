#pragma once

// OpenSSL's errors in sentences without their full stop, for logs and /v1/status.

#include <string>

struct ssl_st;
struct x509_st;
struct x509_store_ctx_st;

namespace tls {

// The newest entry of this thread's error queue; empties it.
std::string last_error_text();
// Why a call on `ssl` has failed; `from_server`: the other side is the server.
std::string failure_sentence(bool from_server);
// Why the chain that is being checked is refused. `whose`: "the certificate"; `wanted`: the name or
// address that was asked for.
std::string
refusal_sentence(x509_store_ctx_st& check, const std::string& whose, const std::string& wanted);
// "DNS:a.example, IP:10.0.0.1"
std::string names_of(const x509_st& certificate);
std::string subject_of(const x509_st& certificate);

} // namespace tls
