"""Path parameters of the routes."""

from typing import Annotated

from fastapi import Path

from shared_web.requests.fields import Id, not_reserved

StudentId = Annotated[Id, Path(description="The student's id.", examples=["s001"])]
AssessmentId = Annotated[Id, Path(description="The assessment's id.", examples=["a001"])]
ActionId = Annotated[Id, Path(description="The action's id.", examples=["0199"])]
ImportId = Annotated[Id, Path(description="The import's id.", examples=["0199"])]
ConceptId = Annotated[Id, Path(description="The concept's id.", examples=["math-fractions"])]
OrganisationId = Annotated[Id, Path(description="The organisation's id.", examples=["school"])]
TermId = Annotated[Id, Path(description="The term's id.", examples=["2026-autumn"])]
CourseId = Annotated[Id, Path(description="The course's id.", examples=["math"])]
ClassId = Annotated[Id, Path(description="The class's id.", examples=["math-5a"])]
PersonId = Annotated[Id, Path(description="The id of the member of staff.", examples=["t001"])]
AccessName = Annotated[Id, Path(description="The name of the key or role.", examples=["nurse"])]
OpeningId = Annotated[Id, Path(description="The opening's id.", examples=["0199"])]
# Of rows that a request may store.
NewClassId = Annotated[ClassId, not_reserved("csv")]
NewPersonId = Annotated[PersonId, not_reserved("csv")]
