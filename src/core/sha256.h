// SHA-256 of bytes and of files, as `sha256sum` prints it.
#pragma once

#include <string>
#include <string_view>

namespace mlff {

/// 64 hexadecimal digits. Throws std::runtime_error where the OpenSSL library fails.
std::string sha256_of(std::string_view bytes);

/// SHA-256 of the bytes of a file, read piece by piece. Throws std::runtime_error naming a file
/// that cannot be read.
std::string sha256_of_file(const std::string &path);

}    // namespace mlff
