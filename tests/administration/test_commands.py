"""The administrator's commands: a first administrator from nothing, and everything refused with a sentence."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.migrations import migrate_database
from service.trail import AuditEntry
from tests.support.processes import command
from tests.support.register import Register, apart, server

ACTOR = ("--actor", "staff.1")


class Console:
    """`admin` on one database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *arguments: str) -> Any:
        return command("admin", *arguments, *ACTOR, SIGNAL_DATABASE_URL=self.url)

    def told(self, *arguments: str) -> Any:
        """What a command tells, as JSON."""
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def console(tmp_path: Path) -> Console:
    url = f"sqlite+aiosqlite:///{tmp_path / 'register.db'}"
    apart(migrate_database, url)
    return Console(url)


def test_the_first_administrator_is_made_here_and_the_rest_over_http(
    console: Console, tmp_path: Path
) -> None:
    town = console.told("organisation", "add", "Gemeente Helmond", "--type", "MUNICIPALITY")
    client = console.told("client", "add", "beheer", "--organisation", town["id"], "--role", "administrator")
    secret = console.told("secret", "add", client["id"])
    with server(console.url, tmp_path) as running:
        token = httpx.post(
            f"{running.url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(secret["clientId"], secret["clientSecret"]),
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Actor": "staff.1"}
        body = {"name": "School", "type": "SCHOOL"}
        added = httpx.post(f"{running.url}/v1/organisations", json=body, headers=headers)
    assert added.status_code == 201
    lines = console("organisation", "list").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Gemeente Helmond", "School"]


async def test_clients_and_organisations_live_and_end(console: Console, tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    school = console.told("organisation", "add", "School", "--type", "SCHOOL")
    school = console.told("organisation", "change", school["id"], "New", "--oin", "0" * 19 + "1")
    assert (school["name"], school["oin"]) == ("New", "0" * 19 + "1")
    added = ("client", "add", "school", "--organisation", school["id"], "--role", "reporter")
    client = console.told(*added, "--municipality", "GM0794", "--scope", "signals:read")
    assert (client["scopes"], client["municipalities"]) == (["signals:read"], ["GM0794"])
    key = console.told("key", "add", client["id"], str(pem))
    secret = console.told("secret", "add", client["id"])
    assert "endedAt" in console.told("secret", "end", client["id"], secret["id"])
    assert "endedAt" in console.told("key", "end", client["id"], key["id"])
    changed = console.told("client", "change", client["id"], "school two", "--municipality", "GM0762")
    assert (changed["scopes"], changed["municipalities"]) == (
        ["events:read", "signals:read", "signals:write"],
        ["GM0762"],
    )
    assert "endedAt" in console.told("client", "end", client["id"])
    assert "endedAt" in console.told("organisation", "end", school["id"])
    (line,) = console("client", "list").stdout.splitlines()
    assert secret["clientSecret"] not in line


REFUSED = {
    "no such type": (("organisation", "add", "x", "--type", "CLUB"), "type: Not a code"),
    "no such role": (
        ("client", "add", "xyz", "--role", "root", "--organisation", "{org}"),
        "role: Not a code",
    ),
    "no such organisation": (
        ("client", "add", "xyz", "--role", "reporter", "--organisation", "{nobody}"),
        "There is no such organisation",
    ),
    "no such client": (("secret", "add", "{nobody}"), "It does not exist"),
    "a client nobody has": (("client", "end", "{nobody}"), "It does not exist"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_right_is_refused_with_a_sentence(
    console: Console, arguments: tuple[str, ...], said: str
) -> None:
    ids = {
        "org": console.told("organisation", "add", "One", "--type", "SCHOOL")["id"],
        "nobody": "00000000-0000-7000-8000-000000000001",
    }
    done = console(*(argument.format(**ids) for argument in arguments))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("not done: ")
    assert said in done.stderr


def test_who_acts_is_an_opaque_id(console: Console) -> None:
    done = command("admin", "organisation", "list", "--actor", "Piet Jansen", SIGNAL_DATABASE_URL=console.url)
    assert (done.returncode, "--actor" in done.stderr, "Jansen" in done.stderr) == (1, True, False)


async def test_commands_stand_in_the_trail_without_a_client(register: Register, database_url: str) -> None:
    added = Console(database_url).told("organisation", "add", "One", "--type", "SCHOOL")
    (entry,) = [one for one in await register.rows(AuditEntry) if one.object_id == added["id"]]
    assert (entry.act, entry.role, entry.actor) == ("organisation.add", "administrator", "staff.1")
    assert (entry.client_id, entry.organisation_id) == (None, None)
