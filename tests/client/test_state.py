"""What the client keeps: files that are whole or not there, a key that is made once, key services that stay known."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest

from service.client.state import KEY_BYTES, NoState, Pinned, Pins, key_of, make_folder, write_whole
from tests.support.register import ROOT

SERVICE, OTHER = "https://keys.example", "https://other.example"
FIRST = Pinned("signals", "helmond", 2, "check-2")
SECOND = Pinned("signals", "helmond", 3, "check-3")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "file"


def modes(*files: Path) -> set[int]:
    return {stat.S_IMODE(one.stat().st_mode) for one in files}


@contextmanager
def reading_only() -> Iterator[Path]:
    """A folder in which a process without rights may read and not write."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        yield Path(folder)
        os.chmod(folder, 0o700)


CHILD = """
import os, resource, sys
from pathlib import Path
from service.client.state import *
folder = Path(sys.argv[1])
if sys.argv[3:] == ["nobody"] and os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    exec(sys.argv[2])
except Exception as error:
    print(type(error).__name__)
"""


def told_by_child(folder: Path, action: str, *who: str) -> str:
    """The error that an action on a folder ends with, in a process of its own."""
    command = [sys.executable, "-c", CHILD, str(folder), action, *who]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


ACTIONS = {
    "a file": "write_whole(folder / 'file', b'x')",
    "a file once": "write_whole(folder / 'file', b'x', replace=False)",
    "a folder": "make_folder(folder / 'deep' / 'folder')",
    "a key": "key_of(folder / 'client.key', may_be_new=True)",
    "a pin": "Pins(folder / 'pins').pin('s', Pinned('p', 'r', 1, 'c'))",
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_a_folder_that_may_not_be_written_to_is_told(action: str) -> None:
    with reading_only() as folder:
        assert told_by_child(folder, action, "nobody") == "NoState"
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("may_be_new", [True, False])
def test_a_key_that_may_not_be_looked_at_is_told(file: Path, may_be_new: bool) -> None:
    key_of(file, may_be_new=True)
    file.parent.chmod(0 if os.geteuid() else 0o700)
    told = told_by_child(file.parent, f"key_of(folder / 'file', may_be_new={may_be_new})", "nobody")
    file.parent.chmod(0o700)
    assert told == "NoState"


HALF = "resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999)); write_whole(folder / 'file', b'new' * 5000)"


def test_a_file_that_does_not_fit_on_the_disk_leaves_the_old_one(file: Path) -> None:
    make_folder(file.parent)
    write_whole(file, b"old")

    assert told_by_child(file.parent, HALF) == "NoState"
    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_is_written_for_its_owner_alone_and_nothing_beside_it(file: Path) -> None:
    make_folder(file.parent)
    before = os.umask(0)
    try:
        write_whole(file, b"first")
        write_whole(file, b"second")
    finally:
        os.umask(before)

    assert file.read_bytes() == b"second"
    assert modes(file) == {0o600}
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_written_once_stays_as_it_was(file: Path) -> None:
    make_folder(file.parent)
    write_whole(file, b"first", replace=False)
    write_whole(file, b"second", replace=False)

    assert file.read_bytes() == b"first"
    assert list(file.parent.iterdir()) == [file]


def test_who_reads_while_it_is_written_gets_a_whole_file(file: Path) -> None:
    make_folder(file.parent)
    size, over, read = 1_000_000, Event(), set()
    write_whole(file, b"0" * size)

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            write_whole(file, b"%d" % (number % 10) * size)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while len({one[:1] for one in read}) < 10 and not writing.done():
            read.add(file.read_bytes())
        over.set()
    writing.result()
    assert read == {b"%d" % number * size for number in range(10)}


def test_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "spool"
    make_folder(folder)
    make_folder(folder)

    assert modes(folder) == {0o700}
    assert modes(folder.parent) == {0o700}


IMPOSSIBLE: dict[str, Callable[[Path], object]] = {
    "a file": lambda file: write_whole(file, b"x"),
    "a file once": lambda file: write_whole(file, b"x", replace=False),
    "a folder": make_folder,
    "a folder that is a file": lambda file: make_folder(file.parent),
    "a new key": lambda file: key_of(file, may_be_new=True),
    "a key": lambda file: key_of(file, may_be_new=False),
    "what is known": lambda file: Pins(file).objection(SERVICE, FIRST),
    "a pin": lambda file: Pins(file).pin(SERVICE, FIRST),
}


@pytest.mark.parametrize("use", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_cannot_be_used_is_named(tmp_path: Path, use: Callable[[Path], object]) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"a file, below which nobody can make anything")
    with pytest.raises(NoState, match=str(taken)):
        use(taken / "file")


def test_a_key_is_made_once_and_for_its_owner_alone(file: Path) -> None:
    key = key_of(file, may_be_new=True)

    assert len(key) == KEY_BYTES
    assert key_of(file, may_be_new=True) == key_of(file, may_be_new=False) == key
    assert key_of(file.with_name("another"), may_be_new=True) != key
    assert modes(file) == {0o600}
    assert modes(file.parent) == {0o700}


def test_runs_that_start_at_the_same_time_agree_on_the_key(file: Path) -> None:
    for number in range(20):
        new = file.with_name(f"key-{number}")
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _, new=new: key_of(new, may_be_new=True), range(8)))
        assert keys == {new.read_bytes()}
    assert len(list(file.parent.iterdir())) == 20


def test_a_key_that_is_lost_is_not_made_anew(file: Path) -> None:
    make_folder(file.parent)
    with pytest.raises(NoState, match=str(file)):
        key_of(file, may_be_new=False)
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33, b"k" * 32 + b"\n"], ids=len)
@pytest.mark.parametrize("may_be_new", [True, False])
def test_a_key_of_another_size_is_refused_and_not_shown(file: Path, content: bytes, may_be_new: bool) -> None:
    make_folder(file.parent)
    file.write_bytes(content)

    with pytest.raises(NoState, match=str(file)) as refused:
        key_of(file, may_be_new=may_be_new)
    assert "kkk" not in str(refused.value)
    assert file.read_bytes() == content


TOLD = {
    "the same": (FIRST, None),
    "the next epoch": (SECOND, None),
    "another key": (Pinned("signals", "helmond", 2, "check-3"), "another key"),
    "an epoch that is over": (Pinned("signals", "helmond", 1, "check-1"), "gone back"),
    "another purpose": (Pinned("others", "helmond", 3, "check-3"), "something else"),
    "another register": (Pinned("signals", "tilburg", 2, "check-2"), "something else"),
    "a check that is no ASCII": (Pinned("signals", "helmond", 2, "chèque"), "another key"),
}


@pytest.mark.parametrize(("told", "objection"), TOLD.values(), ids=TOLD.keys())
@pytest.mark.parametrize("kept", ["in memory", "in a file", "in a file that is read again"])
def test_a_key_service_is_known_by_what_was_first_found_right(
    file: Path, kept: str, told: Pinned, objection: str | None
) -> None:
    pins = Pins(None if kept == "in memory" else file)
    assert pins.objection(SERVICE, told) is None  # nothing is known, and asking makes nothing known
    pins.pin(SERVICE, FIRST)
    pins.pin(OTHER, Pinned("others", "tilburg", 9, "check-9"))
    known = Pins(file) if kept.endswith("again") else pins

    found = known.objection(SERVICE, told)
    assert found is None if objection is None else objection in str(found)
    assert known.objection("https://new.example", told) is None


@pytest.mark.parametrize("again", [False, True], ids=["in memory", "in a file"])
def test_the_epoch_of_posting_is_kept_beside_the_pin(file: Path, again: bool) -> None:
    pins = Pins(file if again else None)
    assert pins.posted_epoch(SERVICE) is None
    pins.posted(SERVICE, 2)
    pins.pin(SERVICE, FIRST)
    pins.pin(SERVICE, SECOND)
    pins.posted(OTHER, 7)
    assert not again or (modes(file), modes(file.parent)) == ({0o600}, {0o700})

    known = Pins(file) if again else pins
    assert (known.posted_epoch(SERVICE), known.posted_epoch(OTHER)) == (2, 7)
    assert "gone back" in str(known.objection(SERVICE, FIRST))
    known.posted(SERVICE, 3)
    assert (known.posted_epoch(SERVICE), known.objection(SERVICE, SECOND)) == (3, None)


def test_two_runs_lose_nothing_of_each_other(file: Path) -> None:
    """A helper that listens for days reads the file first, and a run that posts writes to it later."""
    helper, run = Pins(file), Pins(file)
    for pins in (helper, run):
        pins.pin(SERVICE, FIRST)
    run.pin(SERVICE, SECOND)
    run.posted(SERVICE, 3)
    run.pin(OTHER, FIRST)
    helper.pin(SERVICE, SECOND)

    assert Pins(file).posted_epoch(SERVICE) == 3
    assert Pins(file).objection(OTHER, Pinned("others", "helmond", 2, "check-2")) is not None


def test_what_another_run_has_found_right_holds_for_one_that_began_before(file: Path) -> None:
    helper, run = Pins(file), Pins(file)
    helper.pin(SERVICE, FIRST)
    run.pin(SERVICE, SECOND)

    assert "gone back" in str(helper.objection(SERVICE, FIRST))
    assert "another key" in str(helper.objection(SERVICE, Pinned("signals", "helmond", 3, "other")))


KEPT = {"purpose": "signals", "register": "helmond", "epoch": "2", "check": "c"}
BROKEN = ["", "{", "\xff", "[]", "null", "5", '{"s": 5}', '{"s": "ab"}', json.dumps({"s": KEPT})]


@pytest.mark.parametrize("content", BROKEN, ids=str)
def test_pins_that_cannot_be_read_are_named_and_left(file: Path, content: str) -> None:
    make_folder(file.parent)
    file.write_text(content, encoding="latin-1")

    for use in (Pins.objection, Pins.pin):
        with pytest.raises(NoState, match=str(file)):
            use(Pins(file), "s", FIRST)
    assert file.read_text(encoding="latin-1") == content
