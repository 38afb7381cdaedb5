"""Working agreements (werkafspraken).

Keeps which organisations work together, for which municipalities and purposes, what each kind of organisation
may send, on which legal basis, for how long, and what may be shared on. Versions never change; they are
succeeded. Intake asks it of every signal, forwarding of every field. It never decides about a person.
"""
