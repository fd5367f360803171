"""A large school as a OneRoster export: students, classes of 25, and seven classes a student."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_CLASS_SIZE = 25
_CLASSES_OF_STUDENT = 7
_SUBJECTS = ("Math", "Art", "History", "Biology", "English", "Music", "Sport")
_MODES = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
_HEADERS = {
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,"
    "parentSourcedId,schoolYear",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,"
    "orgSourcedId,subjects,subjectCodes",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,"
    "classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "users": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,"
    "givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,"
    "userSourcedId,role,primary,beginDate,endDate",
}

Values = Sequence[object]


def write_school(folder: Path, students: int) -> int:
    """Write the export of a school into a folder; return its number of rows."""
    class_count = max(1, students * _CLASSES_OF_STUDENT // _CLASS_SIZE)
    manifest = [("propertyName", "value"), ("oneroster.version", "1.1")]
    manifest += [(f"file.{name}", "bulk") for name in _MODES]
    _write(folder / "manifest.csv", manifest)
    tables: dict[str, Iterable[Values]] = {
        "orgs": [("school", "", "", "School", "school", "", "")],
        "academicSessions": [
            ("year", "", "", "Year", "schoolYear", "2026-08-01", "2027-07-01", "", "2027")
        ],
        "courses": [
            (f"co-{name}", "", "", "", name, name[:3], "", "school", name, "") for name in _SUBJECTS
        ],
        "classes": _classes(class_count),
        "users": _users(students, class_count),
        "enrollments": _enrollments(students, class_count),
    }
    return sum(
        _write(folder / f"{name}.csv", rows, _HEADERS[name]) for name, rows in tables.items()
    )


def _classes(count: int) -> Iterator[Values]:
    for number in range(count):
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        yield (
            *(f"cl-{number}", "", "", f"{subject} {number}", "", f"co-{subject}", f"C{number}"),
            *("scheduled", "", "school", "year", "", "", ""),
        )


def _users(students: int, teachers: int) -> Iterator[Values]:
    people = (("st", "student", students), ("te", "teacher", teachers))
    for prefix, role, count in people:
        for number in range(count):
            id_ = f"{prefix}-{number}"
            mail = f"{id_}@school.example"
            yield (
                *(id_, "", "", "true", "school", role, id_, f"{{sis:{id_}}}", f"Given {number}"),
                *(f"Family {number}", "", number, mail, "", "", "", "", ""),
            )


def _enrollments(students: int, classes: int) -> Iterator[Values]:
    for number in range(students):
        for place in range(_CLASSES_OF_STUDENT):
            class_ = f"cl-{(number * _CLASSES_OF_STUDENT + place) % classes}"
            id_ = f"en-{number}-{place}"
            yield (id_, "", "", class_, "school", f"st-{number}", "student", "", "2026-08-15", "")
    for number in range(classes):
        class_, teacher = f"cl-{number}", f"te-{number}"
        yield (f"en-t-{number}", "", "", class_, "school", teacher, "teacher", "true", "", "")


def _write(path: Path, rows: Iterable[Values], header: str = "") -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow(header.split(","))
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
