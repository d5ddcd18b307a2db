"""Superset's settings. Superset itself loads this file; LAKE_SUPERSET names its folder."""

import json
import os
from pathlib import Path

_HOME = Path(os.environ["LAKE_SUPERSET"])

SECRET_KEY = (_HOME / "secret-key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset.db'}"
APP_NAME = "openlake"
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {**json.loads((_HOME / "colours.json").read_text()), "isDefault": True}
]
# A page that changes with the system's setting would have to have its colours twice.
THEME_DARK = None
# Charts ask again at each visit, so that they show what the lake holds then.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = CACHE_CONFIG
FILTER_STATE_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
EXPLORE_FORM_DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG
# One process counts them.
RATELIMIT_ENABLED = True
RATELIMIT_STORAGE_URI = "memory://"
AUTH_RATE_LIMIT = "10 per minute"
SESSION_COOKIE_SAMESITE = "Strict"
ENABLE_CORS = False
# Browsers reach this server and no other: no maps, no fonts from elsewhere, no counting pixel.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
