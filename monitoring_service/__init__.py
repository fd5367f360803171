"""How the systems themselves do: their events analysed, kept and read back."""
