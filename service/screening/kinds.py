"""The kinds of personal data that the guard tells apart, with the words for a refusal."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What was found; the value is the last part of a fault's code, as in `note.bsn`."""

    BSN = "bsn"
    IBAN = "iban"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    BIRTH_DATE = "birth-date"
    URL = "url"
    HANDLE = "handle"
    PLATE = "plate"
    NAME = "name"
    SCHOOL = "school"
    DOUBTFUL = "doubtful"


TOLD: Mapping[Kind, str] = {
    Kind.BSN: "This seems to hold a citizen service number (burgerservicenummer).",
    Kind.IBAN: "This seems to hold a bank account number.",
    Kind.EMAIL: "This seems to hold an e-mail address.",
    Kind.PHONE: "This seems to hold a telephone number.",
    Kind.ADDRESS: "This seems to hold an address or postcode.",
    Kind.BIRTH_DATE: "This seems to hold a date of birth; the age band has a field of its own.",
    Kind.URL: "This seems to hold a web address.",
    Kind.HANDLE: "This seems to hold an account name.",
    Kind.PLATE: "This seems to hold a licence plate.",
    Kind.NAME: "This seems to hold a name.",
    Kind.SCHOOL: "This seems to name a school.",
    Kind.DOUBTFUL: "Something here may identify somebody: an unknown name, number or account. Rephrase it.",
}
