#define _GNU_SOURCE
#include "test/unit/peer.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static void *
tls_open(void *context, int fd)
{
	SSL *ssl = SSL_new(context);

	if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static long
tls_read(void *connection, void *bytes, size_t n)
{
	return SSL_read(connection, bytes, (int)n);
}

static long
tls_write(void *connection, const void *bytes, size_t n)
{
	return SSL_write(connection, bytes, (int)n);
}

static void
tls_close(void *connection)
{
	(void)SSL_shutdown(connection);
	SSL_free(connection);
}

static const struct peer_io tls = {
	tls_open, tls_read, tls_write, tls_close
};

static void
path_in(const char *dir, const char *name, char ret[256])
{
	(void)snprintf(ret, 256, "%s/%s", dir, name);
}

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid,
	    value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *
make_cert(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"peer", -1, -1, 0), 1);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1");
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static void
write_cert(const char *dir, const char *name, X509 *cert)
{
	char path[256];
	FILE *file;

	path_in(dir, name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	assert_int_equal(fclose(file), 0);
}

void
peer_tls_certs(const char *dir)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *cert = make_cert(key);
	char path[256];
	FILE *file;

	write_cert(dir, "ca.pem", cert);
	write_cert(dir, "cert.pem", cert);
	path_in(dir, "key.pem", path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL,
	    NULL), 1);
	assert_int_equal(fclose(file), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static SSL_CTX *
make_context(const char *certs_dir)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	char path[256];

	assert_non_null(context);
	path_in(certs_dir, "cert.pem", path);
	assert_int_equal(SSL_CTX_use_certificate_file(context, path,
	    SSL_FILETYPE_PEM), 1);
	path_in(certs_dir, "key.pem", path);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path,
	    SSL_FILETYPE_PEM), 1);
	return context;
}

struct peer *
peer_start_https(const char *certs_dir, const struct peer_step *steps,
    size_t n)
{
	return peer_listen_tcp(&tls, make_context(certs_dir), steps, n);
}

struct peer *
peer_start_tls(const char *certs_dir, const struct peer_step *steps,
    size_t n)
{
	SSL_CTX *context = make_context(certs_dir);
	char path[256];

	path_in(certs_dir, "ca.pem", path);
	assert_int_equal(SSL_CTX_load_verify_locations(context, path, NULL),
	    1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	/* 1.2: a refused client certificate fails the handshake itself. */
	assert_int_equal(SSL_CTX_set_max_proto_version(context,
	    TLS1_2_VERSION), 1);
	return peer_listen_tcp(&tls, context, steps, n);
}

void
peer_tls_free(struct peer *peer)
{
	SSL_CTX_free(peer->io_context);
	peer_free(peer);
}
