"""Synthesis: signals that nobody ever sent, as partners' systems would send them.

Keeps the organisations, contact points, clients, agreements and areas of Helmond, Ede and Utrecht
(`data/pack.json`) and the published figures that the signals are calibrated on (`data/*.csv`). The demo, the
benchmarks, `generate` and the simulation of rules come in. It never holds a real person, number or secret.

`pack` reads and checks the pack (`models` has its shapes), `generate` makes signals. Under it: `calibration`
(how often), `coherence` (what goes with what), `persons` (who is reported again, and by whom). All of these
are pure: no database, no network, no clock.
"""
