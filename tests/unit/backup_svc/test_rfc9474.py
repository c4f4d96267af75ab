"""The vector of RFC 9474, appendix A.1 (RSABSSA-SHA384-PSS-Randomized), through both halves of our own code.

Of the long results the first and the last 32 bytes stand here: a wrong one has neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from backup_svc.domain import blind_signature
from sdk.backup import tickets

if TYPE_CHECKING:
    from collections.abc import Iterator

P = int(
    "e1f4d7a34802e27c7392a3cea32a262a34dc3691bd87f3f310dc75673488930559c120fd0410194fb8a0da55bd0b81227e843fdca6692ae80e5a"
    "5d414116d4803fca7d8c30eaaae57e44a1816ebb5c5b0606c536246c7f11985d731684150b63c9a3ad9e41b04c0b5b27cb188a692c84696b742a"
    "80d3cd00ab891f2457443dadfeba6d6daf108602be26d7071803c67105a5426838e6889d77e8474b29244cefaf418e381b312048b457d7341921"
    "3063c60ee7b0d81820165864fef93523c9635c22210956e53a8d96322493ffc58d845368e2416e078e5bcb5d2fd68ae6acfa54f9627c42e84a9d"
    "3f2774017e32ebca06308a12ecc290c7cd1156dcccfb2311",
    16,
)
Q = int(
    "c601a9caea66dc3835827b539db9df6f6f5ae77244692780cd334a006ab353c806426b60718c05245650821d39445d3ab591ed10a7339f15d83f"
    "e13f6a3dfb20b9452c6a9b42eaa62a68c970df3cadb2139f804ad8223d56108dfde30ba7d367e9b0a7a80c4fdba2fd9dde6661fc73fc2947569d"
    "2029f2870fc02d8325acf28c9afa19ecf962daa7916e21afad09eb62fe9f1cf91b77dc879b7974b490d3ebd2e95426057f35d0a3c9f45f79ac72"
    "7ab81a519a8b9285932d9b2e5ccd347e59f3f32ad9ca359115e7da008ab7406707bd0e8e185a5ed8758b5ba266e8828f8d863ae133846304a293"
    "6ad7bc7c9803879d2fc4a28e69291d73dbd799f8bc238385",
    16,
)
INPUT = bytes.fromhex(
    "8417e699b219d583fb6216ae0c53ca0e9723442d02f1d1a34295527e7d929e8b8f3dc6fb8c4a02f4d6352edf0907822c1210a9b32f9bdda4c45a"
    "698c80023aa6b59f8cfec5fdbb36331372ebefedae7d"
)
SALT = bytes.fromhex("051722b35f458781397c3a671a7d3bd3096503940e4c4f1aaa269d60300ce449555cd7340100df9d46944c5356825abf")
INVERSE = int(
    "80682c48982407b489d53d1261b19ec8627d02b8cda5336750b8cee332ae260de57b02d72609c1e0e9f28e2040fc65b6f02d56dbd6aa9af8fde6"
    "56f70495dfb723ba01173d4707a12fddac628ca29f3e32340bd8f7ddb557cf819f6b01e445ad96f874ba235584ee71f6581f62d4f43bf03f910f"
    "6510deb85e8ef06c7f09d9794a008be7ff2529f0ebb69decef646387dc767b74939265fec0223aa6d84d2a8a1cc912d5ca25b4e144ab8f6ba054"
    "b54910176d5737a2cff011da431bd5f2a0d2d66b9e70b39f4b050e45c0d9c16f02deda9ddf2d00f3e4b01037d7029cd49c2d46a8e1fc2c0c1752"
    "0af1f4b5e25ba396afc4cd60c494a4c426448b35b49635b337cfb08e7c22a39b256dd032c00adddafb51a627f99a0e1704170ac1f1912e49d9db"
    "10ec04c19c58f420212973e0cb329524223a6aa56c7937c5dffdb5d966b6cd4cbc26f3201dd25c80960a1a111b32947bb78973d269fac7f51865"
    "30930ed19f68507540eed9e1bab8b00f00d8ca09b3f099aae46180e04e3584bd7ca054df18a1504b89d1d1675d0966c4ae1407be325cdf623cf1"
    "3ff13e4a28b594d59e3eadbadf6136eee7a59d6a444c9eb4e2198e8a974f27a39eb63af2c9af3870488b8adaad444674f512133ad80b9220e091"
    "58521614f1faadfe8505ef57b7df6813048603f0dd04f4280177a11380fbfc861dbcbd7418d62155248dad5fdec0991f",
    16,
)
BLINDED = (
    "aa3ee045138d874669685ffaef962c7694a9450aa9b4fd6465db9b3b75a522bb",
    "0c0e6120885f39e8ccaadbb20f3196378c07b1ff22d10049d3039a7a92fe7efdd95d",
)
BLIND_SIGNATURE = (
    "3f4a79eacd4445fca628a310d41e12fcd813c4d43aa4ef2b81226953248d6d00",
    "5e13f737bea5c78d716a48eb9dc0aec8de39c4b45c6914ad4a8185969f70b1adf46",
)
SIGNATURE = (
    "191e941c57510e22d29afad257de5ca436d2316221fe870c7cb75205a6c071c2",
    "2e910ae37771abf2adb9f63bc058bf58062ad456cb934679795bbdfcdfad5e0f2",
)


def as_wanted(result: bytes, wanted: tuple[str, str]) -> bool:
    return len(result) == 512 and result.hex().startswith(wanted[0]) and result.hex().endswith(wanted[1])


@pytest.fixture
def key() -> blind_signature.BlindSigningKey:
    modulus, order = P * Q, (P - 1) * (Q - 1)
    d = pow(65537, -1, order)
    numbers = rsa.RSAPrivateNumbers(
        p=P,
        q=Q,
        d=d,
        dmp1=d % (P - 1),
        dmq1=d % (Q - 1),
        iqmp=pow(Q, -1, P),
        public_numbers=rsa.RSAPublicNumbers(65537, modulus),
    )
    return blind_signature.BlindSigningKey(numbers.private_key())


@pytest.fixture
def lots(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the vector has drawn by lot."""
    drawn = iter((INPUT, SALT))
    monkeypatch.setattr("secrets.token_bytes", lambda _: next(drawn))
    monkeypatch.setattr("secrets.randbelow", lambda modulus: pow(INVERSE, -1, modulus + 2) - 2)
    yield
    assert next(drawn, None) is None


@pytest.mark.usefixtures("lots")
def test_the_vector_is_blinded_signed_and_finished_as_the_rfc_has_it(
    key: blind_signature.BlindSigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    blinded = tickets.blind(key.public_der())
    assert as_wanted(blinded.message, BLINDED)
    assert blinded.inverse == INVERSE
    monkeypatch.undo()  # the signer draws its own lots, and they make no difference
    answer = key.sign(blinded.message)
    assert answer is not None
    assert as_wanted(answer, BLIND_SIGNATURE)
    signature = tickets.finish(blinded, answer)
    assert as_wanted(signature, SIGNATURE)
    assert blind_signature.is_signed(key.public_der(), INPUT, signature)
