"""The guard by cases: each kind of personal data in the ways that people write it, and what is none."""

from datetime import date
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.screening.guard import screen
from service.screening.kinds import TOLD, Kind
from service.screening.staff import is_opaque

TODAY = date(2026, 11, 24)

FOUND = {
    Kind.BSN: [
        "bsn 111222333",
        "haar nummer is 1112.22.333",
        "1 1 1 2 2 2 3 3 3",
        "111-222-333 staat in het dossier",
        "één één één twee twee twee drie drie drie",
        "klas 3, 111222333",
        "bsn١١١٢٢٢٣٣٣",
        "1112\u200b22333",
        "１１１２２２３３３",
    ],
    Kind.IBAN: [
        "NL91ABNA0417164300",
        "nl91 abna 0417 1643 00",
        "rekening DE89 3704 0044 0532 0130 00 van hem",
    ],
    Kind.EMAIL: [
        "jan@voorbeeld.nl",
        "mail lola.x [at] gmail punt com",
        "lola (at) gmail (punt) com",
        "lola apenstaartje gmail.com",
        "lola at hotmail dot com",
    ],
    Kind.PHONE: [
        "bel 0612345678",
        "06-12 34 56 78",
        "06.12.34.56.78",
        "+31 6 12345678",
        "0031612345678",
        "0492-123456",
        "nul zes twaalf vierendertig zesenvijftig achtenzeventig",
        "nul-zes-een-twee-drie-vier-vijf-zes-zeven-acht",
    ],
    Kind.ADDRESS: [
        "woont op de Kerkstraat 12",
        "Nieuwe Gracht 9 bis",
        "5701 AB 12",
        "5701ab",
        "postcode 5701",
        "op nummer 12 aan de overkant",
        "dorpsstr. 3",
    ],
    Kind.BIRTH_DATE: [
        "geboren op 3 mei 2010",
        "geb. 12-03-2009",
        "12 maart 2009",
        "2009-03-12",
        "12/3/09",
        "(120309)",
        "jarig op 3 mei",
        "geboren de negentiende juli tweeduizend tien",
    ],
    Kind.URL: [
        "https://voorbeeld.nl/lola",
        "hxxps://x.y",
        "www.lola.nl",
        "kijk op lola.com",
        "lola punt nl",
        "t.me/lola",
    ],
    Kind.HANDLE: [
        "@lola_x",
        "op insta heet ze lola.xx",
        "snap: lolaatje",
        "lola_04 is van haar",
        'op Discord als "ghost.of.oost"',
        "cashapp $lolaatje",
    ],
    Kind.PLATE: [
        "een auto met 12-AB-34",
        "GV-123-X",
        "1-abc-23",
        "kenteken 12ab34",
        "AB 12 CD",
        "DU-KL 4821",
    ],
    Kind.NAME: [
        "Ik zag Sanne bij de bushalte.",
        "ik zag sanne bij de bushalte",
        "SANNE IS WEG",
        "Mohammed el Idrissi",
        "J. de Vries",
        "mevrouw Jansen belde",
        "hij noemt zich lampo",
        "een jongen genaamd brekel",
        "haar broertje mark",
        "met Roos naar huis",
        "Roos zegt dat ze moe is",
        "naam: grietje",
        "Jan-Willem",
        "Sanne's telefoon",
        "Ömer",
        "een zekere Van Zuilen",
    ],
    Kind.SCHOOL: [
        "zit op het Dr.-Knippenbergcollege",
        "basisschool De Kameleon",
        "basisschool de kameleon",
        "leerling van t sint jozef",
        "Vakcollege Helmond",
        "Scholengemeenschap De Berk",
    ],
    Kind.DOUBTFUL: [
        "nummer 123456789 stond erbij",
        "met Xandorf gesproken",
        "sanne2009 zei dat",
        "Олександр",
        "xxlolaxx",
    ],
}

CLEAN = [
    "Meisje van 15 komt steeds later thuis, zegt dat ze bij de Zara werkt.",
    "Jongen (16) uit 4 havo, op 14-11-2026 om 23.15 uur gezien bij station Helmond.",
    "Verdiende 250 euro per week, 1.200,50 in totaal; art. 273f Sr, artikel 7.3.11 Jeugdwet.",
    "'s Avonds opgehaald door een oudere man in een zwarte BMW met Pools kenteken.",
    "Storm op zee, dat tekende ze. Iets met april en mei.",
    "Sinds 2023 in beeld bij Veilig Thuis, Halt en het JPT; GGD en MEE weten ervan.",
    "WEGGELOPEN UIT INSTELLING OP 3 NOVEMBER, TERUG OP 5 NOVEMBER",
    "Rode Canyon fiets, Louis Vuitton tasje, iPhone 15, 3 telefoons, PS5",
    "kreeg via snap berichten van een onbekende, 24/7 bereikbaar, o.a. 's nachts",
    "Ze zegt: 'niemand mag het weten'. Woont in Sint-Oedenrode, gaat naar school in Eindhoven.",
    "lijn 9 richting Utrecht, vmbo-4, klas 2b, 10x in 2026",
    "de sjaak zijn, zei hij, als hij stopt",
    "Hulplijn 0800-0432 genoemd; site helpwanted.nl",
    "",
    " \n\t",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_personal_data_is_found_and_called_by_its_kind(kind: Kind, text: str) -> None:
    assert kind in screen(text, TODAY)


@pytest.mark.parametrize("text", CLEAN)
def test_an_ordinary_note_passes(text: str) -> None:
    assert screen(text, TODAY) == ()


def test_several_kinds_are_all_told_in_one_order() -> None:
    found = screen("Sanne, bsn 111222333, bel 0612345678 of mail s@x.nl", TODAY)
    assert found == (Kind.BSN, Kind.EMAIL, Kind.PHONE, Kind.NAME)


def test_a_date_is_of_birth_by_the_day_it_is_read() -> None:
    assert screen("gezien op 12-03-2026", TODAY) == ()
    assert screen("gezien op 12-03-2026", date(2031, 1, 1)) == (Kind.BIRTH_DATE,)


def test_every_kind_has_its_words() -> None:
    assert set(TOLD) == set(Kind)


@given(st.text(max_size=300))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert set(screen(text, TODAY)) <= set(Kind)


GROUPS = st.sampled_from([(9,), (4, 2, 3), (3, 3, 3), (1,) * 9, (2, 3, 4), (5, 4), (3, 6)])
SIGNS = st.sampled_from([" ", ".", "-", " - ", "  ", "_", "/"])


@given(st.integers(10_000_000, 999_999_999), GROUPS, SIGNS)
def test_no_way_of_grouping_hides_a_bsn(number: int, groups: tuple[int, ...], sign: str) -> None:
    digits = f"{number:09d}"
    weighed = sum(int(d) * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    ends = list(accumulate(groups))
    parts = [digits[end - size : end] for size, end in zip(groups, ends, strict=True)]
    found = screen(f"het nummer {sign.join(parts)} van haar", TODAY)
    assert found  # any number of nine figures is at least doubtful
    if weighed % 11 == 0:
        assert Kind.BSN in found


@pytest.mark.parametrize("actor", ["staff.one", "u4711", "ABC1234", "jdevries01", "contact-point.3", "0000"])
def test_an_opaque_staff_id_passes(actor: str) -> None:
    assert is_opaque(actor)


@pytest.mark.parametrize(
    "actor", ["piet.jansen", "sanne", "Jan-Willem", "111222333", "u111222333", "0612345678"]
)
def test_a_staff_id_that_names_somebody_does_not(actor: str) -> None:
    assert not is_opaque(actor)
