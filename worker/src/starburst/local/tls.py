"""A throw-away certificate authority and one certificate for 127.0.0.1."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["TlsMaterial", "create_tls_material"]

_AUTHORITY = "Starburst local environment CA"
_LIFETIME = datetime.timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsMaterial:
    """Files that a server and its clients need.

    Attributes:
        ca: the authority's certificate, for clients to verify with.
        certificate: the server's certificate.
        key: the server's private key, readable by its owner only.
    """

    ca: Path
    certificate: Path
    key: Path


def create_tls_material(folder: Path) -> TlsMaterial:
    """Create a certificate for 127.0.0.1 in ``folder``.

    The authority's private key is never written: a second certificate cannot be issued.
    """
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_certificate = (
        _certificate(_AUTHORITY)
        .public_key(ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _certificate("127.0.0.1")
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    material = TlsMaterial(
        ca=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key"
    )
    material.ca.write_bytes(ca_certificate.public_bytes(serialization.Encoding.PEM))
    material.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    material.key.touch(mode=0o600)
    material.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return material


def _certificate(subject: str) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _AUTHORITY)]))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
