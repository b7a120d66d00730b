// SHA-256 through OpenSSL.
#include "core/sha256.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

namespace mlff {

namespace {

  class Digest {
   public:
    Digest() : context(EVP_MD_CTX_new(), EVP_MD_CTX_free)
    {
      check(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
    }

    void add(const void *bytes, std::size_t size)
    {
      check(EVP_DigestUpdate(context.get(), bytes, size));
    }

    std::string text()
    {
      unsigned char digest[EVP_MAX_MD_SIZE];
      unsigned int length = 0;
      check(EVP_DigestFinal_ex(context.get(), digest, &length));
      std::string text;
      char hex[3];
      for (unsigned int i = 0; i < length; i++) {
        std::snprintf(hex, sizeof hex, "%02x", digest[i]);
        text += hex;
      }
      return text;
    }

   private:
    std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX *)> context;

    static void check(bool worked)
    {
      if (!worked) throw std::runtime_error("SHA-256 failed in the OpenSSL library");
    }
  };

}    // namespace

std::string sha256_of(std::string_view bytes)
{
  Digest digest;
  digest.add(bytes.data(), bytes.size());
  return digest.text();
}

std::string sha256_of_file(const std::string &path)
{
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path.c_str(), "rb"),
                                                              std::fclose);
  if (!file) throw std::runtime_error("'" + path + "' cannot be opened: " + std::strerror(errno));
  Digest digest;
  std::vector<char> piece(1 << 20);
  for (std::size_t n; (n = std::fread(piece.data(), 1, piece.size(), file.get())) > 0;)
    digest.add(piece.data(), n);
  if (std::ferror(file.get()))
    throw std::runtime_error("'" + path + "' cannot be read: " + std::strerror(errno));
  return digest.text();
}

}    // namespace mlff
