"""Kinds of tables: their fields, with the names by which other systems call their columns."""

from dataclasses import dataclass

from veritas_web.domain.marked import N_


@dataclass(frozen=True)
class Field:
    """Field of a table; names: further names of its column, compared as `comparable` does."""

    name: str
    title: str
    names: tuple[str, ...] = ()
    is_needed: bool = False


@dataclass(frozen=True)
class Kind:
    """Kind of a table; permission: needed beside that for the roster."""

    name: str
    title: str
    text: str
    fields: tuple[Field, ...]
    permission: str = "roster.write"

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the fields by name."""
        return {each.name: each.title for each in self.fields}


_NUMBER = ("number", "no", "nr", "nummer", "sourced id")
_STUDENT = ("student", "student no", "student number", "pupil id", "schüler", "schülernummer")
_CLASS = ("class", "class code", "group", "klasse", "section id")
_EMAIL = ("mail", "email address", "e-mail-adresse")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "students",
            N_("Students"),
            N_("New students, or other names and e-mail addresses."),
            (
                Field("id", N_("Id"), (*_NUMBER, *_STUDENT, "student id"), is_needed=True),
                Field(
                    "name", N_("Name"), ("full name", "student name", "schülername"), is_needed=True
                ),
                Field("email", N_("E-mail"), _EMAIL),
            ),
            "students.write",
        ),
        Kind(
            "people",
            N_("Staff"),
            N_("Members of staff with their roles and accounts."),
            (
                Field(
                    "id",
                    N_("Id"),
                    (*_NUMBER, "staff id", "person id", "teacher id"),
                    is_needed=True,
                ),
                Field("name", N_("Name"), ("full name", "teacher"), is_needed=True),
                Field("role", N_("Role"), ("function", "rolle")),
                Field("email", N_("E-mail"), _EMAIL),
                Field("username", N_("User name"), ("login", "account", "benutzername")),
                Field("organisation_ids", N_("Schools"), ("org ids", "schools")),
            ),
        ),
        Kind(
            "classes",
            N_("Classes"),
            N_("Classes with their courses, terms and subjects."),
            (
                Field("id", N_("Id"), (*_NUMBER, "class id"), is_needed=True),
                Field("title", N_("Title"), ("name", "class name", "titel"), is_needed=True),
                Field("type", N_("Type"), ("class type",)),
                Field("code", N_("Code"), ("class code", "kürzel")),
                Field("course_id", N_("Course"), ("course",)),
                Field("organisation_id", N_("School"), ("org id", "schule")),
                Field("term_ids", N_("Terms"), ("term", "terms", "term id")),
                Field("subjects", N_("Subjects"), ("subject", "fach", "fächer")),
                Field("grades", N_("Grades"), ("grade", "jahrgang")),
                Field("location", N_("Room"), ("room", "raum")),
            ),
        ),
        Kind(
            "enrolments",
            N_("Enrolments"),
            N_("Students in their classes, with the first and the last day."),
            (
                Field("student_id", N_("Id of the student"), _STUDENT, is_needed=True),
                Field("class_id", N_("Id of the class"), _CLASS, is_needed=True),
                Field("valid_from", N_("First day"), ("begin", "start", "from", "von")),
                Field("valid_to", N_("First day after it"), ("end", "to", "until", "bis")),
            ),
        ),
        Kind(
            "assessments",
            N_("Marks"),
            N_("Marked work of students."),
            (
                Field("id", N_("Id"), (*_NUMBER, "assessment id", "mark id"), is_needed=True),
                Field("student_id", N_("Id of the student"), _STUDENT, is_needed=True),
                Field("type", N_("Type"), ("kind", "art"), is_needed=True),
                Field("subject", N_("Subject"), ("fach", "course"), is_needed=True),
                Field("topic", N_("Topic"), ("thema", "title")),
                Field("score", N_("Points"), ("points", "mark", "grade", "punkte")),
                Field("max_score", N_("Highest points"), ("max", "max points", "out of")),
                Field("extra_credit", N_("Extra points allowed"), ("bonus",)),
                Field("excused", N_("Excused"), ("entschuldigt",)),
                Field("timestamp", N_("Day"), ("date", "day", "datum")),
            ),
            "marks.write",
        ),
    )
}
STATES = {
    "receiving": N_("is being received"),
    "waiting": N_("waits for its turn"),
    "running": N_("is being read"),
    "checked": N_("checked, waits for you"),
    "done": N_("done"),
    "refused": N_("refused, nothing was stored"),
    "failed": N_("ended early, nothing was stored"),
}
ONGOING = ("receiving", "waiting", "running")
CONFLICTS = {
    "refuse": N_("Refuse a row that differs from what is stored"),
    "update": N_("Change what is stored to what the file says"),
}
# Reasons and problems of the service without names of the file in them.
REASONS = (
    N_("Field required"),
    N_("has no id"),
    N_("The table has no rows."),
    N_("It was cancelled. Nothing was stored."),
    N_("Nobody confirmed it within two hours. Nothing was stored."),
    N_("Its file was not received as a whole."),
    N_("The service stopped three times while it ran. Nothing was stored."),
    N_("Rows were refused, so nothing was stored. Correct them, and send the file again."),
)
