"""Path parameters that several resources share."""

from typing import Annotated

from fastapi import Path

from shared_web.requests.fields import Id

StudentId = Annotated[Id, Path(description="The student's id.", examples=["s001"])]
AssessmentId = Annotated[Id, Path(description="The mark's id.", examples=["a001"])]
PredictionId = Annotated[Id, Path(description="The prediction's id.", examples=["pred001"])]
Course = Annotated[Id, Path(description="The course, as its events name it.", examples=["math-7b"])]
FeedbackId = Annotated[Id, Path(description="The feedback's id.", examples=["fb001"])]
