"""The pushed board: events go into one Valkey stream per competition, and out to every screen."""
