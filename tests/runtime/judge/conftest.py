import pytest


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    # a machine's proxy settings must not carry the loopback's traffic away
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
