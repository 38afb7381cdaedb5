"""The demo as a newcomer runs it, with fewer signals: as a process, over HTTP, to its end."""

import json
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.support.partner import Partner, bsns, row, write_csv
from tests.support.register import ROOT, free_port


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def test_the_demo_ends_well_and_prints_queue_referral_and_table() -> None:
    ended = run("demo", "--signals", "300")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    for shown in (
        "A token is made",
        "VOOR|F|2012-05-17|F",
        "pseudonym.evaluate, epoch 1, 1",
        "Claimed by Centraal meldpunt Helmond",
        "Its workload",
        "What Halt is told",
        "The regional contact point has it at",
        "GET /v1/signals/{id}/feedback",
        "Rule “shame-sexting-red-flag” never decides",
        "It cannot be put in force: The analysis found errors",
        "is added at place",
        "of 2000 generated signals",
        "Decided from now on by version 4",
        "is in force as version 2",
        "GET /v1/me",
        "refused: No valid access token",
        "2026-H1",
        "whole register",
    ):
        assert shown in ended.stdout
    reports = [line.strip() for line in ended.stdout.splitlines() if line.strip().startswith("file://")]
    pages = [Path(urlsplit(report).path).read_text() for report in reports]
    assert [page.split('lang="')[1][:2] for page in pages] == ["nl", "en"]
    assert all("Brabant-Zuidoost" in page for page in pages)
    assert "Sanne" not in ended.stdout  # the faulty body of the demo holds a name


def test_the_demo_keeps_serving_and_its_clients_can_post_what_is_generated(tmp_path: Path) -> None:
    port, key_port, received = free_port(), free_port(), list[datetime]()
    file = tmp_path / "clients.json"
    command = [sys.executable, "-m", "service", "demo", "--serve", "--port", str(port)]
    command += ["--key-service-port", str(key_port)]
    server = subprocess.Popen([*command, "--signals", "20", "--credentials", str(file)], cwd=ROOT)
    try:
        clients = _when_loaded(server, port, file)
        assert {"clientId", "clientSecret", "role", "organisation"} == set(clients["jpt-helmond"])
        bodies = run("generate", "--count", "20", "--seed", "7", "--for", "jpt-helmond").stdout.splitlines()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            jpt = clients["jpt-helmond"]
            auth = (jpt["clientId"], jpt["clientSecret"])
            token = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth).json()
            for body in bodies:
                headers = {
                    "Authorization": f"Bearer {token['access_token']}",
                    "Idempotency-Key": str(uuid.uuid4()),
                    "Content-Type": "application/json",
                }
                answer = http.post("/v1/signals", content=body, headers=headers)
                assert answer.status_code == 201, answer.text
                received.append(datetime.fromisoformat(answer.json()["receivedAt"]))
                time.sleep(0.1)
            me = http.get("/v1/me", headers=headers).json()
            assert me["keyService"] == f"http://127.0.0.1:{key_port}"
            partner = Partner(
                tmp_path / "jpt",
                (f"http://127.0.0.1:{port}", *auth),
                (
                    me["keyService"],
                    *(clients["key-service/jpt-helmond"][name] for name in ("clientId", "clientSecret")),
                ),
            )
            partner.folder.mkdir()
            rows = [row(number, bsn) for number, bsn in enumerate(bsns(3))]
            assert partner.run("post", str(write_csv(partner.folder / "a.csv", rows))).code == 0
            assert (datetime.now(UTC) - received[-1]).total_seconds() < 60  # the clock runs on
            assert received[-1] > received[0]
    finally:
        server.terminate()
        assert server.wait(30) == 0


def _when_loaded(server: "subprocess.Popen[bytes]", port: int, file: Path) -> dict[str, dict[str, str]]:
    """The clients, once the data is in and the server answers."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            ready = httpx.get(f"http://127.0.0.1:{port}/health/ready").is_success
        except httpx.TransportError:
            ready = False
        if ready and file.exists() and file.stat().st_size:
            clients: dict[str, dict[str, str]] = json.loads(file.read_text())
            return clients
        time.sleep(0.2)
    raise AssertionError("the demo server did not get ready")
