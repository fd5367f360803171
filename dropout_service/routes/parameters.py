"""Parameters that several resources take."""

from typing import Annotated

from fastapi import Path

from shared_web.fields import Id

StudentId = Annotated[Id, Path(description="The student's id.", examples=["s001"])]
