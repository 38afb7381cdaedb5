"""The house itself: arrows, migrations, contracts and the tools that other tests stand on."""
