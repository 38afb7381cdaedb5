"""The form of a partner's own reference: room for a case number and none for a person's."""

# Letters in it, and no eight figures in a row.
REFERENCE_FORM = r"(?=.*[A-Za-z])(?!.*[0-9]{8})[A-Za-z0-9./-]{3,40}"
