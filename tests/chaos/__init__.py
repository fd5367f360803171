"""Writers at full speed while servers and services are killed: nothing acknowledged may be lost."""
