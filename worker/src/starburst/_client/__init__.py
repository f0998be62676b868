"""The analyst's side: sessions, executors, maps, and what they show while they wait."""
