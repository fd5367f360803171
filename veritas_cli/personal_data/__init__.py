"""Personal data: the register as a document, and the export of one student."""
