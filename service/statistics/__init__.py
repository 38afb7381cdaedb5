"""The released statistics: counts of persons that nobody can turn back into a person.

Keeps the menu of tables, the areas of a year, and the releases made from them. A release is compiled once
when its period is closed, published by a second person, and read by everybody alike. Its heart is pure:
`menu` says what is counted, `areas` which municipalities stand alone, `rounding` what is told of a number, `audit` and
`insiders` what could be worked out from all of them, `disclosure` what is shown.

Never does: count live, count twice, answer a question that is not on the menu, or let an exact number of
persons leave the house, be it in a cell, a total, an error text, a log or a metric.
"""
