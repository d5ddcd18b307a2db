"""Brings Superset to what the lake says; runs in Superset's own environment.

    python -m analytics.renderers.superset.setup BUNDLE_JSON

It makes or updates the metadata, the user `admin` with the password of the file, and all that is in
the bundle. What an earlier bundle had and this one has not is removed.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

USER = "admin"


def main(arguments: list[str]) -> None:
    """Set up what the bundle of the command line says."""
    contents: dict[str, str] = json.loads(Path(arguments[0]).read_text("utf-8"))
    from superset.app import create_app  # pants: no-infer-dep

    with create_app().app_context():
        from flask_migrate import upgrade  # pants: no-infer-dep

        upgrade()
        _import(contents, _user())


def _user() -> Any:
    """Return the user, who has the password of the file."""
    from superset import appbuilder, db, security_manager  # pants: no-infer-dep
    from werkzeug.security import check_password_hash  # pants: no-infer-dep

    user = security_manager.find_user(USER)
    if user is None:
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        db.session.commit()
        role = security_manager.find_role("Admin")
        user = security_manager.add_user(
            USER, "Lake", "Admin", "admin@localhost", role, password=_password()
        )
    elif not check_password_hash(user.password, _password()):
        security_manager.reset_password(user.id, _password())
    return user


def _password() -> str:
    return (Path(os.environ["LAKE_SUPERSET"]) / "password").read_text()


def _import(contents: dict[str, str], user: Any) -> None:
    from superset.commands.importers.v1 import assets  # pants: no-infer-dep
    from superset.commands.importers.v1.utils import remove_root  # pants: no-infer-dep
    from superset.utils.core import override_user  # pants: no-infer-dep

    with override_user(user):
        assets.ImportAssetsCommand(
            {remove_root(path): text for path, text in contents.items()}
        ).run()
        _remove_others(contents)


def _remove_others(contents: dict[str, str]) -> None:
    """Remove charts that came from an earlier bundle."""
    from superset import db  # pants: no-infer-dep
    from superset.models.slice import Slice  # pants: no-infer-dep

    charts = [json.loads(text) for path, text in contents.items() if "/charts/" in path]
    known = {chart["uuid"] for chart in charts}
    origins = {chart["external_url"] for chart in charts}
    for found in db.session.query(Slice).filter(Slice.external_url.in_(origins)):
        if str(found.uuid) not in known:
            db.session.delete(found)
    db.session.commit()


if __name__ == "__main__":
    main(sys.argv[1:])
