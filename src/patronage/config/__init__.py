"""Typed settings of the programs; nothing below this room reads settings."""

from patronage.config.serve import ServeSettings, serve_settings

__all__ = ["ServeSettings", "serve_settings"]
