"""The shared words: code lists and municipalities.

Keeps the versioned data files (`data/`), read once at import. Everybody may come in: the room knows no
client, no database and no clock. It never holds anything about a person, and a code never changes meaning;
it gets a successor.
"""
