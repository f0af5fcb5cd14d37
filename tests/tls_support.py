"""A certificate and its key for a test, made by GnuTLS, which the programs need anyway."""

import ctypes
import os
import time
from pathlib import Path

PK_ECDSA, DIG_SHA256, FMT_PEM = 4, 6, 1
CURVE_SECP256R1 = (1 << 31) | 2
SAN_NAME, SAN_ADDRESS, APPEND = 1, 4, 1
DAY = 24 * 3600


class Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint)]


def self_signed(folder, names=(), addresses=()):
    """(certificate, key): files in PEM, the key its owner's alone. `addresses` are as socket.inet_aton gives them."""
    gnutls = ctypes.CDLL("libgnutls.so.30")

    def call(function, *arguments):
        status = getattr(gnutls, f"gnutls_x509_{function}")(*arguments)
        assert status >= 0, (function, status)

    key, certificate = ctypes.c_void_p(), ctypes.c_void_p()
    call("privkey_init", ctypes.byref(key))
    call("privkey_generate", key, PK_ECDSA, ctypes.c_uint(CURVE_SECP256R1), 0)
    call("crt_init", ctypes.byref(certificate))
    call("crt_set_version", certificate, 3)
    call("crt_set_key", certificate, key)
    call("crt_set_serial", certificate, b"\x01", ctypes.c_size_t(1))
    now = int(time.time())
    call("crt_set_activation_time", certificate, ctypes.c_long(now - DAY))
    call("crt_set_expiration_time", certificate, ctypes.c_long(now + DAY))
    call("crt_set_dn_by_oid", certificate, b"2.5.4.3", 0, b"test", 4)
    for kind, values in ((SAN_NAME, [name.encode() for name in names]), (SAN_ADDRESS, addresses)):
        for value in values:
            call("crt_set_subject_alt_name", certificate, kind, value, len(value), APPEND)
    call("crt_set_basic_constraints", certificate, 1, -1)
    call("crt_sign2", certificate, certificate, key, DIG_SHA256, 0)
    files = []
    for thing, export, name, mode in ((certificate, "crt_export2", "cert.pem", 0o644),
                                      (key, "privkey_export2", "key.pem", 0o600)):
        text = Datum()
        call(export, thing, FMT_PEM, ctypes.byref(text))
        path = Path(folder) / name
        path.write_bytes(ctypes.string_at(text.data, text.size))
        os.chmod(path, mode)
        files.append(path)
    return tuple(files)
