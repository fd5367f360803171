"""Path parameters of the routes."""

from typing import Annotated

from fastapi import Path

from shared_web.requests.fields import Id

StudentId = Annotated[Id, Path(description="The student's id.", examples=["s001"])]
AssessmentId = Annotated[Id, Path(description="The assessment's id.", examples=["a001"])]
ConceptId = Annotated[Id, Path(description="The concept's id.", examples=["math-fractions"])]
