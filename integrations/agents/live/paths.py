"""Which paths may be looked at: what an agent's record names is untrusted.

A path is relative, with plain slashes, inside the shared folder, and names nothing that holds secrets by its name. The
rules look at names alone; `workspace` sees to it that the file system agrees.
"""

from __future__ import annotations

import re
import unicodedata
from fnmatch import fnmatchcase

from core.errors import Invalid, PathRefused
from core.paths import normal_path

#: Characters, and parts.
LONGEST_PATH = 1_000
DEEPEST = 64

#: Folders of which nothing is read, wherever they stand.
SECRET_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".jj",
        ".ssh",
        ".aws",
        ".azure",
        ".gcloud",
        ".gnupg",
        ".kube",
        ".docker",
        ".password-store",
        ".terraform",
        ".config",
    }
)
#: Files that hold secrets, by their name, in lower case.
SECRET_FILES = (
    ".env*",
    "*.env",
    "env.local",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.p8",
    "*.der",
    "*.jks",
    "*.keystore",
    "*.kdb",
    "*.kdbx",
    "*.ppk",
    "*.gpg",
    "*.pgp",
    "*.age",
    "*.ovpn",
    "*.mobileprovision",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc*",
    "_netrc*",
    ".pgpass*",
    ".my.cnf",
    ".npmrc",
    ".yarnrc*",
    ".pypirc",
    ".htpasswd*",
    ".git-credentials*",
    ".dockercfg",
    ".vault-token",
    ".boto",
    ".s3cfg",
    ".terraformrc",
    "credentials",
    "credentials.*",
    "*credentials*.json",
    "secrets",
    "secrets.json",
    "secrets.y*ml",
    "secrets.toml",
    "secrets.ini",
    "secrets.txt",
    "secret.json",
    "secret.y*ml",
    "secret.key*",
    "service-account*.json",
    "service_account*.json",
    "client_secret*.json",
    "kubeconfig*",
    "master.key",
    "*_history",
)
_DRIVE = re.compile(r"[A-Za-z]:")


class PathNotShared(Invalid):
    """That file is not shared: it is outside of the shared folder, or may hold secrets."""

    code = "path_not_shared"


def parts_of(path: str) -> tuple[str, ...]:
    """The names along a path that may be looked at. Raises PathNotShared, with the reason."""
    if not path or len(path) > LONGEST_PATH:
        raise PathNotShared("its path is empty or too long")
    if path.startswith(("/", "~")) or _DRIVE.match(path) or "\\" in path or "://" in path:
        raise PathNotShared("it is outside of the shared folder")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in path):
        raise PathNotShared("its path holds characters that cannot be seen")
    parts = tuple(part for part in path.split("/") if part != ".")
    if not parts or len(parts) > DEEPEST or any(part in ("", "..") for part in parts):
        raise PathNotShared("it is outside of the shared folder")
    try:
        normal_path("/".join(parts))  # What no server takes is not read either.
    except PathRefused as error:
        raise PathNotShared("its name may mean something else elsewhere") from error
    for name in parts:
        if _is_secret(name, is_folder=name is not parts[-1]):
            raise PathNotShared("files of this name may hold secrets")
    return parts


def shared_path(parts: tuple[str, ...]) -> str:
    """The path as everybody sees it: one name is one file on every system. `parts` come from `parts_of`."""
    return normal_path("/".join(parts))


def _is_secret(name: str, *, is_folder: bool) -> bool:
    # A file system may hold ".ENV", "．env" or ".env " for the same file: compare what all of them fold to.
    folded = unicodedata.normalize("NFKC", name).casefold().strip().rstrip(". ")
    if unicodedata.normalize("NFKC", name).strip() in ("", ".", "..") or "/" in unicodedata.normalize("NFKC", name):
        return True
    if folded in SECRET_FOLDERS:
        return True
    return not is_folder and any(fnmatchcase(folded, pattern) for pattern in SECRET_FILES)
