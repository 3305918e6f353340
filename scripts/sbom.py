"""Writes the bill of materials of a release to `dist/sbom.json`: what a server runs and what its pages carry.

CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), made from the locks alone, so that it names exactly what a release
installs and is the same wherever it is made. Packages are named as purls (https://github.com/package-url/purl-spec).
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def of_python(lock: str) -> list[dict[str, Any]]:
    """The packages of a lock as pip reads it. Which of a version's files is installed depends on the machine."""
    pins = [(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in PINNED.findall(lock)]
    return [_component(name, version, f"pkg:pypi/{name}@{quote(version)}") for name, version in pins]


def of_npm(lock: dict[str, Any]) -> list[dict[str, Any]]:
    """The packages of a package-lock, without those that only build or test."""
    found: list[dict[str, Any]] = []
    for place, package in lock["packages"].items():
        if not place or package.get("dev") or package.get("link"):
            continue
        name, version = place.rpartition("node_modules/")[2], package["version"]
        component = _component(name, version, f"pkg:npm/{quote(name, safe='/')}@{quote(version)}")
        kind, _, digest = str(package.get("integrity", "")).partition("-")
        if kind == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        if isinstance(package.get("license"), str):
            component["licenses"] = [{"expression": package["license"]}]
        found.append(component)
    return found


def _component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def bill(root: Path = ROOT) -> dict[str, Any]:
    """The whole document. Its serial number follows from what it lists."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    packages = of_python((root / "requirements-run.lock").read_text())
    packages += of_npm(json.loads((root / "web/package-lock.json").read_text()))
    components = sorted({one["purl"]: one for one in packages}.values(), key=lambda one: str(one["purl"]))
    listed = "\n".join([project["version"], *(str(one["purl"]) for one in components)])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, listed)}",
        "version": 1,
        "metadata": {
            "component": _component(
                project["name"], project["version"], f"pkg:pypi/{project['name']}@{project['version']}"
            )
            | {"type": "application"}
        },
        "components": components,
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist/sbom.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    document = bill()
    target.write_text(json.dumps(document, indent=2) + "\n")
    print(f"{target}: {len(document['components'])} packages")
