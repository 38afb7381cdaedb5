"""The demo: a pack of three regions and synthetic signals to fill it.

Keeps the organisations, contact points, clients, agreements and areas of Helmond, Ede and Utrecht
(`data/pack.json`) and the published figures that the signals are calibrated on (`data/*.csv`). The command
line, the benchmarks and the tests come in. It never holds a real person, number or secret.

`pack` reads and checks the pack (`models` has its shapes), `generate` makes signals. Under it: `calibration`
(how often), `coherence` (what goes with what), `persons` (who is reported again, and by whom). All of these
are pure: no database, no network, no clock.
"""
