"""The regional report: one page for each release and region, as an alderman reads it.

Puts the numbers of a release into sentences, tables and charts, in Dutch and English. Everybody who may read the
tables of a release comes in, and finds the same numbers here. `figures` decides what may be said of numbers of which
some are hidden, `sections` what stands on the page, `charts` how it is drawn.

Never does: count, look at anything but the cells of a release, or let a chart hold what the table beside it does
not show.
"""
