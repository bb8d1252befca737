"""The control plane: rooms, signaling, tokens, pages and REST. It never touches a media packet."""

from __future__ import annotations

__version__ = "0.1.0"
