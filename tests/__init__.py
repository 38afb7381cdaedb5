"""Tests of the register: rooms, journeys, the house itself, attacks, faults and benchmarks."""
