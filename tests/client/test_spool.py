"""The spool keeps lines sealed and whole, opens no file that is not as it was written, and one run delivers it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.client.spool import NONCE_BYTES, REFUSED, WAITING, Damaged, Line, Spool, folder_files
from service.client.state import NoState
from tests.support.register import ROOT

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
TOKEN = "e1.b." + "A" * 43
FAULT = {"pointer": "/note", "code": "note.name", "detail": "Say it in other words."}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "deep" / "spool", KEY)
    spool.check()
    return spool


def line(number: int, **changes: object) -> Line:
    signal = {"primaryType": "LOVERBOY", "persons": [{"pseudonym": TOKEN}], "partnerReference": "JPT-één"}
    return Line("signalen.csv", number, f"0199c0de-0000-4000-8000-{number:012d}", signal | changes)


def told(lines: list[Line]) -> list[tuple[object, ...]]:
    return [(one.source, one.line, one.key, one.signal, list(one.faults)) for one in lines]


def delivering(spool: Spool) -> bool:
    with spool.delivering() as ours:
        return ours


def test_lines_come_back_as_they_were_kept(spool: Spool) -> None:
    lines = [line(3), line(2), line(3, note=None, size=4, deep=[{"a": [True, 1.5, ""]}])]
    refused = Line("signalen.csv", 7, "key", {}, [FAULT, FAULT])

    assert told(spool.lines_of(spool.keep(lines))) == told(lines)
    assert told(spool.lines_of(spool.keep([refused], REFUSED))) == told([refused])
    assert spool.lines_of(spool.keep([])) == []


def test_another_run_with_the_same_key_reads_what_was_kept(spool: Spool) -> None:
    file = spool.keep([line(1)])
    assert told(Spool(spool.folder, KEY).lines_of(file)) == told([line(1)])


def test_nothing_of_a_line_can_be_read_in_the_file(spool: Spool) -> None:
    file = spool.keep([line(1)] * 50)

    shown = file.read_bytes() + file.name.encode()
    for word in (TOKEN, "JPT", "signalen", "LOVERBOY", "pseudonym", "0199c0de", "k" * 8):
        assert word.encode() not in shown
    assert delivering(spool)
    assert {one.stat().st_mode & 0o777 for one in spool.folder.iterdir()} == {0o600}
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_the_same_lines_are_never_sealed_alike(spool: Spool) -> None:
    files = [spool.keep([line(1)]) for _ in range(20)]

    sealed = [file.read_bytes() for file in files]
    assert len(set(files)) == 20
    assert len({one[:NONCE_BYTES] for one in sealed}) == len({one[NONCE_BYTES:] for one in sealed}) == 20


def test_files_are_told_by_their_kind_oldest_first(spool: Spool) -> None:
    kinds = [WAITING, REFUSED, WAITING, WAITING, REFUSED] * 4
    kept = [(kind, spool.keep([line(number)], kind)) for number, kind in enumerate(kinds)]
    (spool.folder / "remark.txt").write_bytes(b"of somebody")
    (spool.folder / f".{kept[0][1].name}.17.draft").write_bytes(b"half")

    for kind in (WAITING, REFUSED):
        expected = [file for its_kind, file in kept if its_kind == kind]
        assert spool.files(kind) == folder_files(spool.folder, kind) == expected
    assert spool.files() == spool.files(WAITING)


def test_a_file_that_is_dropped_or_delivered_by_another_run_has_no_lines(spool: Spool) -> None:
    first, second = spool.keep([line(1)]), spool.keep([line(2)])
    spool.drop(first)
    spool.drop(first)

    assert spool.lines_of(first) == []
    assert spool.files() == [second]
    assert told(spool.lines_of(second)) == told([line(2)])


def test_a_folder_that_is_not_there_waits_for_nothing(tmp_path: Path) -> None:
    assert Spool(tmp_path / "none", KEY).files() == folder_files(tmp_path / "none", REFUSED) == []


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


NAMES: dict[str, Callable[[Path], Path]] = {
    "renamed": lambda file: file.with_stem(f"{file.stem}0"),
    "made a refused one": lambda file: file.with_suffix(REFUSED),
    "in the place of another": lambda file: min(file.parent.glob(f"*{WAITING}")),
}
CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "changed in front": lambda content: flipped(content, 0),
    "changed in the middle": lambda content: flipped(content, 50),
    "changed near the end": lambda content: flipped(content, len(content) - 1),
    "longer": lambda content: content + b"x",
    "shorter": lambda content: content[:-1],
    "half": lambda content: content[:60],
    "a nonce alone": lambda content: content[:NONCE_BYTES],
    "half a nonce": lambda content: content[:5],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_file_under_another_name_is_damaged(spool: Spool, name: Callable[[Path], Path]) -> None:
    _, file = spool.keep([line(1)]), spool.keep([line(2)])
    moved = file.rename(name(file))

    with pytest.raises(Damaged, match=moved.name):
        spool.lines_of(moved)
    assert moved.exists()


@pytest.mark.parametrize("change", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_file_that_is_not_as_it_was_written_is_damaged_and_left(
    spool: Spool, change: Callable[[bytes], bytes]
) -> None:
    other, file = spool.keep([line(1)]), spool.keep([line(2)])
    content = change(file.read_bytes())
    file.write_bytes(content)

    with pytest.raises(Damaged, match=file.name):
        spool.lines_of(file)
    assert file.read_bytes() == content
    assert told(spool.lines_of(other)) == told([line(1)])


def test_a_file_opens_with_no_other_key(spool: Spool) -> None:
    file = spool.keep([line(1)])
    with pytest.raises(Damaged, match=file.name):
        Spool(spool.folder, OTHER_KEY).lines_of(file)


def test_a_spool_can_be_moved_as_a_whole(spool: Spool, tmp_path: Path) -> None:
    name = spool.keep([line(1)]).name
    spool.folder.rename(tmp_path / "moved")
    assert told(Spool(tmp_path / "moved", KEY).lines_of(tmp_path / "moved" / name)) == told([line(1)])


IMPOSSIBLE: dict[str, Callable[[Spool], object]] = {
    "check": Spool.check,
    "keep": lambda spool: spool.keep([line(1)]),
    "files": Spool.files,
    "lines of a file": lambda spool: spool.lines_of(spool.folder / f"1{WAITING}"),
    "deliver": delivering,
}


@pytest.mark.parametrize("use", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
@pytest.mark.parametrize("below", [".", "spool", "deep/spool"])
def test_a_folder_that_cannot_be_one_is_told(
    tmp_path: Path, use: Callable[[Spool], object], below: str
) -> None:
    """Below a file nobody can make anything, root neither."""
    taken = tmp_path / "taken"
    taken.write_bytes(b"taken")

    with pytest.raises(NoState, match=str(taken)):
        use(Spool(taken / below, KEY))
    assert taken.read_bytes() == b"taken"


def test_a_check_makes_the_folder_and_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "deep" / "spool", KEY)
    spool.check()
    spool.check()
    assert list(spool.folder.iterdir()) == []


CHILD = """
import os, resource, sys
from pathlib import Path
from service.client.spool import *
from service.client.state import NoState
folder, size, who, use = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
if who == "nobody" and os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
spool = Spool(folder, b"k" * 32)
try:
    spool.check() if use == "check" else spool.keep([Line("a", 1, "b", {"note": "x" * 100_000})])
except NoState as reason:
    print("NoState", reason)
"""


def told_by_child(folder: Path, size: int, use: str, who: str = "") -> str:
    """What a process says that may write files of a size and no larger, as on a disk that gets full."""
    command = [sys.executable, "-c", CHILD, str(folder), str(size), who, use]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("size", [0, 1, 4000, 99_000])
def test_a_file_of_which_half_fits_is_not_there(spool: Spool, size: int) -> None:
    assert told_by_child(spool.folder, size, "keep").startswith(f"NoState {spool.folder}")
    assert list(spool.folder.iterdir()) == []


def test_a_check_finds_a_disk_that_is_full(spool: Spool) -> None:
    assert told_by_child(spool.folder, 4000, "check").startswith("NoState ")
    assert list(spool.folder.iterdir()) == []
    assert told_by_child(spool.folder, 5000, "check") == ""


@pytest.mark.parametrize("use", ["check", "keep"])
def test_a_folder_that_may_not_be_written_to_is_told(use: str) -> None:
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        assert told_by_child(Path(folder), 10**6, use, "nobody").startswith("NoState ")
        assert os.listdir(folder) == []
        os.chmod(folder, 0o700)


HOLDING = """
import sys
from pathlib import Path
from service.client.spool import Spool
with Spool(Path(sys.argv[1]), b"k" * 32).delivering() as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(spool: Spool) -> Iterator[tuple["subprocess.Popen[str]", bool]]:
    """Another run that delivers for as long as this lasts, and whether it may."""
    command = [sys.executable, "-c", HOLDING, str(spool.folder)]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline() == "True\n"
        finally:
            process.kill()


@pytest.mark.parametrize("end", ["killed", "ended"])
def test_one_run_delivers_at_a_time_until_it_ends(spool: Spool, end: str) -> None:
    with another(spool) as (first, ours):
        assert ours
        assert not delivering(spool)
        with another(spool) as (_, theirs):
            assert not theirs
        assert not delivering(spool)
        if end == "killed":
            first.kill()
        first.communicate(timeout=60)
        assert delivering(spool)
    with another(spool) as (_, ours):
        assert ours


def test_a_run_that_fails_while_it_delivers_lets_another_deliver(spool: Spool) -> None:
    with suppress(KeyError), spool.delivering() as ours:
        assert ours
        assert not delivering(spool)
        raise KeyError
    assert delivering(spool)
    assert spool.files() == spool.files(REFUSED) == []
