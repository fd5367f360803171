"""Class list: students by the change of their place, with names, reasons and activity."""
