"""A partner posts a file while the register is killed and started again and again: every row is there once.

The quick form is part of every test run; `FAULTS=heavy make faults` has 5,000 rows and ten kills.
"""

import json
import os
import time
from collections import Counter

from service.intake.models import Submission
from service.pseudonyms.models import SealedPerson
from service.referrals.models import Referral
from service.signals.models import Signal
from tests.client.test_posting import file_of, once, references
from tests.support.place import Place

HEAVY = os.environ.get("FAULTS") == "heavy"
ROWS, KILLS = (5000, 10) if HEAVY else (800, 2)


def test_every_row_of_a_file_is_there_once_however_often_the_register_is_killed(place: Place) -> None:
    partner = place.partner()
    file = file_of(partner, ROWS)
    killed_at: list[int] = []
    with place.key_service():
        process = None
        for kill in range(KILLS):
            with place.register() as running:
                process = process or partner.start("post", str(file), "--patience", "60")
                wanted = (kill + 1) * ROWS // (KILLS + 2)
                while process.poll() is None and (stored := len(place.rows(Submission))) < wanted:
                    time.sleep(0.01)
                running.kill()
                killed_at.append(stored)
        with place.register():
            assert process is not None
            out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert (summary["read"], summary["registered"], summary["refused"], summary["left"]) == (ROWS, ROWS, 0, 0)
    assert len(killed_at) == KILLS
    assert killed_at[-1] < ROWS  # the last one too came while rows were on their way
    assert references(place) == once(ROWS)
    for model in (Signal, Submission, Referral):
        assert len(place.rows(model)) == ROWS
    assert Counter(one.kind for one in place.rows(SealedPerson)) == {"b": ROWS, "n": ROWS}
