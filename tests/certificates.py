"""Certificates made for one run of the tests."""

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

DAY = timedelta(days=1)


class Authority:
    """Signs certificates of servers; its own signature is on its own certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name.from_rfc4514_string("CN=Authority of the tests")

    @cached_property
    def trusting(self) -> ssl.SSLContext:
        """For clients that trust this authority and no other."""
        certificate = self._sign(
            self._name,
            self._key.public_key(),
            x509.BasicConstraints(ca=True, path_length=None),
        )
        return ssl.create_default_context(cadata=_pem(certificate))

    def server(self, host: str, *, age: timedelta = timedelta()) -> ssl.SSLContext:
        """For a server that shows a certificate for this name."""
        certificate, key = self.pair(host, age=age)
        chain = self._folder / f"{uuid4().hex}.pem"
        chain.write_text(key + certificate)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        return context

    def pair(self, host: str, *, age: timedelta = timedelta()) -> tuple[str, str]:
        """A certificate for this name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            x509.Name.from_rfc4514_string(f"CN={host}"),
            key.public_key(),
            x509.SubjectAlternativeName([x509.DNSName(host)]),
            age=age,
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return _pem(certificate), pem.decode()

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extension: x509.ExtensionType,
        age: timedelta = timedelta(),
    ) -> x509.Certificate:
        since = datetime.now(UTC) - DAY - age
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + 2 * DAY)
            .add_extension(extension, critical=False)
            .sign(self._key, SHA256())
        )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
