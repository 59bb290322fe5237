"""Turns plumbline's JSON documents into one self-contained HTML report."""
