"""A fuzzer works through the published description of the HTTP interface, as somebody who is signed in and a host.

Whatever it sends, the server answers as the description says and never with a failure of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.server import ServerProcess

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
#: Signing out and ending the session would end the run for all that follows; the stream answers as long as it is read.
LEFT_OUT = ("/api/sign-out", "/api/sessions/{session_id}/end", "/api/sessions/{session_id}/stream")

#: Of each way to call each route. `COSESSION_FUZZ=60` makes more than two thousand requests; a run of all tests fewer.
EXAMPLES = int(os.environ.get("COSESSION_FUZZ", "15"))


def cosession(server: ServerProcess, *words: str) -> str:
    program = Path(sys.executable).with_name("cosession")
    environment = {"COSESSION_DATA_DIR": str(server.data_dir), "PATH": "/usr/bin:/bin", "HOME": str(server.data_dir)}
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def call(server: ServerProcess, token: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_no_request_makes_the_server_fail_or_answer_otherwise_than_described(
    server_process: ServerProcess, tmp_path: Path
) -> None:
    cosession(server_process, "user", "add", "ann@example.com", "--name", "Ann")
    token = cosession(server_process, "token", "ann@example.com")
    session = call(server_process, token, "/api/sessions", {"title": "To be fuzzed"})
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'[parameters]\n"path.session_id" = "{session["id"]}"\n')
    left_out = [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={config}",
            "run",
            f"{server_process.url}/openapi.json",
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", CHECKS),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
            *left_out,
        ],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stdout[-6_000:]
    cases = int(run.stdout.split("Test cases:")[1].split()[0])
    assert cases >= 33 * EXAMPLES
    assert "Traceback" not in server_process.output
