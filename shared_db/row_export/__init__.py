"""Export of the rows of one owner into a ZIP: JSON, a page to read, meaning of the fields."""
