"""How a session ends: its workers leave, its objects are erased, an interrupt is explained."""
