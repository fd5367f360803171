"""App of students as tutorials of FastAPI and SQLAlchemy write it, as a peer of the service.

NAIVE_POOL is `queue` (twenty kept connections) or `null`. It has no keys, limits or replays.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, NullPool, QueuePool, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from shared_db.connection.engine import normalised_url

_URL = normalised_url(os.environ["DATABASE_URL"])
engine = (
    create_engine(_URL, poolclass=NullPool)
    if os.environ.get("NAIVE_POOL") == "null"
    else create_engine(_URL, poolclass=QueuePool, pool_size=20)
)
SessionLocal = sessionmaker(engine)


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)  # noqa: TID251 - shares no code with the service


class Base(DeclarativeBase):
    """Base of the tables."""


class Student(Base):
    """Table in the form of `staffstuddash.students`, in the schema `public`."""

    __tablename__ = "naive_students"

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    email: Mapped[str | None] = mapped_column(String(320), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


class StudentIn(BaseModel):
    """Student to insert."""

    id: str
    name: str
    email: str | None = None


class StudentOut(StudentIn):
    """Student as stored."""

    model_config = ConfigDict(from_attributes=True)

    created_at: datetime
    updated_at: datetime


def get_session() -> Iterator[Session]:
    """Yield the session of one request."""
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


Database = Annotated[Session, Depends(get_session)]
app = FastAPI()


@app.get("/readyz")
def ready() -> None:
    """Answer that the app runs."""


@app.post("/api/v1/students", status_code=201, response_model=StudentOut)
def add_student(new: StudentIn, session: Database) -> Student:
    """Insert a student."""
    student = Student(**new.model_dump())
    session.add(student)
    session.commit()
    session.refresh(student)
    return student


@app.get("/api/v1/students", response_model=list[StudentOut])
def list_students(session: Database, limit: int = 100) -> object:
    """Return the first students by id."""
    return session.scalars(select(Student).order_by(Student.id).limit(limit)).all()


@app.get("/api/v1/students/{student_id}", response_model=StudentOut)
def get_student(student_id: str, session: Database) -> Student:
    """Return one student."""
    student = session.get(Student, student_id)
    if student is None:
        raise HTTPException(404)
    return student


if __name__ == "__main__":
    Base.metadata.create_all(engine)
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["NAIVE_PORT"]))
