"""Service: the HTTP API over a live system; events in, values out."""

from patronage.service.app import make_app
from patronage.service.keys import ApiKey, KeyStore
from patronage.service.settings import ServiceSettings

__all__ = ["ApiKey", "KeyStore", "ServiceSettings", "make_app"]
