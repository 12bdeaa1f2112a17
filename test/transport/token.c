/*
 * A FIDO token in software, as far as ssh needs one: it makes ed25519 keys and signs with them, touched always. The private key is
 * the key handle, which a real token would keep to itself. Spoken to by ssh's own interface for token libraries (sk-api.h).
 */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ED25519 1
#define TOUCHED 1
#define UNSUPPORTED (-2)
#define FAILED (-1)

struct enrolled {
  uint8_t flags;
  uint8_t *public_key;
  size_t public_key_len;
  uint8_t *key_handle;
  size_t key_handle_len;
  uint8_t *signature;
  size_t signature_len;
  uint8_t *attestation_cert;
  size_t attestation_cert_len;
  uint8_t *authdata;
  size_t authdata_len;
};

struct signature {
  uint8_t flags;
  uint32_t counter;
  uint8_t *r;
  size_t r_len;
  uint8_t *s;
  size_t s_len;
};

uint32_t sk_api_version(void) { return 0x000a0000; }

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags,
              const char *pin, void **options, struct enrolled **out) {
  (void)challenge, (void)challenge_len, (void)application, (void)flags, (void)pin, (void)options;
  if (alg != ED25519) return UNSUPPORTED;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  struct enrolled *made = calloc(1, sizeof *made);
  if (key == NULL || made == NULL) return FAILED;
  made->flags = TOUCHED;
  made->public_key_len = made->key_handle_len = 32;
  made->public_key = calloc(1, 32);
  made->key_handle = calloc(1, 32);
  /* Nobody asks for an attestation; ssh wants there to be one. */
  made->signature_len = 64;
  made->signature = calloc(1, 64);
  EVP_PKEY_get_raw_public_key(key, made->public_key, &made->public_key_len);
  EVP_PKEY_get_raw_private_key(key, made->key_handle, &made->key_handle_len);
  EVP_PKEY_free(key);
  *out = made;
  return 0;
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle,
            size_t handle_len, uint8_t flags, const char *pin, void **options, struct signature **out) {
  (void)flags, (void)pin, (void)options;
  if (alg != ED25519) return UNSUPPORTED;
  uint8_t said[32 + 1 + 4 + 32];
  SHA256((const uint8_t *)application, strlen(application), said);
  said[32] = TOUCHED;
  memset(said + 33, 0, 3);
  said[36] = 1;
  SHA256(data, data_len, said + 37);
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, handle, handle_len);
  EVP_MD_CTX *sign = EVP_MD_CTX_new();
  struct signature *made = calloc(1, sizeof *made);
  if (key == NULL || sign == NULL || made == NULL) return FAILED;
  made->flags = TOUCHED;
  made->counter = 1;
  made->r_len = 64;
  made->r = calloc(1, 64);
  if (EVP_DigestSignInit(sign, NULL, NULL, NULL, key) != 1) return FAILED;
  if (EVP_DigestSign(sign, made->r, &made->r_len, said, sizeof said) != 1) return FAILED;
  EVP_MD_CTX_free(sign);
  EVP_PKEY_free(key);
  *out = made;
  return 0;
}

int sk_load_resident_keys(const char *pin, void **options, void ***keys, size_t *count) {
  (void)pin, (void)options, (void)keys, (void)count;
  return UNSUPPORTED;
}
